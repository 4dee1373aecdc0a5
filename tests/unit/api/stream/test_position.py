"""Event ids of the stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.stream.position import Position, read_position, short_digest, unit_key

_places = st.none() | st.integers(0, 2**63)
_rates = st.none() | st.dictionaries(
    st.text().map(unit_key), st.text().map(short_digest), max_size=50
)


@given(alerts=_places, rankings=_places, rates=_rates)
def test_an_id_is_read_as_it_was_written(
    alerts: int | None, rankings: int | None, rates: dict[str, str] | None
) -> None:
    position = Position(alerts, rankings, rates)

    assert read_position(position.text()) == position
    assert position.text().isascii()
    assert len(position.text()) < 1000


@pytest.mark.parametrize("text", ["x", "a", "a1.u123", "a1.r", "a1 ", "a-1", "r1", "a" + "9" * 21])
def test_what_never_was_an_id(text: str) -> None:
    assert read_position(text) is None


def test_units_have_keys_of_their_own() -> None:
    assert unit_key("110101001") != unit_key("110101002")
    assert len(unit_key("街道")) == 8
