"""Questions about sums, live or as of an instant, and about one order.

Live means the counters, each shard at the clock of its last flush. They are kept by quarter hours;
where a window begins or ends inside one, that part is added up from the orders' spans at the same
clocks. As of an instant everything is added up from the spans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from clickhouse_connect.cc_sqlalchemy import select
from sqlalchemy import func
from sqlalchemy.sql import ColumnElement

from schemas.instants import QUARTER_HOUR, Instant
from schemas.records import (
    CYCLE_TOTAL,
    ZERO,
    FlushMark,
    LoggedEvent,
    OrderRow,
    Sums,
)
from services.storage import rows
from services.storage.archive_reader import ArchiveReader
from services.storage.database import Database, Rows
from services.storage.marks import flush_mark
from services.storage.spans import Range, clocks, in_force, span, split_window
from services.storage.tables import counters, instant, rows_of, shard_flushes, work_orders

UnitIndicator = tuple[str, str]
"""Code of a unit ("" for orders that no unit leads), and an indicator or count."""


class StoredOrder(NamedTuple):
    """One order under one ruleset, with all its archived events in log order."""

    row: OrderRow
    shard: int
    version: int
    events: list[LoggedEvent]


class RateReader:
    """Reads counters and orders; every method may raise `StorageUnavailable`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def flush_marks(self, ruleset: int) -> dict[int, FlushMark]:
        """The last flush of every shard that has one."""
        flushes = shard_flushes.c
        statement = (
            select(
                flushes.shard,
                flushes.fence,
                flushes.flush,
                flushes.epoch,
                flushes.offset,
                flushes.clock,
                flushes.totals,
            )
            .where(flushes.ruleset == ruleset)
            .final()
            .order_by(flushes.shard)
        )
        return {row[0]: flush_mark(row[1:]) for row in rows_of(self._db, statement)}

    def window_sums(
        self,
        ruleset: int,
        ranking: str,
        begins_at: Instant,
        ends_at: Instant,
        as_of: Instant | None = None,
        *,
        marks: Mapping[int, FlushMark] | None = None,
        is_cycle: bool = False,
    ) -> dict[UnitIndicator, Sums]:
        """Sums of what is attributed to [begins_at, ends_at), without zeros.

        ``marks`` are the flushes at whose clocks the ends of a live window are added up; None:
        the last ones. ``is_cycle``: the window is a cycle, and all flushes have stored totals.
        """
        if as_of is not None:
            return self._span_sums(ruleset, ranking, [(begins_at, ends_at)], instant(as_of))
        inner, edges = split_window(begins_at, ends_at)
        whole = is_cycle and not edges
        sums = self._counter_sums(_counted(ruleset, ranking, inner, whole=whole))
        if marks is None and edges:
            marks = self.flush_marks(ruleset)
        if marks and edges:
            more = self._span_sums(ruleset, ranking, edges, clocks(marks))
            for key, added in more.items():
                sums[key] = _plus(sums.get(key, ZERO), added)
        return {key: value for key, value in sums.items() if value != ZERO}

    def live_versions(
        self,
        ruleset: int,
        ranking: str,
        begins_at: Instant,
        ends_at: Instant,
        *,
        is_cycle: bool = False,
    ) -> dict[int, int]:
        """The greatest `FlushMark.version` of what a live window is added up from, by shard.

        Asked after `window_sums`: where none lies beyond the flush marks given to it, the sums
        are exactly those of these marks. A flush writes orders and counters before its mark.
        """
        inner, edges = split_window(begins_at, ends_at)
        statement = (
            select(counters.c.shard, func.max(counters.c.version))
            .where(*_counted(ruleset, ranking, inner, whole=is_cycle and not edges))
            .group_by(counters.c.shard)
        )
        versions: dict[int, int] = dict(rows_of(self._db, statement))
        if edges:
            # Any order: it may have left the edge with its newest row.
            orders = work_orders.c
            newest = select(orders.shard, func.max(orders.version)).where(orders.ruleset == ruleset)
            for shard, version in rows_of(self._db, newest.group_by(orders.shard)):
                versions[shard] = max(version, versions.get(shard, 0))
        return versions

    def bucket_series(
        self, ruleset: int, ranking: str, unit: str, begins_at: Instant, ends_at: Instant
    ) -> dict[tuple[str, Instant], Sums]:
        """Live sums of one unit by (indicator, quarter hour), without zeros.

        Of quarter hours that begin in [begins_at, ends_at).
        """
        per = (counters.c.indicator, counters.c.bucket)
        statement = (
            select(*per, func.sum(counters.c.denominator), func.sum(counters.c.numerator))
            .final()
            .where(*_counted(ruleset, ranking, (begins_at, ends_at)), counters.c.unit == unit)
            .group_by(*per)
            .order_by(*per)
        )
        return {
            (indicator, bucket): Sums(denominator, numerator)
            for indicator, bucket, denominator, numerator in rows_of(self._db, statement)
            if denominator or numerator
        }

    def order(self, ruleset: int, subject: str) -> StoredOrder | None:
        """One order with its events; None when this ruleset has not folded it."""
        orders = work_orders.c
        statement = (
            select(orders.shard, orders.version, *(orders[name] for name in rows.ORDER_COLUMNS))
            .where(orders.ruleset == ruleset, orders.subject == subject)
            .order_by(orders.version.desc())
            .limit(1)
        )
        found = rows_of(self._db, statement)
        if not found:
            return None
        shard, version, *row = found[0]
        archived = ArchiveReader(self._db).order_events([subject]).get(subject, [])
        return StoredOrder(rows.order_row(tuple(row)), shard, version, archived)

    def _counter_sums(self, counted: list[ColumnElement[bool]]) -> dict[UnitIndicator, Sums]:
        per = (counters.c.unit, counters.c.indicator)
        statement = (
            select(*per, func.sum(counters.c.denominator), func.sum(counters.c.numerator))
            .final()
            .where(*counted)
            .group_by(*per)
        )
        return _sums(rows_of(self._db, statement))

    def _span_sums(
        self, ruleset: int, ranking: str, ranges: Sequence[Range], clock: ColumnElement[Any]
    ) -> dict[UnitIndicator, Sums]:
        per = (span("unit"), span("indicator"))
        summed = (func.sum(span("denominator")), func.sum(span("numerator")))
        statement = in_force(select(*per, *summed), ruleset, ranking, ranges, clock)
        return _sums(rows_of(self._db, statement.group_by(*per)))


def _counted(
    ruleset: int, ranking: str, inner: Range, *, whole: bool = False
) -> list[ColumnElement[bool]]:
    """``whole``: the one total of the cycle that begins with the range, instead of its parts."""
    if whole:
        ranking, inner = ranking + CYCLE_TOTAL, (inner[0], inner[0] + QUARTER_HOUR)
    return [
        counters.c.ruleset == ruleset,
        counters.c.ranking == ranking,
        counters.c.bucket >= instant(inner[0]),
        counters.c.bucket < instant(inner[1]),
    ]


def _sums(found: Rows) -> dict[UnitIndicator, Sums]:
    return {
        (unit, indicator): Sums(denominator, numerator)
        for unit, indicator, denominator, numerator in found
        if denominator or numerator
    }


def _plus(one: Sums, other: Sums) -> Sums:
    return Sums(one.denominator + other.denominator, one.numerator + other.numerator)
