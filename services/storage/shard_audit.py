"""One shard as whoever compares its tables with one another reads it."""

from __future__ import annotations

from typing import NamedTuple

from schemas.records import CYCLE_TOTAL, CounterKey, Sums
from services.storage.shard_store import ShardStore


class Versioned(NamedTuple):
    """A counter, and the flush that set it (`FlushMark.version`)."""

    version: int
    sums: Sums


class ShardAudit(ShardStore):
    """A shard under one ruleset, with what only a comparison asks for."""

    def newest_version(self) -> int:
        """The greatest version of any order or counter; 0 if there are none.

        Beyond that of the last flush row, a flush is under way or was cut off.
        """
        ((of_orders, of_counters),) = self._db.query(
            "SELECT (SELECT max(version) FROM work_orders"
            " WHERE ruleset = {ruleset:UInt32} AND shard = {shard:UInt16}) AS of_orders,"
            " (SELECT max(version) FROM counters"
            " WHERE ruleset = {ruleset:UInt32} AND shard = {shard:UInt16}) AS of_counters",
            self._own,
        )
        return max(int(of_orders), int(of_counters))

    def versioned_counters(self) -> dict[CounterKey, Versioned]:
        """All counters but the totals, zeros too."""
        found = self._db.query(
            "SELECT ranking, unit, indicator, bucket, denominator, numerator, version"
            " FROM counters FINAL"
            " WHERE ruleset = {ruleset:UInt32} AND shard = {shard:UInt16}"
            " AND NOT endsWith(ranking, {total:String})",
            {**self._own, "total": CYCLE_TOTAL},
        )
        return {
            CounterKey._make(row[:4]): Versioned(int(row[6]), Sums._make(row[4:6])) for row in found
        }

    def count_orders(self) -> int:
        """How many orders have archived events."""
        ((count,),) = self._db.query(
            "SELECT uniqExact(subject) FROM events WHERE shard = {shard:UInt16}", self._own
        )
        return int(count)

    def orders_without_events(self, limit: int) -> list[str]:
        """Stored orders of which the archive holds nothing, ascending."""
        found = self._db.query(
            "SELECT DISTINCT subject FROM work_orders"
            " WHERE ruleset = {ruleset:UInt32} AND shard = {shard:UInt16}"
            " AND subject NOT IN (SELECT subject FROM events WHERE shard = {shard:UInt16})"
            " ORDER BY subject LIMIT {limit:UInt32}",
            {**self._own, "limit": limit},
        )
        return [subject for (subject,) in found]
