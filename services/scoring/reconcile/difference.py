"""Two sources that should say the same of one counter, and do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from schemas.instants import format_instant
from schemas.records import ZERO, CounterKey, Sums

FEED: Final = "feed"
COUNTERS: Final = "counters"
TOTALS: Final = "totals"
ORDERS: Final = "orders"
ARCHIVE: Final = "archive"


class Difference(NamedTuple):
    """What ``one`` source says of a counter, and what the ``other`` one does.

    ``order`` explains it, if one does; between `ORDERS` and `ARCHIVE` the values are that order's
    own part.
    """

    shard: int
    key: CounterKey
    one: str
    one_value: Sums
    other: str
    other_value: Sums
    order: str = ""

    def line(self) -> str:
        """In one line; numerators in thousandths."""
        key = self.key
        explained = f", order 工单 {self.order}" if self.order else ""
        return (
            f"shard 分区 {self.shard}: {key.ranking} {key.unit or '-'} {key.indicator}"
            f" {format_instant(key.bucket)}: {self.one} {_text(self.one_value)},"
            f" {self.other} {_text(self.other_value)}{explained}"
        )


def differing(
    shard: int,
    one: str,
    one_sums: Mapping[CounterKey, Sums],
    other: str,
    other_sums: Mapping[CounterKey, Sums],
) -> Iterator[Difference]:
    """Every counter of which the two say different things, by key; one without a value is zero."""
    for key in sorted(one_sums.keys() | other_sums.keys()):
        mine, theirs = one_sums.get(key, ZERO), other_sums.get(key, ZERO)
        if mine != theirs:
            yield Difference(shard, key, one, mine, other, theirs)


def _text(sums: Sums) -> str:
    return f"{sums.numerator}/{sums.denominator}"
