"""SQL of the orders' spans: which contributions are in force at a clock, and in which window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clickhouse_connect.cc_sqlalchemy import ClickHouseSelect
from clickhouse_connect.cc_sqlalchemy.datatypes.sqltypes import Array, Int64, String, UInt16
from sqlalchemy import and_, column, func, literal, literal_column, or_
from sqlalchemy.sql import ColumnElement

from schemas.instants import EARLIEST, QUARTER_HOUR, Instant
from schemas.records import FlushMark
from services.storage import rows
from services.storage.tables import instant, work_orders

Range = tuple[Instant, Instant]
"""[first, second)."""


def split_window(begins_at: Instant, ends_at: Instant) -> tuple[Range, list[Range]]:
    """Cut a window into its whole quarter hours and the rest at its edges."""
    first = begins_at + -begins_at % QUARTER_HOUR
    last = ends_at - ends_at % QUARTER_HOUR
    if first > last:  # within one quarter hour
        return (first, first), [(begins_at, ends_at)]
    edges = [(begins_at, first), (last, ends_at)]
    return (first, last), [edge for edge in edges if edge[0] < edge[1]]


def in_force(
    statement: ClickHouseSelect,
    ruleset: int,
    ranking: str,
    ranges: Sequence[Range],
    clock: ColumnElement[Any],
) -> ClickHouseSelect:
    """One row for each contribution in force at ``clock`` and attributed to one of ``ranges``."""
    return in_force_of_orders(statement, ruleset, ranking, ranges, clock).where(inside(ranges))


def inside(ranges: Sequence[Range]) -> ColumnElement[bool]:
    """Whether a contribution is attributed to one of ``ranges``."""
    at = span("attributed_at")
    return or_(*(and_(at >= instant(first), at < instant(last)) for first, last in ranges))


def in_force_of_orders(
    statement: ClickHouseSelect,
    ruleset: int,
    ranking: str,
    ranges: Sequence[Range],
    clock: ColumnElement[Any],
) -> ClickHouseSelect:
    """One row for each contribution in force of orders that may have some in ``ranges``."""
    orders = work_orders.c
    return (
        statement.select_from(work_orders)
        .array_join(
            *(orders[name] for name in rows.SPAN_COLUMNS),
            alias=[_alias(name) for name in rows.SPAN_COLUMNS],
        )
        .final(work_orders)
        .where(
            orders.ruleset == ruleset,
            # Of the whole order, so that granules of other times are skipped.
            orders.attributed_from < instant(max(last for _, last in ranges)),
            orders.attributed_to >= instant(min(first for first, _ in ranges)),
            span("ranking") == literal(ranking, String()),
            span("begins_at") <= clock,
            span("ends_at") > clock,
        )
    )


def clocks(marks: Mapping[int, FlushMark]) -> ColumnElement[Any]:
    """The clock of a row's shard; the beginning of time for a shard without a flush."""
    clock = func.transform(
        work_orders.c.shard,
        literal(list(marks), Array(UInt16())),
        literal([mark.clock for mark in marks.values()], Array(Int64())),
        literal(EARLIEST, Int64()),
    )
    return func.fromUnixTimestamp64Micro(clock, literal_column("'UTC'"))


def _alias(name: str) -> str:
    return "span_" + name.removeprefix("span.")


def span(name: str) -> ColumnElement[Any]:
    """The column of one field of the spans, one row for each, after `in_force`."""
    return column(_alias(name))
