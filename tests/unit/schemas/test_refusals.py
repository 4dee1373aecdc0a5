from __future__ import annotations

import contextlib
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import LIFE_CYCLE, decode_event, decode_frame
from schemas.errors import REASONS, EventError
from tests.unit.schemas.samples import cloud_event, with_data


def refusal(raw: object) -> EventError:
    with pytest.raises(EventError) as caught:
        decode_event(raw)
    return caught.value


def place(raw: object) -> tuple[str, str]:
    error = refusal(raw)
    return error.reason, error.path


@pytest.mark.parametrize("attribute", ["specversion", "type", "source", "id", "subject", "time"])
@pytest.mark.parametrize("value", [None, ...])
def test_every_attribute_is_required(attribute: str, value: object) -> None:
    assert place(cloud_event(**{attribute: value})) == ("missing_field", f"/{attribute}")


@pytest.mark.parametrize("value", [None, ...])
@pytest.mark.parametrize("name", LIFE_CYCLE)
def test_data_is_required_even_where_it_may_be_empty(name: str, value: object) -> None:
    assert place(cloud_event(name, data=value)) == ("event_without_data", "/data")


@pytest.mark.parametrize("name", ["cancelled", "reopened", "reinstated"])
def test_data_without_required_fields_may_be_empty(name: str) -> None:
    assert decode_event(cloud_event(name, data={})).event.data == {}


@pytest.mark.parametrize("kind", ["received", "workorder.deleted", "workorder.", 7, ["x"]])
def test_an_unknown_type_is_refused(kind: object) -> None:
    assert place(cloud_event(type=kind)) == ("unknown_type", "/type")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (cloud_event(specversion="0.3"), "/specversion"),
        (cloud_event(id=""), "/id"),
        (cloud_event(id="a\nb"), "/id"),
        (cloud_event(id=7), "/id"),
        (cloud_event(source=" "), "/source"),
        (cloud_event(subject="x" * 129), "/subject"),
        (cloud_event(subject="a\u2028b"), "/subject"),
        (cloud_event(subject="\ud800"), "/subject"),
        (cloud_event(subject="\x00"), "/subject"),
        (cloud_event(subject="\u3000 \u200b"), "/subject"),
        (cloud_event(time=1751500000), "/time"),
        (cloud_event(time="yesterday"), "/time"),
        (cloud_event(time="2026-02-30T00:00:00Z"), "/time"),
        (cloud_event(time="1899-12-31T23:59:59Z"), "/time"),
        (cloud_event(time="2300-01-01T00:00:00Z"), "/time"),
        (cloud_event(data=[]), "/data"),
        (cloud_event(data="text"), "/data"),
        (with_data("received", demand_type="other"), "/data/demand_type"),
        (with_data("received", category=list("abcdef")), "/data/category"),
        (with_data("received", category=["a", 1]), "/data/category/1"),
        (with_data("received", tags=[None]), "/data/tags/0"),
        (with_data("received", tags=[{"phone": "1"}]), "/data/tags/0"),
        (with_data("received", tags="a"), "/data/tags"),
        (with_data("received", channel="a\nb"), "/data/channel"),
        (with_data("received", channel="x" * 65), "/data/channel"),
        (with_data("received", caller_hash="13912345678"), "/data/caller_hash"),
        (with_data("dispatched", round=0), "/data/round"),
        (with_data("dispatched", round=10**30), "/data/round"),
        (with_data("dispatched", round=math.nan), "/data/round"),
        (with_data("dispatched", round=1.0), "/data/round"),
        (with_data("dispatched", round=True), "/data/round"),
        (with_data("dispatched", round="1"), "/data/round"),
        (with_data("callback", reached="yes"), "/data/reached"),
        (with_data("callback", answers=[]), "/data/answers"),
        (with_data("callback", answers={"solved": "maybe"}), "/data/answers/solved"),
        (with_data("callback", unreached_reason="no_answer"), "/data/unreached_reason"),
        (with_data("callback", reached=False, unreached_reason="busy"), "/data/answers"),
        (with_data("returned", decision="granted"), "/data/decision"),
        (with_data("corrected", field="phone"), "/data/field"),
        (with_data("corrected", field="event", old=None), "/data/field"),
        (with_data("corrected", field="unit", new=7, old=None), "/data/new"),
        (with_data("corrected", field="round", new="free text", old=None), "/data/new"),
        (with_data("corrected", field="unit", old={"phone": "1"}), "/data/old"),
        (with_data("corrected", field="time", new="2026-07-03T07:00:00"), "/data/new"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(raw: object, expected: str) -> None:
    assert place(raw) == ("invalid_field", expected)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (with_data("dispatched", unit=...), "/data/unit"),
        (with_data("dispatched", unit=None), "/data/unit"),
        (with_data("signed", unit=...), "/data/unit"),
        (with_data("received", demand_type=...), "/data/demand_type"),
        (with_data("callback", reached=...), "/data/reached"),
        (with_data("callback", reached=False, answers=...), "/data/unreached_reason"),
        (with_data("extended", resolve_due=...), "/data/resolve_due"),
        (with_data("excluded", ground=...), "/data/ground"),
    ],
)
def test_a_missing_field_is_refused_with_its_place(raw: object, expected: str) -> None:
    assert place(raw) == ("missing_field", expected)


@pytest.mark.parametrize("decision", ["requested", "refused"])
def test_only_an_approved_extension_needs_the_new_deadline(decision: str) -> None:
    decode_event(with_data("extended", decision=decision, resolve_due=...))


@pytest.mark.parametrize("text", ["2026-07-03T07:05:00", "2026-07-03 07:05:00.5", "2026-07-03"])
def test_a_time_without_an_offset_is_refused(text: str) -> None:
    assert place(cloud_event(time=text)) == ("time_without_offset", "/time")
    raw = with_data("received", resolve_due=text)
    assert place(raw) == ("time_without_offset", "/data/resolve_due")


@pytest.mark.parametrize(
    "text", ["13912345678", "张三，电话13912345678", "11010119900307663X", "tel:13912345678"]
)
def test_what_looks_like_personal_data_is_refused(text: str) -> None:
    assert place(with_data("received", tags=["a", text])) == ("personal_data", "/data/tags/1")
    assert place(with_data("resolved", evidence=[text])) == ("personal_data", "/data/evidence/0")


@pytest.mark.parametrize("code", ["110101001001", "2391234567890", "12345"])
def test_long_codes_are_not_taken_for_personal_data(code: str) -> None:
    assert decode_event(with_data("received", place_code=code)).event.data["place_code"] == code


def test_a_refusal_carries_the_valid_part_of_the_identity() -> None:
    error = refusal(with_data("dispatched", unit=...) | {"source": "\x00"})
    assert (error.source, error.id, error.subject, error.type) == (
        "",
        "e-000001-2",
        "热线-260703-000001",
        "dispatched",
    )
    assert refusal(cloud_event(type="13912345678")).type == ""


WORDS = "words of a caller"
_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.just(WORDS),
        st.text(st.characters(exclude_categories=())),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(_JSON, st.sampled_from(LIFE_CYCLE), st.data())
def test_any_json_anywhere_gives_an_event_or_a_clean_refusal(
    value: Any, name: str, data: st.DataObject
) -> None:
    raw = cloud_event(name)
    holder = data.draw(st.sampled_from([raw, raw["data"]]))
    holder[data.draw(st.sampled_from(sorted(holder)))] = value
    with contextlib.suppress(EventError):
        decode_event(raw)
        return
    error = refusal(raw)
    assert error.reason in REASONS
    assert re.fullmatch(r"(/[a-z_]+|/\d+)*", error.path)
    assert WORDS not in error.detail + error.detail_zh + str(error)
    assert error.detail.endswith(".")
    assert error.detail_zh.endswith("。")


@given(st.binary(max_size=200))
def test_any_bytes_give_clean_refusals(body: bytes) -> None:
    for item in decode_frame(None, body):
        assert isinstance(item, EventError)
        assert item.reason in REASONS
