"""Questions about the orders that appeals were filed for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from clickhouse_connect.cc_sqlalchemy import ClickHouseSelect, select
from clickhouse_connect.cc_sqlalchemy.datatypes.sqltypes import String
from sqlalchemy import Integer, and_, func, literal, or_, tuple_
from sqlalchemy.sql import ColumnElement

from schemas.instants import Instant
from services.storage.database import Database
from services.storage.tables import events, instant, rows_of

_APPEALED: Final = "appealed"
_CORRECTED: Final = "corrected"


class Filing(NamedTuple):
    """An event that files an appeal, as it was told: a correction may say otherwise."""

    occurred_at: Instant
    subject: str
    source: str
    id: str


class Asked(NamedTuple):
    """Which filings: of a unit, in [from, to); None and "" for all."""

    unit: str = ""
    begins_at: Instant | None = None
    ends_at: Instant | None = None


def filings(db: Database, asked: Asked, after: Filing | None, limit: int) -> list[Filing]:
    """Filings beyond ``after``, the last filed first.

    A filing that a correction may have moved or given to another unit is in, too.
    """
    found = events.c
    place = (found.occurred_at, found.subject, found.source, found.id)
    conditions: list[ColumnElement[bool]] = []
    if asked.unit:
        conditions.append(or_(_tells("unit", asked.unit), _may_be_corrected()))
    if asked.begins_at is not None and asked.ends_at is not None:
        within = and_(
            found.occurred_at >= instant(asked.begins_at),
            found.occurred_at < instant(asked.ends_at),
        )
        conditions.append(or_(within, _may_be_corrected()))
    if after is not None:
        conditions.append(_before(after))
    statement = (
        select(*place)
        .where(found.type == literal(_APPEALED, String()), *conditions)
        .group_by(*place)  # a copy that is not merged yet, or a conflict: once
        .order_by(*(each.desc() for each in place))
        .limit(limit)
    )
    return [Filing._make(row) for row in rows_of(db, statement)]


def orders_with(db: Database, number: str) -> list[str]:
    """Orders that may have an appeal of this number: that tell it, or a correction of an appeal."""
    found = events.c
    statement = (
        select(found.subject)
        .where(
            found.type == literal(_APPEALED, String()),
            or_(_tells("appeal", number), _may_be_corrected()),
        )
        .group_by(found.subject)
        .order_by(found.subject)
    )
    return [subject for (subject,) in rows_of(db, statement)]


def _tells(field: str, value: str) -> ColumnElement[bool]:
    told = func.JSONExtractString(events.c.data, literal(field, String()), type_=String())
    return told == literal(value, String())


def _may_be_corrected() -> ColumnElement[bool]:
    return tuple_(events.c.subject, events.c.source, events.c.id).in_(_corrected())


def _corrected() -> ClickHouseSelect:
    """(Order, source, id) of the events that corrections name."""
    corrected: Sequence[ColumnElement[Any]] = (
        events.c.subject,
        events.c.source,
        func.JSONExtractString(events.c.data, literal("event", String()), type_=String()),
    )
    return select(*corrected).where(events.c.type == literal(_CORRECTED, String()))


def _before(place: Filing) -> ColumnElement[bool]:
    """Beyond a place of a list that goes backwards."""
    found = events.c
    rest = func.tuple(found.subject, found.source, found.id, type_=Integer)
    last = func.tuple(*(literal(text, String()) for text in place[1:]), type_=Integer)
    at = instant(place.occurred_at)
    return or_(found.occurred_at < at, and_(found.occurred_at == at, rest < last))
