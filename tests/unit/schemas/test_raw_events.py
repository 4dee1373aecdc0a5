"""The events of a message as they were sent stand at the same indices as the decoded ones."""

from __future__ import annotations

import orjson
import pytest

from schemas.codec import decode_event, decode_frame, raw_events
from schemas.errors import EventError
from schemas.topics import BATCH_JSON, EVENT_JSON
from tests.unit.schemas.samples import cloud_event

EVENT = cloud_event("received")
ONE = orjson.dumps(EVENT)


@pytest.mark.parametrize(
    ("content_type", "body", "raws"),
    [
        (EVENT_JSON, ONE, [EVENT]),
        (None, ONE, [EVENT]),
        (None, b" [" + ONE + b",1]", [EVENT, 1]),
        (BATCH_JSON, b"[" + ONE + b",{,}," + ONE + b"]", [EVENT, None, EVENT]),
        (BATCH_JSON, ONE, [EVENT]),
        (EVENT_JSON, b"[" + ONE + b"]", [[EVENT]]),
        (BATCH_JSON, b"[]", []),
        (BATCH_JSON, b"[{", [None]),
        (None, b"\xff", [None]),
        (None, b"", [None]),
    ],
)
def test_the_raw_events_are_those_that_are_decoded(
    content_type: str | None, body: bytes, raws: list[object]
) -> None:
    found = raw_events(content_type, body)
    assert found == raws
    decoded = decode_frame(content_type, body)
    assert len(decoded) == len(raws)
    for raw, item in zip(found, decoded, strict=True):
        if not isinstance(item, EventError):
            assert decode_event(raw) == item
