"""What is accepted quickly is what the model accepts, with the same content."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.events import DATA_TYPES, Data
from schemas.fields import Name
from schemas.quick import QuickReader, is_plain_name, quick_reader
from schemas.reference import event_example
from tests.unit.schemas.samples import cloud_events

NAME = TypeAdapter[str](Name)
QUICK = sorted(DATA_TYPES.keys() - {"corrected"})  # its kind depends on the field that it names
ODD: tuple[Any, ...] = (
    None, "", " ", "a", "a" * 64, "a" * 65, "a" * 128, "a" * 129, " a ", "\u3000", "a\u2028b",
    "\x7f", "\ufeff", "\xad", "a\nb", "13912345678", "1391234567", "213912345678", "f" * 31,
    "f" * 32, "F" * 32, 0, 1, 5, 1000, 1001, 1.0, True, False, [], ["a"], ["a"] * 5, ["a"] * 6,
    ["a"] * 33, [None], [""], ["13912345678"], {}, {"solved": "no"}, {"solved": "perhaps"},
    {"solved": None}, {"remark": "a"}, "yes", "approved", "complaint", "phone", "upheld",
    "2026-07-03T00:00:00Z", "2026-07-03T08:00:00+08:00", "2026-07-03t00:00:00z",
    "2026-07-03T00:00:00.5Z", "2026-02-30T00:00:00Z", "2026-07-03T00:00:00", "1800-01-01T00:00:00Z",
)  # fmt: skip


def reader_of(model: type[Data]) -> QuickReader:
    reader = quick_reader(model)
    assert reader is not None
    return reader


READERS = {name: reader_of(DATA_TYPES[name]) for name in QUICK}


def by_model(model: type[Data], raw: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return model.model_validate(raw).content()
    except ValidationError:
        return None


@st.composite
def altered(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """The example of a type, some fields of it left out or replaced by something odd."""
    name = draw(st.sampled_from(QUICK))
    fields = [*DATA_TYPES[name].model_fields, "unlisted"]
    odd = st.one_of(st.sampled_from(ODD), st.just(...), st.text(max_size=5))
    changes = draw(st.dictionaries(st.sampled_from(fields), odd, max_size=3))
    data = {**event_example(name)["data"], **changes}
    return name, {key: value for key, value in data.items() if value is not ...}


@pytest.mark.parametrize("name", QUICK)
def test_the_example_of_each_type_is_accepted_quickly(name: str) -> None:
    data = event_example(name)["data"]
    assert READERS[name].content(data) == by_model(DATA_TYPES[name], data) is not None


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_each_field_that_is_accepted_quickly_is_right(name: str, odd: object) -> None:
    model = DATA_TYPES[name]
    for field in model.model_fields:
        data = {**event_example(name)["data"], field: odd}
        quick = READERS[name].content(data)
        assert quick is None or quick == by_model(model, data)


@given(altered())
def test_what_is_accepted_quickly_is_what_the_model_accepts(
    found: tuple[str, dict[str, Any]],
) -> None:
    name, data = found
    model = DATA_TYPES[name]
    quick = READERS[name].content(data)
    if quick is not None:
        assert quick == by_model(model, data)
        assert not model.unknown_names(data)


@given(cloud_events())
def test_a_valid_event_is_in_doubt_or_the_same(raw: dict[str, Any]) -> None:
    name = raw["type"].removeprefix("workorder.")
    if name in READERS:
        quick = READERS[name].content(raw["data"])
        assert quick in (None, by_model(DATA_TYPES[name], raw["data"]))


@pytest.mark.parametrize("first", range(0, 0x10000, 0x1000))
def test_a_plain_name_is_a_name(first: int) -> None:
    """Every character of the basic plane, alone and beside a letter."""
    for code in range(first, first + 0x1000):
        for text in (chr(code), "a" + chr(code)):
            if is_plain_name(text):
                assert NAME.validate_python(text, strict=True) == text


@pytest.mark.parametrize("value", [None, 7, "", "  ", "a" * 129, "\ufeff", "a\u200bb"])
def test_what_is_no_plain_name(value: object) -> None:
    assert not is_plain_name(value)


def test_a_type_with_a_field_of_an_unknown_kind_has_no_quick_reader() -> None:
    assert quick_reader(DATA_TYPES["corrected"]) is None
