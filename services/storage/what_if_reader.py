"""Reads the orders of one cycle out of the archive, as they were at given flushes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from schemas.instants import SECOND, format_instant
from schemas.records import FlushMark
from services.domain.what_if import Reach
from services.storage.database import Database
from services.storage.order_lines import UNTIL_MARK, blocks, events_statement, mark_params

_MOST: Final = 9, 10  # from this share of all orders on none is searched for: all are read

# Instants in data are told in UTC and with the fewest digits, so they sort as texts within a second.
# The engine looks into the data only where the event's own instant does not settle it.
_INSTANTS: Final = r"""extractAll(data, '"(\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z)"')"""
NEAR: Final = (
    "max(occurred_at < fromUnixTimestamp64Micro({ends_at:Int64}, 'UTC')"
    f" OR arrayExists(told -> told < {{ends_text:String}}, {_INSTANTS}))"
    " AND max(occurred_at >= fromUnixTimestamp64Micro({begins_at:Int64}, 'UTC')"
    " OR {pauses:Bool} AND type = 'suspended'"
    f" OR arrayExists(told -> told >= {{begins_text:String}}, {_INSTANTS}))"
)


def near_params(reach: Reach) -> Mapping[str, Any]:
    """The parameters of `NEAR`, a condition on all events of one order."""
    return {
        **reach._asdict(),
        "ends_text": format_instant(reach.ends_at),
        "begins_text": format_instant(reach.begins_at - SECOND),
    }


# Without a look into the data: what is near by its events alone.
_SURELY_NEAR: Final = (
    "min(occurred_at) < fromUnixTimestamp64Micro({ends_at:Int64}, 'UTC')"
    " AND max(occurred_at) >= fromUnixTimestamp64Micro({begins_at:Int64}, 'UTC')"
)


class Orders(NamedTuple):
    """The orders of one shard up to a flush: how many are ``near``, and how many there are."""

    near: int
    all: int


class WhatIfReader:
    """Whole orders that are in reach of a window, up to one flush of each shard.

    Every method may raise `StorageUnavailable`.
    """

    def __init__(self, db: Database, marks: Mapping[int, FlushMark], reach: Reach) -> None:
        self._db = db
        self._marks = marks
        self._reach = near_params(reach)
        self._counts: dict[int, Orders] = {}

    def count(self) -> int:
        """How many orders `blocks` will give."""
        for shard in self._marks:
            found = self._counted(shard, _SURELY_NEAR)
            # Where most are near anyway, nobody has to look for the others.
            self._counts[shard] = found if _is_most(found) else self._counted(shard, NEAR)
        return sum(
            orders.all if _is_most(orders) else orders.near for orders in self._counts.values()
        )

    def _counted(self, shard: int, near: str) -> Orders:
        ((count, all_),) = self._db.query(
            f"SELECT countIf(near), count() FROM (SELECT {near} AS near FROM events"  # noqa: S608 (constants)
            f" WHERE {UNTIL_MARK} GROUP BY shard, subject)",
            {**mark_params(shard, self._marks[shard]), **self._reach},
        )
        return Orders(count, all_)

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """The lines of whole orders (`order_lines.orders`), each block with its shard."""
        for shard, mark in self._marks.items():
            params = mark_params(shard, mark)
            where = ""
            if not _is_most(self._counts[shard]):
                where = (
                    f"AND subject IN (SELECT subject FROM events WHERE {UNTIL_MARK}"  # noqa: S608 (constants)
                    f" GROUP BY shard, subject HAVING {NEAR})"
                )
                params = {**params, **self._reach}
            with self._db.stream(events_statement(where), params) as stream:
                for block in blocks(stream):
                    yield shard, block


def _is_most(orders: Orders) -> bool:
    part, of = _MOST
    return orders.near * of >= orders.all * part
