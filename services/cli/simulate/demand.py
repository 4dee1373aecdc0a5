"""How many calls come in, and when: seasons of the year, the week and the day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from itertools import accumulate
from typing import Final

from schemas.instants import DAY, HOUR, SECOND, Instant, from_datetime, to_datetime
from services.cli.simulate.dice import dice
from services.cli.simulate.matters import HEATING, MATTERS, Matter

ZONE: Final = timezone(timedelta(hours=8))  # China has no daylight saving time

_OFFSET: Final = 8 * HOUR
_OPENS: Final = 8 * HOUR
_CLOSES: Final = 20 * HOUR

_HEATING_BEGINS: Final = (11, 15)
_HEATING_ENDS: Final = (3, 15)
_FIRST_WEEKS: Final = (12, 15)  # the month in which most radiators are found cold
_RAINY_MONTHS: Final = frozenset({7, 8})

# Monday to Sunday, in percent of a mean day.
_WEEKDAYS: Final = (114, 109, 107, 105, 104, 82, 79)
# By hour from midnight: a peak when offices open, a dip at noon, a peak after dinner.
_BY_HOUR: Final = "6 4 3 2 3 7 22 48 86 112 108 90 58 66 84 82 76 72 78 92 88 58 30 14"
_HOURS: Final = tuple(accumulate(map(int, _BY_HOUR.split())))


def local_day(instant: Instant) -> date:
    """The city's calendar day at an instant."""
    return to_datetime(instant).astimezone(ZONE).date()


def midnight(day: date) -> Instant:
    """The first instant of a day of the city."""
    return from_datetime(datetime.combine(day, time(), ZONE).astimezone(UTC))


def into_hours(instant: Instant) -> Instant:
    """The instant itself if it is between 8 and 20 o'clock, else as far into the next such day."""
    since_midnight = (instant + _OFFSET) % DAY
    if _OPENS <= since_midnight < _CLOSES:
        return instant
    opening = instant - since_midnight + _OPENS + (DAY if since_midnight >= _CLOSES else 0)
    return opening + since_midnight % (4 * HOUR)


def calls_of(seed: int, day: date, orders_per_day: int) -> list[Instant]:
    """When the day's calls come in, ascending; the n-th of them is the day's order n."""
    random = dice(seed, "day", day)
    mean = orders_per_day * _WEEKDAYS[day.weekday()] / 100 * _season(day)
    count = max(0, round(random.gauss(mean, mean**0.5)))
    hours = random.choices(range(24), cum_weights=_HOURS, k=count)
    begin = midnight(day)
    return sorted(begin + (hour * 3600 + random.randrange(3600)) * SECOND for hour in hours)


@lru_cache(maxsize=4)
def matters_of(day: date) -> list[tuple[Matter, int]]:
    """What is called about on a day, with weights: cold radiators only when there is heating."""
    return [
        (matter, matter.weight * _heat(day) if matter is HEATING else matter.weight)
        for matter in MATTERS
    ]


def _season(day: date) -> float:
    if day.month in _RAINY_MONTHS:
        return 1.08
    return {1: 1.0, 30: 1.06, 75: 1.15}[_heat(day)]


def _heat(day: date) -> int:
    when = (day.month, day.day)
    if _HEATING_BEGINS <= when < _FIRST_WEEKS:
        return 75
    return 30 if when >= _FIRST_WEEKS or when < _HEATING_ENDS else 1
