"""Sums of some units by consecutive windows, all in one question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clickhouse_connect.cc_sqlalchemy import select
from clickhouse_connect.cc_sqlalchemy.datatypes.sqltypes import Array, Int64, String
from sqlalchemy import false, func, literal, or_, type_coerce
from sqlalchemy.sql import ColumnElement

from schemas.instants import QUARTER_HOUR, Instant
from schemas.records import FlushMark, Sums
from services.storage.chunks import by_bytes
from services.storage.rate_reader import RateReader
from services.storage.spans import clocks, in_force, span
from services.storage.tables import counters, instant, rows_of

StepIndicator = tuple[Instant, str]
"""Where a step begins, and an indicator or count."""


class SeriesReader(RateReader):
    """Reads series; every method may raise `StorageUnavailable`."""

    def series_sums(
        self,
        ruleset: int,
        ranking: str,
        units: Sequence[str],
        bounds: Sequence[Instant],
        as_of: Instant | None = None,
        *,
        marks: Mapping[int, FlushMark],
    ) -> dict[StepIndicator, Sums]:
        """Sums over the units of what is attributed to each [bounds[i], bounds[i + 1]).

        Without zeros; ``bounds`` ascend. Step by step they are those of `window_sums`, at the
        flushes ``marks`` where the question is live.
        """
        window = (bounds[0], bounds[-1])
        if as_of is None and all(bound % QUARTER_HOUR == 0 for bound in bounds):
            step, indicator = _step(counters.c.bucket, bounds), counters.c.indicator
            statement = (
                select(
                    step,
                    indicator,
                    func.sum(counters.c.denominator),
                    func.sum(counters.c.numerator),
                )
                .final()
                .where(
                    counters.c.ruleset == ruleset,
                    counters.c.ranking == ranking,
                    counters.c.bucket >= instant(window[0]),
                    counters.c.bucket < instant(window[1]),
                    _of(counters.c.unit, units),
                )
                .group_by(step, indicator)
            )
        else:
            if as_of is None and not marks:
                return {}
            clock = clocks(marks) if as_of is None else instant(as_of)
            at, name = _step(span("attributed_at"), bounds), span("indicator")
            summed = (func.sum(span("denominator")), func.sum(span("numerator")))
            statement = (
                in_force(select(at, name, *summed), ruleset, ranking, [window], clock)
                .where(_of(type_coerce(span("unit"), String()), units))
                .group_by(at, name)
            )
        return {
            (begins_at, code): Sums(denominator, numerator)
            for begins_at, code, denominator, numerator in rows_of(self._db, statement)
            if denominator or numerator
        }


def _step(at: ColumnElement[Any], bounds: Sequence[Instant]) -> ColumnElement[Any]:
    """Where the step begins that holds an instant."""
    begins = literal(list(bounds[:-1]), Array(Int64()))
    return func.roundDown(func.toUnixTimestamp64Micro(at), begins).label("step")


def _of(unit: ColumnElement[Any], units: Sequence[str]) -> ColumnElement[bool]:
    return or_(false(), *(unit.in_(part) for part in by_bytes(units)))
