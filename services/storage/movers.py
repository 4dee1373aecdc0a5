"""The orders whose events moved units between two evaluations: read from the archive's positions.

Both evaluations name the position that they hold of every shard, so the answer is the same whenever
it is asked, and whoever asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from schemas.instants import Instant
from schemas.records import Position
from services.domain.alerting import ORDERS, Moved
from services.storage.database import Database

_START: Final = Position(0, -1)

# Written with constants only, so that the index by position is used.
BETWEEN: Final = (
    "shard = {shard:UInt16}"
    " AND (epoch > {epoch:UInt32} OR (epoch = {epoch:UInt32} AND offset > {offset:Int64}))"
    " AND (epoch < {last_epoch:UInt32}"
    "  OR (epoch = {last_epoch:UInt32} AND offset <= {last_offset:Int64}))"
)
_MOVERS: Final = (
    "SELECT unit, groupArray(subject), min(oldest) FROM"  # noqa: S608 - constants only
    " (SELECT subject, arrayJoin(arrayDistinct(arrayFilter((u, r, at) -> r = {ranking:String}"
    "   AND has({units:Array(String)}, u)"
    "   AND at >= fromUnixTimestamp64Micro({begins:Int64}, 'UTC')"
    "   AND at < fromUnixTimestamp64Micro({ends:Int64}, 'UTC'),"
    "   `span.unit`, `span.ranking`, `span.attributed_at`))) AS unit"
    "  FROM work_orders FINAL WHERE ruleset = {ruleset:UInt32} AND shard = {shard:UInt16}"
    f"  AND subject IN (SELECT subject FROM events WHERE {BETWEEN})) AS orders"
    " INNER JOIN"
    f" (SELECT subject, min(occurred_at) AS oldest FROM events WHERE {BETWEEN} GROUP BY subject)"
    " AS came USING subject"
    " GROUP BY unit"
)


class Range(NamedTuple):
    """Whose orders: of which ruleset, counted in which ranking and attributed to [begins, ends)."""

    ruleset: int
    ranking: str
    begins: Instant
    ends: Instant


def movers(
    db: Database,
    of: Range,
    units: Collection[str],
    after: Mapping[int, Position],
    upto: Mapping[int, Position],
) -> dict[str, Moved]:
    """By unit the orders that events came for after one evaluation and up to another.

    An order that left the unit or the window by them is no longer found there.
    """
    orders: dict[str, list[str]] = {}
    oldest: dict[str, Instant] = {}
    for between in ranges(after, upto):
        params = {**of._asdict(), "units": sorted(units), **between}
        for unit, subjects, at in db.query(_MOVERS, params):
            orders.setdefault(unit, []).extend(subjects)
            oldest[unit] = min(at, oldest.get(unit, at))
    return {
        unit: Moved(tuple(sorted(subjects)[:ORDERS]), len(subjects), oldest[unit])
        for unit, subjects in orders.items()
    }


def ranges(after: Mapping[int, Position], upto: Mapping[int, Position]) -> Iterator[dict[str, int]]:
    """What `BETWEEN` asks of every shard that moved from one evaluation to another."""
    for shard, last in sorted(upto.items()):
        first = after.get(shard, _START)
        if first < last:
            yield {
                "shard": shard,
                "epoch": first.epoch,
                "offset": first.offset,
                "last_epoch": last.epoch,
                "last_offset": last.offset,
            }
