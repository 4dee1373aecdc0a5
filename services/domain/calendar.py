"""Which days are worked: Monday to Friday, statutory holidays, make-up days (调休).

China's days come from the package chinesecalendar, which holds the State Council's yearly notices
as two tables. It knows only years whose notice is out. Another year is an error until the package
is updated or the office declares the year by lists of its own: never "no holidays".
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Final, Literal, NamedTuple

from chinese_calendar import constants as china

from schemas.policy.deadlines import Calendar

SATURDAY: Final = 5
ONE_DAY: Final = timedelta(days=1)

# Those whose midnights are instants; Monday to Friday needs no notice.
_EVERY_YEAR: Final = range(1900, 2299)


class CalendarError(ValueError):
    """Nobody said which days of ``year`` are worked. The message tells how to mend it."""

    def __init__(self, year: int) -> None:
        super().__init__(
            f"the working days of {year} are not known: update the package chinesecalendar, or "
            f"list the year's holidays and workdays under calendar and add {year} to its years"
        )
        self.year = year


class DayKind(NamedTuple):
    """What a day is, under the name people give it: ``国庆节``, ``国庆节调休上班``, ``周末``."""

    is_working: bool
    code: Literal["workday", "weekend", "holiday", "make_up"]
    zh: str
    en: str


WORKDAY: Final = DayKind(True, "workday", "工作日", "working day")
WEEKEND: Final = DayKind(False, "weekend", "周末", "weekend")
OFFICE_HOLIDAY: Final = DayKind(
    False, "holiday", "本地日历放假", "day off in the office's calendar"
)
OFFICE_WORKDAY: Final = DayKind(True, "make_up", "本地日历上班", "worked in the office's calendar")


class WorkingDays:
    """A calendar, compiled. Immutable; two are alike if their fingerprints are."""

    __slots__ = ("_known_until", "_special", "_years")

    def __init__(self, calendar: Calendar) -> None:
        declared = frozenset(calendar.years)
        country, last = _country(calendar.country)
        self._special: Mapping[date, DayKind] = _special(calendar, declared)
        self._years: Collection[int] = (
            country if declared.issubset(country) else declared.union(country)
        )
        while last + 1 in self._years:
            last += 1
        self._known_until = date(last, 12, 31)

    def is_working_day(self, day: date) -> bool:
        """Whether the day is worked.

        Raises:
            CalendarError: its year is not known.
        """
        return self.kind(day).is_working

    def kind(self, day: date) -> DayKind:
        """What the day is, with its name.

        Raises:
            CalendarError: its year is not known.
        """
        if not self._knows(day):
            raise CalendarError(day.year)
        return self._special.get(day) or _plain(day)

    def known_until(self) -> date:
        """The last day before the first year, from now on, that is not known."""
        return self._known_until

    def unknown_years(self, from_day: date, days_ahead: int, working_days: int) -> tuple[int, ...]:
        """The years not known that a deadline needs if it starts on one of the coming days.

        Args:
            from_day: The first local day on which it may start.
            days_ahead: How many days later it may start at most.
            working_days: How many it counts. In a year not known these are Monday to Friday here,
                so the first such year is found for certain, those after it perhaps not.
        """
        day = from_day + timedelta(days=days_ahead)
        while working_days > 0:
            day += ONE_DAY
            working_days -= (self.kind(day) if self._knows(day) else _plain(day)).is_working
        years = range(from_day.year, day.year + 1)
        return tuple(year for year in years if year not in self._years)

    def fingerprint(self) -> str:
        """SHA-256 over the years known and their days unlike Monday to Friday.

        Equal fingerprints: the same days are worked, whatever their names.
        """
        lines = [f"{year}" for year in sorted(self._years)]
        lines += [
            f"{day} {'worked' if kind.is_working else 'off'}"
            for day, kind in sorted(self._special.items())
            if self._knows(day) and kind.is_working != _plain(day).is_working
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def _knows(self, day: date) -> bool:
        return day.year in self._years


def _plain(day: date) -> DayKind:
    return WORKDAY if day.weekday() < SATURDAY else WEEKEND


def _country(name: str) -> tuple[Collection[int], int]:
    """The years that a country's calendar knows, and the last of them."""
    if name == "weekdays":
        return _EVERY_YEAR, _EVERY_YEAR[-1]
    # A notice covers a year up to National Day; it may name a day of the December before too.
    years = frozenset(
        day.year
        for day, holiday in china.holidays.items()
        if holiday == china.Holiday.national_day.value
    )
    return years, max(years)


def _special(calendar: Calendar, declared: frozenset[int]) -> Mapping[date, DayKind]:
    """The days that are not plain; the office's lists come before the country's."""
    days: dict[date, DayKind] = {}
    if calendar.country == "china":
        days = {day: kind for day, kind in _published().items() if day.year not in declared}
    for day in calendar.holidays:
        if (days.get(day) or WORKDAY).is_working:
            days[day] = OFFICE_HOLIDAY
    for day in calendar.workdays:
        if not (days.get(day) or _plain(day)).is_working:
            days[day] = OFFICE_WORKDAY
    return days


@cache
def _published() -> Mapping[date, DayKind]:
    """The State Council's days off and make-up days, by the package."""
    names = {holiday.value: _short(holiday.chinese) for holiday in china.Holiday}
    off = {
        day: DayKind(False, "holiday", names[holiday], holiday)
        for day, holiday in china.holidays.items()
    }
    made_up = {
        day: DayKind(True, "make_up", f"{names[holiday]}调休上班", f"make-up day for {holiday}")
        for day, holiday in china.workdays.items()
    }
    return off | made_up


def _short(name: str) -> str:
    """The notices write 清明节, 端午节, 中秋节."""
    return f"{name}节" if name in {"清明", "端午", "中秋"} else name
