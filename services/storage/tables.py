"""The tables that `services.storage.readers` ask, for SQLAlchemy Core.

The migrations make the tables; a test compares. Instants are declared as what they are read and
compared as, integer microseconds; write `instant` around one that is compared with a column.
"""

from __future__ import annotations

from typing import Any, Final

from clickhouse_connect.cc_sqlalchemy.datatypes.sqltypes import (
    Array,
    Bool,
    FixedString,
    Int64,
    String,
    UInt16,
    UInt32,
    UInt64,
    UInt128,
)
from clickhouse_connect.cc_sqlalchemy.dialect import ClickHouseDialect
from sqlalchemy import Column, MetaData, Table, func, literal, literal_column
from sqlalchemy.sql import ClauseElement, ColumnElement

from schemas.instants import Instant
from services.storage.database import Database, Rows

_METADATA: Final = MetaData()
DIALECT: Final = ClickHouseDialect(server_side_params=True)


def _table(name: str, **columns: Any) -> Table:
    return Table(name, _METADATA, *(Column(column, kind) for column, kind in columns.items()))


events: Final = _table(
    "events",
    shard=UInt16(),
    subject=String(),
    source=String(),
    id=String(),
    type=String(),
    occurred_at=Int64(),
    data=String(),
    digest=FixedString(16),
    epoch=UInt32(),
    offset=Int64(),
    frame_index=UInt32(),
    dropped=Array(String()),
)
work_orders: Final = _table(
    "work_orders",
    ruleset=UInt32(),
    shard=UInt16(),
    subject=String(),
    version=UInt128(),
    folded=Array(FixedString(16)),
    boundaries=Array(Int64()),
    source=String(),
    unit=String(),
    received_at=Int64(),
    demand_type=String(),
    channel=String(),
    urgency=String(),
    category=Array(String()),
    community=String(),
    resolve_due=Int64(),
    resolved_at=Int64(),
    attributed_from=Int64(),
    attributed_to=Int64(),
    **{
        "span.begins_at": Array(Int64()),
        "span.ends_at": Array(Int64()),
        "span.ranking": Array(String()),
        "span.unit": Array(String()),
        "span.indicator": Array(String()),
        "span.attributed_at": Array(Int64()),
        "span.denominator": Array(Int64()),
        "span.numerator": Array(Int64()),
    },
)
counters: Final = _table(
    "counters",
    ruleset=UInt32(),
    shard=UInt16(),
    ranking=String(),
    unit=String(),
    indicator=String(),
    bucket=Int64(),
    denominator=Int64(),
    numerator=Int64(),
    version=UInt128(),
)
shard_flushes: Final = _table(
    "shard_flushes",
    ruleset=UInt32(),
    shard=UInt16(),
    fence=UInt64(),
    flush=UInt64(),
    epoch=UInt32(),
    offset=Int64(),
    clock=Int64(),
    totals=Bool(),
)


def instant(value: Instant) -> ColumnElement[Any]:
    """An instant to compare a column with, bound on the engine's side."""
    return func.fromUnixTimestamp64Micro(literal(value, Int64()), literal_column("'UTC'"))


def rows_of(db: Database, statement: ClauseElement) -> Rows:
    """Compile a statement, its values as parameters of the engine, and run it."""
    compiled = statement.compile(dialect=DIALECT)
    return db.query(str(compiled), compiled.params)


def all_tables() -> list[Table]:
    """Every table declared here."""
    return _METADATA.sorted_tables
