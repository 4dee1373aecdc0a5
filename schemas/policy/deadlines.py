"""Deadlines as an office writes them: how long, for which orders, and which days are worked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from schemas.events import DemandType, Urgency
from schemas.policy.parts import Code, Part, Words

_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2298


def _whole_day(value: object) -> object:
    if isinstance(value, str):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = None
        if day is not None and day.isoformat() == value:  # not 20261101, not 2026-W45-1
            return _in_range(day)
    elif type(value) is date:  # not a datetime
        return _in_range(value)
    raise ValueError("a date is written as 2026-11-01")


def _in_range(day: date) -> date:
    """Its midnight is an instant in every zone (`schemas.instants`)."""
    if not _FIRST_YEAR < day.year <= _LAST_YEAR:
        raise ValueError("a day outside the years 1901 to 2298")
    return day


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


Day = Annotated[date, BeforeValidator(_whole_day, json_schema_input_type=date)]
Round = Annotated[int, Field(ge=1)]
Year = Annotated[int, Field(ge=_FIRST_YEAR, le=_LAST_YEAR)]

# One value, or several of which one must fit.
_Urgencies = Annotated[
    list[Urgency],
    BeforeValidator(_listed, json_schema_input_type=Urgency | list[Urgency]),
    Field(min_length=1),
]
_DemandTypes = Annotated[
    list[DemandType],
    BeforeValidator(_listed, json_schema_input_type=DemandType | list[DemandType]),
    Field(min_length=1),
]
_Groups = Annotated[
    list[Code],
    BeforeValidator(_listed, json_schema_input_type=Code | list[Code]),
    Field(min_length=1),
]
_Rounds = Annotated[
    list[Round],
    BeforeValidator(_listed, json_schema_input_type=Round | list[Round]),
    Field(min_length=1),
]


class Duration(Part):
    """How long a unit has.

    On the wall clock: ``minutes``, ``hours`` and ``days`` of 24 hours, added up; they run day and
    night. Or in ``working_days``, of which the first is

    - ``day_after``: the first working day after the day of the dispatch (DEFAULT), or
    - ``same_day``: the day of the dispatch itself, if it is a working day,

    and which end

    - at ``day_end``, 24:00 of the last one (DEFAULT), or
    - at the ``same_time`` of day as the dispatch; after a dispatch on a day off at 24:00.
    """

    minutes: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    hours: Annotated[int, Field(ge=0, le=100_000)] = 0
    days: Annotated[int, Field(ge=0, le=4_000)] = 0
    working_days: Annotated[int, Field(ge=1, le=366)] | None = None
    starts: Literal["day_after", "same_day"] = "day_after"
    ends: Literal["day_end", "same_time"] = "day_end"

    @model_validator(mode="after")
    def _one_clock(self) -> Duration:
        on_the_wall = self.minutes or self.hours or self.days
        if self.working_days is None:
            if (self.starts, self.ends) != ("day_after", "day_end"):
                raise ValueError("starts and ends go with working_days")
            if not on_the_wall:
                raise ValueError("a duration has minutes, hours or days, or working_days")
        elif on_the_wall:
            raise ValueError("a duration runs on the wall clock or in working days, not both")
        elif (self.starts, self.ends) == ("same_day", "same_time"):
            raise ValueError("same_time goes with day_after: the day of the dispatch is not over")
        return self


class Period(Part):
    """[from, to), local days: a dated special period (重点敏感时期)."""

    from_: Annotated[Day, Field(alias="from")]
    to: Day

    @model_validator(mode="after")
    def _lasts(self) -> Period:
        if self.from_ >= self.to:
            raise ValueError("a period ends after it begins")
        return self


class Match(Part):
    """Which orders a deadline is for: every key given must fit, with one of its values.

    ``category``: one of the order's levels; ``tag``: one of its tags; ``unit``, ``unit_group``:
    the unit that it was dispatched to; ``round``: 1 for the first handling, 2 for the second …;
    ``period``: the local day of the dispatch.
    """

    urgency: _Urgencies | None = None
    category: Words | None = None
    channel: Words | None = None
    unit: Words | None = None
    unit_group: _Groups | None = None
    demand_type: _DemandTypes | None = None
    tag: Words | None = None
    round: _Rounds | None = None
    period: Period | None = None


class Deadline(Part):
    """One entry of the list. For each step the first entry that fits and names the step holds."""

    match: Match = Match()
    sign: Duration | None = None
    contact: Duration | None = None
    resolve: Duration | None = None

    @model_validator(mode="after")
    def _sets_one(self) -> Deadline:
        if self.sign is None and self.contact is None and self.resolve is None:
            raise ValueError("a deadline sets sign, contact or resolve")
        return self


class Calendar(Part):
    """Which days are worked; also a file of its own, then with the day it was ``issued``.

    ``china``: Monday to Friday minus statutory holidays plus make-up days (调休), as the State
    Council publishes them each year; ``weekdays``: Monday to Friday. The lists ``holidays`` (days
    off) and ``workdays`` come before either. A year in ``years`` is complete by the two lists
    alone: the office wrote down all its days off and make-up days.
    """

    country: Literal["china", "weekdays"] = "china"
    holidays: list[Day] = Field(default_factory=list)
    workdays: list[Day] = Field(default_factory=list)
    years: list[Year] = Field(default_factory=list)
    issued: Day | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Calendar:
        if doubled := _doubled([*self.holidays, *self.workdays]):
            raise ValueError(f"{doubled} is listed twice")
        off = {day.year for day in self.holidays}
        for year in self.years:
            if year not in off:
                raise ValueError(
                    f"{year} is said to be complete, but none of its holidays is listed"
                )
        return self


def _doubled(days: Sequence[date]) -> date | None:
    seen: set[date] = set()
    for day in days:
        if day in seen:
            return day
        seen.add(day)
    return None
