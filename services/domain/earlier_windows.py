"""What a window is compared with: the one before it (环比), and that of a year earlier (同比).

Both are looked at as they stood at the same age as the window is looked at (domain.md 3.2).
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instants import EARLIEST, Instant, from_datetime, to_datetime
from services.domain.windows import (
    KINDS,
    MONTHS,
    ROLLING,
    BusinessTime,
    Window,
    WindowError,
    custom_window,
    first_of_month,
    rolling,
    window,
)

_DAYS: Final = {"day": 1, "week": 7}


class Comparison(NamedTuple):
    """What a window is compared with: an earlier one, as it stood at an instant."""

    window: Window
    as_of: Instant


def previous(policy: BusinessTime, window_: Window) -> Window:
    """The window of the same kind (and length, where it has one) that ends where this one begins.

    Raises:
        WindowError: it lies before 1900.
    """
    if window_.kind in ROLLING:
        return rolling(window_.kind, None, window_.begins_at)
    if window_.kind == "custom":
        length = window_.ends_at - window_.begins_at
        if window_.begins_at - length < EARLIEST:
            raise WindowError("a window outside the years 1900 to 2299")
        return custom_window(window_.begins_at - length, window_.begins_at)
    return window(policy, window_.kind, None, window_.begins_at - 1)


def comparison(policy: BusinessTime, window_: Window, at: Instant) -> Comparison:
    """What a window, as it stands at ``at``, is compared with (环比, domain.md 3.2).

    The previous window as it stood at the same local day and time: of a cycle, month, quarter or
    year the same day of the month, clamped to the month's length (31 March is compared with the
    last of February). So both have the same age, also after the window has ended.

    Raises:
        WindowError: the previous window lies before 1900.
    """
    before = previous(policy, window_)
    if at < window_.begins_at:  # neither has begun
        return Comparison(before, before.begins_at)
    if window_.kind == "custom" or window_.kind in ROLLING:
        return Comparison(before, at - (window_.begins_at - before.begins_at))
    months = MONTHS.get(policy.cycle.kind if window_.kind == "cycle" else window_.kind)
    if months is None:
        then = _days_before(at, _DAYS[window_.kind], policy.time_zone)
    else:
        then = _months_before(at, months, policy.time_zone)
    return Comparison(before, max(then, before.begins_at))


def same_period_last_year(policy: BusinessTime, window_: Window, at: Instant) -> Comparison:
    """What a window, as it stands at ``at``, is compared with on the year (同比).

    The window of the same name a year earlier, as it stood at the same local day and time. The 29th
    of February is compared with the 28th; a week with the one of 52 weeks ago, so that the same
    weekdays meet; a rolling window with one of its length that ends at the same local time a year
    earlier; any other interval with that between the same local times a year earlier, or, where
    none is left of it (the 28th to the 29th of February), with one of its length.

    Raises:
        WindowError: that window lies before 1900.
    """
    try:
        before, days = _last_year(policy, window_)
        if at < window_.begins_at:  # neither has begun
            return Comparison(before, before.begins_at)
        zone = policy.time_zone
        then = _days_before(at, days, zone) if days else _months_before(at, 12, zone)
    except WindowError:
        raise
    except (ValueError, OverflowError):
        raise WindowError("a window outside the years 1900 to 2299") from None
    return Comparison(before, max(then, before.begins_at))


def _last_year(policy: BusinessTime, window_: Window) -> tuple[Window, int]:
    """The window a year earlier, and how many days earlier it is where that is a number of days."""
    kind, zone = window_.kind, policy.time_zone
    if kind == "week":
        return window(policy, kind, None, _days_before(window_.begins_at, 364, zone)), 364
    if kind == "day":
        last = date.fromisoformat(window_.name)
        then = _same_day(last, 12)
        return window(policy, kind, then.isoformat(), window_.begins_at), (last - then).days
    if kind in KINDS:
        year = f"{int(window_.name[:4]) - 1:04}"
        return window(policy, kind, year + window_.name[4:], window_.begins_at), 0
    ends_at = _months_before(window_.ends_at, 12, zone)
    if kind in ROLLING:
        return rolling(kind, None, ends_at), 0
    begins_at = _months_before(window_.begins_at, 12, zone)
    if begins_at >= ends_at:
        ends_at = begins_at + window_.ends_at - window_.begins_at
    return custom_window(begins_at, ends_at), 0


def _days_before(at: Instant, days: int, zone: ZoneInfo) -> Instant:
    """The same local time, so many days earlier."""
    return from_datetime(to_datetime(at).astimezone(zone) - timedelta(days=days))


def _months_before(at: Instant, months: int, zone: ZoneInfo) -> Instant:
    """The same local day and time so many months earlier, clamped to the month's length."""
    local = to_datetime(at).astimezone(zone)
    day = _same_day(local.date(), months)
    return from_datetime(local.replace(year=day.year, month=day.month, day=day.day))


def _same_day(day: date, months: int) -> date:
    """The same day so many months earlier, clamped to the month's length."""
    month = first_of_month(day, -months)
    return month.replace(day=min(day.day, monthrange(month.year, month.month)[1]))
