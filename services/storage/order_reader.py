"""Questions about the orders behind a number: lists of them, and sums by what they have in common.

Everything is added up from the spans that are stored with the orders, live at the clocks of the
last flushes, or as of an instant; so a list and a breakdown add up to what `RateReader` gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from clickhouse_connect.cc_sqlalchemy import select
from clickhouse_connect.cc_sqlalchemy.datatypes.sqltypes import String
from sqlalchemy import (
    Integer,
    and_,
    case,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    type_coerce,
)
from sqlalchemy.sql import ColumnElement

from schemas.instants import Instant
from schemas.records import Contribution, FlushMark, OrderSummary, Sums
from services.storage import rows
from services.storage.chunks import by_bytes
from services.storage.confidential import confidential_subjects
from services.storage.rate_reader import RateReader
from services.storage.spans import clocks, in_force, in_force_of_orders, inside, span
from services.storage.tables import instant, rows_of, work_orders

Sort = Literal["id", "received"]
Common = Literal["channel", "urgency", "community", "demand_type", "category"]
"""What orders are told apart by."""

LEVELS: Final = 5  # of a category
_STATE: Final = "state:"
_EXCLUDED: Final = "excluded"


class CountedOrder(NamedTuple):
    """One order behind a number, and what it contributes to it."""

    subject: str
    summary: OrderSummary
    contributions: tuple[Contribution, ...]


class Place(NamedTuple):
    """Where a page ends: ``received_at`` counts when sorted by it, null for an incomplete order."""

    received_at: Instant | None
    subject: str


class Number(NamedTuple):
    """A sum: what contributes to it. ``units`` None: those of all units, and of orders without.

    ``indicator`` may be the name of a count.
    """

    ranking: str
    indicator: str
    begins_at: Instant
    ends_at: Instant
    units: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Traits:
    """What the orders of a list are like; None matches all, "" those without any.

    ``hides_places``: confidential orders (`services.domain.confidential`) have no community.
    ``state`` is one of the seven, with its ground or, for ``excluded``, without. ``category`` is at
    any level, or with ``level`` the whole path down to there, joined by "/". States and what is
    open are those of the instant asked for, everything else is as of all events stored.
    """

    state: str | None = None
    is_open: bool | None = None
    is_overdue: bool | None = None
    channel: str | None = None
    urgency: str | None = None
    demand_type: str | None = None
    community: str | None = None
    category: str | None = None
    level: int | None = None
    received_from: Instant | None = None
    received_to: Instant | None = None
    hides_places: bool = False


class OrderReader(RateReader):
    """Reads orders; every method may raise `StorageUnavailable`."""

    def orders(
        self,
        ruleset: int,
        number: Number,
        *,
        traits: Traits | None = None,
        as_of: Instant | None = None,
        sort: Sort = "id",
        after: Place | None = None,
        limit: int = 100,
    ) -> list[CountedOrder]:
        """The orders behind a number that have the traits, beyond ``after``.

        Ascending by subject, or the last received first. Without traits their contributions add
        up to the sums that `window_sums` gives for the same window and instant.
        """
        clock = self._clock(ruleset, as_of)
        if clock is None:
            return []
        picked = self._pick(
            ruleset,
            number,
            clock,
            traits=traits or Traits(),
            sort=sort,
            after=after,
            limit=limit,
        )
        found = self._counted(ruleset, number, picked, clock)
        return [found[subject] for subject, _ in picked if subject in found]

    def common_sums(
        self,
        ruleset: int,
        number: Number,
        common: Common,
        *,
        level: int = 1,
        as_of: Instant | None = None,
        marks: Mapping[int, FlushMark] | None = None,
        hides_places: bool = False,
    ) -> dict[tuple[str, str], Sums]:
        """Sums by (what orders have in common, indicator or count), without zeros.

        ``number.indicator`` is not looked at. A category is the path down to ``level``, joined by
        "/". Summed over the values they are those of `window_sums` for these units. With
        ``hides_places`` confidential orders have no community.
        """
        clock = self._clock(ruleset, as_of, marks)
        if clock is None:
            return {}
        value = _value(common, level, hides_places=hides_places).label("common_value")
        indicator = span("indicator")
        summed = (func.sum(span("denominator")), func.sum(span("numerator")))
        statement = in_force(
            select(value, indicator, *summed),
            ruleset,
            number.ranking,
            [(number.begins_at, number.ends_at)],
            clock,
        ).where(*_of_units(number.units))
        return {
            (each, name): Sums(denominator, numerator)
            for each, name, denominator, numerator in rows_of(
                self._db, statement.group_by(value, indicator)
            )
            if denominator or numerator
        }

    def order_versions(self, ruleset: int) -> dict[int, int]:
        """The greatest `FlushMark.version` of the orders of each shard.

        Where none lies beyond the marks that a sum was read at, it is exactly that of these marks.
        """
        orders = work_orders.c
        newest = select(orders.shard, func.max(orders.version)).where(orders.ruleset == ruleset)
        return dict(rows_of(self._db, newest.group_by(orders.shard)))

    def _clock(
        self, ruleset: int, as_of: Instant | None, marks: Mapping[int, FlushMark] | None = None
    ) -> ColumnElement[Any] | None:
        """When spans are looked at; None before the first flush."""
        if as_of is not None:
            return instant(as_of)
        known = self.flush_marks(ruleset) if marks is None else marks
        return clocks(known) if known else None

    def _pick(
        self,
        ruleset: int,
        number: Number,
        clock: ColumnElement[Any],
        *,
        traits: Traits,
        sort: Sort,
        after: Place | None,
        limit: int,
    ) -> list[tuple[str, int]]:
        """Subjects and shards of one page: a narrow question, since it may meet every order."""
        orders = work_orders.c
        window = [(number.begins_at, number.ends_at)]
        counts = and_(_is(number.indicator), inside(window), *_of_units(number.units))
        others = list(_conditions(traits))
        received = func.any(orders.received_at)
        by_id = orders.subject.asc()
        statement = (
            in_force_of_orders(
                select(orders.subject, func.any(orders.shard)),
                ruleset,
                number.ranking,
                window,
                clock,
            )
            .where(
                or_(counts, *(each for each, _ in others)),
                *_alike(traits),
                *_beyond(sort, after),
            )
            .group_by(orders.subject)
            .having(
                _some(counts), *(_some(each) if wanted else ~_some(each) for each, wanted in others)
            )
            .order_by(*([by_id] if sort == "id" else [received.desc().nulls_last(), by_id]))
            .limit(limit)
        )
        return [(subject, shard) for subject, shard in rows_of(self._db, statement)]

    def _counted(
        self,
        ruleset: int,
        number: Number,
        picked: Sequence[tuple[str, int]],
        clock: ColumnElement[Any],
    ) -> dict[str, CountedOrder]:
        """What each of these orders contributes, and its summary."""
        orders = work_orders.c
        summary = [func.any(orders[name]).label(f"any_{name}") for name in rows.SUMMARY_COLUMNS]
        counted = [
            func.groupArray(span(name)).label(f"all_{name}") for name in Contribution._fields
        ]
        width = len(rows.SUMMARY_COLUMNS)
        found: dict[str, CountedOrder] = {}
        for subjects in by_bytes([subject for subject, _ in picked]):
            statement = (
                in_force(
                    select(orders.subject, *summary, *counted),
                    ruleset,
                    number.ranking,
                    [(number.begins_at, number.ends_at)],
                    clock,
                )
                .where(
                    orders.shard.in_(sorted({shard for _, shard in picked})),
                    orders.subject.in_(subjects),
                    _is(number.indicator),
                    *_of_units(number.units),
                )
                .group_by(orders.subject)
            )
            for row in rows_of(self._db, statement):
                contributions = sorted(map(Contribution, *row[1 + width :]))
                found[row[0]] = CountedOrder(
                    row[0], rows.order_summary(row[1 : 1 + width]), tuple(contributions)
                )
        return found


def _is(indicator: str) -> ColumnElement[bool]:
    return span("indicator") == literal(indicator, String())


def _of_units(units: Sequence[str] | None) -> list[ColumnElement[bool]]:
    """Whether a contribution is one of these units; no condition for None."""
    if units is None:
        return []
    unit = type_coerce(span("unit"), String())
    return [or_(false(), *(unit.in_(part) for part in by_bytes(units)))]


def _some(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a contribution of the order is like that."""
    return func.countIf(condition, type_=Integer) > literal_column("0")


def _conditions(traits: Traits) -> list[tuple[ColumnElement[bool], bool]]:
    """What else must be in force of an order, or must not be."""
    found: list[tuple[ColumnElement[bool], bool]] = []
    if traits.state == _EXCLUDED:
        prefix = literal(f"{_STATE}{_EXCLUDED}:", String())
        found.append((func.startsWith(span("indicator"), prefix) == literal_column("1"), True))
    elif traits.state is not None:
        found.append((_is(_STATE + traits.state), True))
    for name, wanted in (("open", traits.is_open), ("overdue", traits.is_overdue)):
        if wanted is not None:
            found.append((_is(name), wanted))
    return found


def _alike(traits: Traits) -> list[ColumnElement[bool]]:
    """What an order's row must be like."""
    orders = work_orders.c
    found: list[ColumnElement[bool]] = [
        orders[name] == literal(value, String())
        for name in ("channel", "urgency", "demand_type")
        if (value := getattr(traits, name)) is not None
    ]
    if traits.community is not None:
        community = _community(hides_places=traits.hides_places)
        found.append(community == literal(traits.community, String()))
    if traits.category is not None:
        category = literal(traits.category, String())
        if traits.level is None:
            found.append(func.has(orders.category, category) == literal_column("1"))
        else:
            found.append(_path(traits.level) == category)
    if traits.received_from is not None:
        found.append(orders.received_at >= instant(traits.received_from))
    if traits.received_to is not None:
        found.append(orders.received_at < instant(traits.received_to))
    return found


def _value(common: Common, level: int, *, hides_places: bool) -> ColumnElement[Any]:
    if common == "community":
        return _community(hides_places=hides_places)
    return _path(level) if common == "category" else work_orders.c[common]


def _community(*, hides_places: bool) -> ColumnElement[Any]:
    community: ColumnElement[Any] = work_orders.c.community
    if not hides_places:
        return community
    is_confidential = work_orders.c.subject.in_(confidential_subjects())
    return case((is_confidential, literal("", String())), else_=func.toString(community))


def _path(level: int) -> ColumnElement[Any]:
    """The category down to a level: "环境/噪声"; "" for an order that has none."""
    down = func.arraySlice(work_orders.c.category, literal_column("1"), literal(level, Integer()))
    return func.arrayStringConcat(down, literal_column("'/'"))


def _beyond(sort: Sort, after: Place | None) -> list[ColumnElement[bool]]:
    """What comes after a place: null comes last among instants."""
    if after is None:
        return []
    received_at = work_orders.c.received_at
    later = work_orders.c.subject > after.subject
    if sort == "id":
        return [later]
    if after.received_at is None:
        return [and_(received_at == null(), later)]
    at = instant(after.received_at)
    return [or_(received_at < at, and_(received_at == at, later), received_at == null())]
