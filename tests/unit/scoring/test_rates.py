from __future__ import annotations

import pytest

from schemas.records import CounterKey, Fence, FlushMark, Position, Sums
from services.scoring.rates import decode_rates, encode_rates

MARK = FlushMark(Fence(3, 12), 7, Position(3, 99), 1_783_000_000_000_000)


def test_a_flush_reads_back_as_written() -> None:
    counters = {CounterKey("lead", "110101001", "volume", 900): Sums(2, 0)}
    (value,) = encode_rates(5, 2, MARK, counters)
    message = decode_rates(value)
    assert message == (5, 2, MARK, 0, 1, counters)


def test_a_flush_without_changes_still_tells_position_and_clock() -> None:
    (value,) = encode_rates(5, 2, MARK, {})
    assert decode_rates(value).mark == MARK


def test_a_large_flush_is_cut_into_parts_below_the_broker_limit() -> None:
    counters = {
        CounterKey("lead", f"{n:012d}", "satisfaction", n * 900): Sums(n, n) for n in range(12_001)
    }
    parts = encode_rates(5, 2, MARK, counters)
    assert max(map(len, parts)) < 1 << 20
    messages = [decode_rates(part) for part in parts]
    assert [(m.part, m.parts) for m in messages] == [(0, 3), (1, 3), (2, 3)]
    assert {k: v for m in messages for k, v in m.counters.items()} == counters


@pytest.mark.parametrize("value", [b"", b"{}", b"[1]", b'{"epoch": 1}', b"\xff"])
def test_something_else_is_a_value_error(value: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the text
        decode_rates(value)
