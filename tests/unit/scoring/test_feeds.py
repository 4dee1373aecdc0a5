"""What scoring writes is what the generated JSON Schemas promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from schemas.documents import asyncapi
from schemas.feeds import FEEDS
from schemas.records import CounterKey, DeadLetter, Fence, FlushMark, Position, Sums
from services.cli.topics import _topics
from services.scoring.claims import encode_claim
from services.scoring.letters import encode_dead_letter
from services.scoring.rates import encode_rates
from services.scoring.standing import ENTERED, LEFT
from services.scoring.standings import encode_alert
from services.storage.evaluations import Alert, Evaluation, Series

NOW = 1_783_000_000_000_000
MARK = FlushMark(Fence(3, 12), 7, Position(3, 99), NOW)
SERIES = Series(2, "lead", "street", "", "cycle", "2026-07")
EVALUATION = Evaluation(SERIES, NOW, NOW + 1, 1, NOW, {0: Position(1, 2)}, (), (), ())
MESSAGES = [
    (
        "dead-letter",
        encode_dead_letter(
            DeadLetter(
                "work-order-events", 1, Position(1, 9), 0, "malformed_json", "", "Send JSON."
            )
        ),
    ),
    ("street-rates", encode_rates(5, 2, MARK, {})[0]),
    (
        "street-rates",
        encode_rates(5, 2, MARK, {CounterKey("lead", "", "volume", 0): Sums(2, 0)})[0],
    ),
    ("rank-alert", encode_alert(Alert("a:1", ENTERED, "110101001"), EVALUATION)),
    ("rank-alert", encode_alert(Alert("a:2", LEFT, "110101001"), EVALUATION)),
    ("shard-claim", encode_claim(5, 3, NOW)),
]


def _validator(name: str) -> Draft202012Validator:
    path = Path(__file__).parents[3] / "schemas" / "json" / f"{name}.json"
    schema = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize(("name", "value"), MESSAGES)
def test_what_is_written_is_valid_and_complete(name: str, value: bytes) -> None:
    message: dict[str, Any] = json.loads(value)
    validator = _validator(name)
    validator.validate(message)
    for field in message:
        with pytest.raises(ValidationError):
            validator.validate({key: message[key] for key in message if key != field})
    assert not validator.is_valid({**message, "unlisted": 1})


def test_every_feed_is_written_here_and_describes_its_fields() -> None:
    assert {name for name, _ in MESSAGES} == set(FEEDS)
    for feed in FEEDS.values():
        assert all(field.description for field in feed.message.model_fields.values())


def test_the_document_has_the_topics_that_are_created() -> None:
    channels = asyncapi()["channels"].values()
    created = {topic.name: topic for topic in _topics(64)}
    assert {channel["address"] for channel in channels} == set(created)
    for feed in FEEDS.values():
        topic = created[feed.topic]
        assert topic.partitions == (feed.partitions or 64)
        assert topic.retention_ms == feed.days * 24 * 60 * 60 * 1000
