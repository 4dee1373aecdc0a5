from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given

from schemas.codec import (
    LIFE_CYCLE,
    NAMES_KEPT,
    Decoded,
    archive_data,
    decode_event,
    decode_frame,
    encode_event,
    encode_frame,
    event_from_archive,
)
from schemas.errors import EventError
from schemas.instants import parse_instant
from schemas.topics import BATCH_JSON, EVENT_JSON
from tests.unit.schemas.samples import cloud_event, cloud_events, with_data


def digest(raw: object) -> bytes:
    return decode_event(raw).event.digest


@pytest.mark.parametrize("name", LIFE_CYCLE)
def test_the_example_of_each_type_is_valid_and_complete(name: str) -> None:
    event, dropped = decode_event(cloud_event(name))
    assert event.type == name
    assert event.place == LIFE_CYCLE.index(name)
    assert event.occurred_at == parse_instant("2026-07-02T23:05:00Z")
    assert len(event.digest) == 16
    assert event.data.keys() == cloud_event(name)["data"].keys()
    assert dropped == ()


@given(cloud_events())
def test_encoding_and_decoding_gives_the_same_event(raw: dict[str, Any]) -> None:
    decoded = decode_event(raw)
    assert decode_frame(EVENT_JSON, encode_event(decoded)) == [decoded]
    frame = encode_frame([encode_event(decoded), encode_event(decoded)])
    assert decode_frame(BATCH_JSON, frame) == [decoded, decoded]


@given(cloud_events())
def test_the_archive_gives_the_same_event(raw: dict[str, Any]) -> None:
    event = decode_event(raw).event
    restored = event_from_archive(
        subject=event.subject,
        source=event.source,
        id=event.id,
        type=event.type,
        occurred_at=event.occurred_at,
        data=archive_data(event),
        digest=event.digest,
    )
    assert restored == event


@given(cloud_events())
def test_nulls_empty_lists_and_key_order_are_no_content(raw: dict[str, Any]) -> None:
    stripped = {key: value for key, value in raw["data"].items() if value not in (None, [])}
    turned = dict(reversed(stripped.items()))
    assert digest({**raw, "data": turned}) == digest(raw)


def test_the_same_instant_under_another_offset_is_the_same_content() -> None:
    here = with_data("received", resolve_due="2026-07-10T08:00:00+08:00")
    there = with_data("received", resolve_due="2026-07-10T00:00:00.000Z")
    assert digest({**here, "time": "2026-07-03T07:05:00+08:00"}) == digest(
        {**there, "time": "2026-07-02T23:05:00Z"}
    )


def test_a_default_written_out_is_the_same_content() -> None:
    assert digest(with_data("dispatched", round=...)) == digest(with_data("dispatched", round=1))
    assert digest(with_data("dispatched", round=2)) != digest(with_data("dispatched", round=1))


@pytest.mark.parametrize(
    "changed",
    [
        cloud_event(subject="热线-260703-000002"),
        cloud_event(time="2026-07-03T07:05:01+08:00"),
        with_data("received", channel="web"),
    ],
)
def test_other_content_has_another_digest(changed: dict[str, Any]) -> None:
    assert digest(changed) != digest(cloud_event())


def test_source_and_id_name_the_content_and_are_not_part_of_it() -> None:
    assert digest(cloud_event(id="another", source="urn:another")) == digest(cloud_event())


def test_unknown_fields_are_dropped_and_named() -> None:
    raw = with_data("callback", caller_phone="13912345678")
    raw["traceparent"] = "00-1"
    raw["data"]["answers"] = {**raw["data"]["answers"], "remark": "free text"}
    raw["data"]["张三 13912345678"] = 1
    event, dropped = decode_event(raw)
    assert dropped == ("(other)", "caller_phone", "remark", "traceparent")
    assert event == decode_event(cloud_event("callback")).event
    assert b"139" not in encode_event(Decoded(event, dropped))


def test_dropped_names_travel_without_touching_the_content() -> None:
    decoded = decode_event(with_data("signed", phone="1"))
    again = decode_event({**orjson.loads(encode_event(decoded)), "another": 1})
    assert again.event == decoded.event
    assert again.dropped == ("another", "phone")


def test_the_number_of_dropped_names_is_bounded() -> None:
    decoded = decode_event(with_data("signed", **{f"field_{n:03}": n for n in range(1000)}))
    assert len(decoded.dropped) == NAMES_KEPT
    assert decoded.dropped[:2] == ("(other)", "field_000")
    assert decode_event(orjson.loads(encode_event(decoded))) == decoded


def test_the_content_type_attribute_of_cloud_events_is_no_unknown_field() -> None:
    assert decode_event(cloud_event(datacontenttype="application/json")).dropped == ()


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("time", "2026-07-03T08:00:00+08:00", "2026-07-03T00:00:00Z"),
        ("resolve_due", "2026-07-03T08:00:00+08:00", "2026-07-03T00:00:00Z"),
        ("unit", "110101002", "110101002"),
        ("reached", False, False),
        ("round", 2, 2),
        ("category", ["a", "b"], ["a", "b"]),
        ("answers", {"solved": "no", "satisfaction": None}, {"solved": "no"}),
    ],
)
def test_a_correction_keeps_values_in_the_form_of_their_field(
    field: str, value: object, kept: object
) -> None:
    raw = cloud_event("corrected", data={"event": "e-1", "field": field, "new": value})
    assert decode_event(raw).event.data == {"event": "e-1", "field": field, "new": kept}


def test_a_correction_without_a_new_value_empties_the_field() -> None:
    raw = cloud_event("corrected", data={"event": "e-1", "field": "tags", "new": []})
    assert decode_event(raw).event.data == {"event": "e-1", "field": "tags"}


def frame_reasons(content_type: str | None, body: bytes) -> list[str]:
    return [
        item.reason if isinstance(item, EventError) else "ok"
        for item in decode_frame(content_type, body)
    ]


GOOD = orjson.dumps(cloud_event())


@pytest.mark.parametrize(
    ("content_type", "body", "reasons"),
    [
        (None, GOOD, ["ok"]),
        (None, b" \n[" + GOOD + b"]", ["ok"]),
        ("text/plain", b"[" + GOOD + b"," + GOOD + b"]", ["ok", "ok"]),
        (BATCH_JSON.upper() + "; charset=utf-8", b"[" + GOOD + b"]", ["ok"]),
        (BATCH_JSON, b"[]", []),
        (BATCH_JSON, GOOD, ["malformed_json"]),
        (EVENT_JSON, b"[" + GOOD + b"]", ["not_an_object"]),
        (None, b"", ["malformed_json"]),
        (None, b"\xff\xfe", ["invalid_utf8"]),
        (None, b"[" + GOOD, ["malformed_json"]),
        (None, b"[" + GOOD + b"]]", ["malformed_json"]),
        (None, b"[" + GOOD + b',"\xff",' + GOOD + b"]", ["ok", "invalid_utf8", "ok"]),
        (None, b"[NaN," + GOOD + b"]", ["malformed_json", "ok"]),
        (None, b"[" + GOOD + b",{,},]", ["ok", "malformed_json", "malformed_json"]),
        (None, b"[" + b"[" * 5000 + b"]" * 5000 + b"," + GOOD + b"]", ["malformed_json", "ok"]),
        (None, b'["\\ud800","]",' + GOOD + b"]", ["malformed_json", "not_an_object", "ok"]),
        (None, b"[1,null," + GOOD + b"]", ["not_an_object", "not_an_object", "ok"]),
        (None, b"[1e999999," + GOOD + b"]", ["malformed_json", "ok"]),
    ],
)
def test_a_bad_event_leaves_its_neighbours_alone(
    content_type: str | None, body: bytes, reasons: list[str]
) -> None:
    assert frame_reasons(content_type, body) == reasons


def test_an_id_twice_in_a_frame_is_read_twice() -> None:
    other = orjson.dumps(with_data("received", channel="web"))
    first, second = decode_frame(None, encode_frame([GOOD, other]))
    assert isinstance(first, Decoded)
    assert isinstance(second, Decoded)
    assert first.event.id == second.event.id
    assert first.event.digest != second.event.digest
