"""Flush marks as the tables hold them."""

from __future__ import annotations

from typing import Any, Final

from schemas.records import Fence, FlushMark, Position

_TOKEN_BITS: Final = 44  # as `schemas.records.Fence.number` packs it


def fence_of(number: int) -> Fence:
    """Unpack `Fence.number`."""
    return Fence(number >> _TOKEN_BITS, number & ((1 << _TOKEN_BITS) - 1))


def flush_mark(row: tuple[Any, ...]) -> FlushMark:
    """Read (fence, flush, epoch, offset, clock, totals)."""
    number, flush, epoch, offset, clock, totals = row
    return FlushMark(fence_of(number), flush, Position(epoch, offset), clock, totals)
