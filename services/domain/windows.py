"""Business time: which instants a cycle, an operational day, a week or a year covers.

Windows are half open, [begins_at, ends_at), and named by their end: the cycle 2026-11 of a
district that starts on the 19th is [19 October, 19 November). All bounds are local times in the
policy's zone, so a day on which clocks change has 23 or 25 hours.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instants import (
    QUARTER_HOUR,
    Instant,
    format_instant,
    from_datetime,
    to_datetime,
)
from services.domain.policy import Policy

KINDS: Final = ("cycle", "day", "week", "month", "quarter", "year")
NOON: Final = 12
THURSDAY: Final = 3  # an operational week runs Friday to Thursday
YEAR_STARTS_IN: Final = 11  # the assessment year runs November to October

_NAMES: Final = {
    "cycle": re.compile(r"(\d{4})-(\d\d)", re.ASCII),
    "day": re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII),
    "week": re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII),
    "month": re.compile(r"(\d{4})-(\d\d)", re.ASCII),
    "quarter": re.compile(r"(\d{4})-Q([1-4])", re.ASCII),
    "year": re.compile(r"(\d{4})", re.ASCII),
}


class WindowError(ValueError):
    """There is no such window. The message says what a name looks like."""


class Window(NamedTuple):
    """[begins_at, ends_at) under a name that is unique within its kind."""

    kind: str
    name: str
    begins_at: Instant
    ends_at: Instant


def window(policy: Policy, kind: str, name: str | None, at: Instant) -> Window:
    """The window of ``kind`` called ``name``; without a name, the one that holds ``at``.

    Names: cycle, month ``2026-11``; day ``2026-11-22`` (noon of the 21st to noon of the 22nd);
    week by its Thursday ``2026-11-26``; quarter ``2026-Q4``; year by its October ``2026``.

    Raises:
        WindowError: unknown kind, or a name that names no window of this kind.
    """
    if kind not in KINDS:
        raise WindowError(f"a window is one of {', '.join(KINDS)}")
    local = to_datetime(at).astimezone(policy.time_zone)
    named = _holding(policy, kind, local) if name is None else _parse(kind, name)
    try:
        return _spanning(policy, kind, named)
    except (ValueError, OverflowError):
        raise WindowError("a window outside the years 1900 to 2299") from None


def custom_window(begins_at: Instant, ends_at: Instant) -> Window:
    """Any interval.

    Raises:
        WindowError: it is empty.
    """
    if begins_at >= ends_at:
        raise WindowError("a window ends after it begins")
    return Window(
        "custom", f"{format_instant(begins_at)}/{format_instant(ends_at)}", begins_at, ends_at
    )


def previous(policy: Policy, window_: Window) -> Window:
    """The window of the same kind that ends where this one begins."""
    if window_.kind == "custom":
        length = window_.ends_at - window_.begins_at
        return custom_window(window_.begins_at - length, window_.begins_at)
    return window(policy, window_.kind, None, window_.begins_at - 1)


def bucket_of(instant: Instant) -> Instant:
    """First instant of the quarter hour of UTC that holds ``instant``."""
    return instant - instant % QUARTER_HOUR


def local_day(instant: Instant, zone: ZoneInfo) -> int:
    """Number of the calendar day in a zone; equal for instants of one local day."""
    # Offsets change on quarter hours only (since 1972), so a bucket lies within one day.
    return _day_of_bucket(bucket_of(instant), zone)


@lru_cache(maxsize=100_000)
def _day_of_bucket(bucket: Instant, zone: ZoneInfo) -> int:
    return to_datetime(bucket).astimezone(zone).toordinal()


def _holding(policy: Policy, kind: str, local: datetime) -> date:
    """The date that stands for the window of a local time: its name, in the form of a date."""
    today = local.date()
    if kind == "cycle":
        starts = policy.cycle_start_day
        return _month(today, 1 if starts > 1 and today.day >= starts else 0)
    if kind == "day":
        return today + timedelta(days=1) if local.hour >= NOON else today
    if kind == "week":
        return today + timedelta(days=(THURSDAY - today.weekday()) % 7)
    if kind == "month":
        return _month(today)
    if kind == "quarter":
        return date(today.year, today.month - (today.month - 1) % 3, 1)
    return date(today.year + (today.month >= YEAR_STARTS_IN), 1, 1)


def _parse(kind: str, name: str) -> date:
    match = _NAMES[kind].fullmatch(name)
    if match is None:
        raise WindowError(f"the name of a {kind} looks like {_example(kind)}")
    parts = [int(part) for part in match.groups()]
    if kind == "quarter":
        parts[1] = parts[1] * 3 - 2
    try:
        named = date(*[*parts, 1, 1][:3])
    except ValueError:
        raise WindowError(f"the name of a {kind} is a date of the calendar") from None
    if kind == "week" and named.weekday() != THURSDAY:
        raise WindowError("a week is named by its last day, a Thursday")
    return named


def _example(kind: str) -> str:
    return {
        "cycle": "2026-11", "month": "2026-11", "day": "2026-11-22", "week": "2026-11-26",
        "quarter": "2026-Q4", "year": "2026",
    }[kind]  # fmt: skip


def _spanning(policy: Policy, kind: str, named: date) -> Window:
    """The window that a date stands for."""
    hour = 0
    if kind == "cycle" and policy.cycle_start_day > 1:
        name = f"{named:%Y-%m}"
        begins = _month(named, -1).replace(day=policy.cycle_start_day)
        ends = named.replace(day=policy.cycle_start_day)
    elif kind in ("cycle", "month"):
        name, begins, ends = f"{named:%Y-%m}", named, _month(named, 1)
    elif kind == "day":
        name, begins, ends, hour = named.isoformat(), named - timedelta(days=1), named, NOON
    elif kind == "week":
        name = named.isoformat()
        begins, ends = named - timedelta(days=6), named + timedelta(days=1)
    elif kind == "quarter":
        name = f"{named:%Y}-Q{named.month // 3 + 1}"
        begins, ends = named, _month(named, 3)
    else:
        name = f"{named:%Y}"
        ends = date(named.year, YEAR_STARTS_IN, 1)
        begins = date(named.year - 1, YEAR_STARTS_IN, 1)
    zone = policy.time_zone
    return Window(kind, name, _local(begins, hour, zone), _local(ends, hour, zone))


def _month(day: date, later: int = 0) -> date:
    """The first day of the month, so many months later."""
    months = day.year * 12 + day.month - 1 + later
    return date(months // 12, months % 12 + 1, 1)


def _local(day: date, hour: int, zone: ZoneInfo) -> Instant:
    return from_datetime(datetime(day.year, day.month, day.day, hour, tzinfo=zone))
