"""The schema that editors use takes what the loader takes, and marks what it refuses by key."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas.policy_schema import policy_schema
from services.domain.policy import PolicyError, load_policy, preset, presets
from services.domain.policy_text import Text

SCHEMA = policy_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def as_an_editor_sees_it(text: str) -> Any:
    """YAML of today has no dates, and numbers only."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, Decimal):
            return float(value)
        return value.isoformat() if isinstance(value, date) else value

    return plain(Text(text).value())


def test_the_schema_is_sound() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", presets())
def test_every_preset_validates(name: str) -> None:
    VALIDATOR.validate(as_an_editor_sees_it(preset(name)))


def _changed(**changes: Any) -> dict[str, Any]:
    document = as_an_editor_sees_it(preset("beijing-district"))
    return {key: value for key, value in (document | changes).items() if value is not ...}


@pytest.mark.parametrize(
    "changes",
    [
        {"unknown_key": 1},
        {"score": ...},
        {"id": "Beijing District"},
        {"version": ...},
        {"cycle": {"kind": "month", "start_day": 30}},
        {"deadlines": [{"resolve": {"fortnights": 1}}]},
        {"deadlines": [{"match": {"urgency": "soon"}, "resolve": {"days": 1}}]},
        {"ranking": {"ties": "volume", "bottom": 10}},
        {"versions": []},
        {"versions": [{"version": "2"}]},  # beside a version at the top
    ],
)
def test_mistakes_of_one_key_are_marked(changes: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(_changed(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"version": ..., "versions": [{"version": "1"}, {"version": "2", "effective": {"from": "2026-11-19"}}]},
        {"deadlines": [{"match": {"category": "供热", "round": 2}, "resolve": {"days": 1}}]},
        {"unit_groups": {"near_towns": "110101001", "far_towns": ["110101002", "110101003"]}},
        {"score": ..., "version": ..., "versions": [{"version": "1", "score": {"weights": {"response": 100}, "decimals": 1}}]},
    ],
)  # fmt: skip
def test_what_may_stand_in_a_policy_is_taken(changes: dict[str, Any]) -> None:
    VALIDATOR.validate(_changed(**changes))


def test_both_refuse_a_misspelt_key() -> None:
    text = preset("on-time").replace("minimum_sample", "minimal_sample")

    assert not VALIDATOR.is_valid(as_an_editor_sees_it(text))
    with pytest.raises(PolicyError, match="there is no such key"):
        load_policy(text)
