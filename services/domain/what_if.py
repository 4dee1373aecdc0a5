"""The ranking under another policy beside the present one: which orders matter, and who moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import NamedTuple

from schemas.instants import EARLIEST, Instant, from_datetime, to_datetime
from schemas.policy.deadlines import Duration
from schemas.records import Unit
from services.domain.calendar import CalendarError
from services.domain.deadlines import ends_at
from services.domain.policy import Policy, Rules
from services.domain.ranking import RankedUnit, Ranking, UnrankedUnit
from services.domain.windows import Window, WindowError, window


class Reach(NamedTuple):
    """Which orders may add anything to a window.

    Those with an instant, the time of an event or one told in its data, before ``ends_at``, and
    one at or after ``begins_at``; where ``pauses`` move deadlines, besides them all orders that
    were suspended.
    """

    begins_at: Instant
    ends_at: Instant
    pauses: bool


def reach(policy: Policy, of: Window) -> Reach:
    """The orders that a policy may count in a window, rather too many than too few.

    What an order adds is attributed to an instant that is

    - that of an event, or as a correction tells it: an instant of the order;
    - a deadline told by the platform or an extension: an instant of the order too, unless the
      policy cuts the extension off, and then it lies between the dispatch and what was told;
    - a deadline of the policy, which runs from a dispatch or reopening. A later start never gives
      an earlier end, so `begins_at` is found by going back until no start reaches the window;
    - one of the two, moved by pauses while the order was suspended.

    So the first instant of the order is before the window's end, and its last one, unless it was
    suspended, not before `begins_at`.
    """
    begins_at, pauses = of.begins_at, False
    for rules in policy.within(of.begins_at, of.ends_at):
        pauses = pauses or rules.document.suspensions.clock == "pauses"
        for entry in rules.document.deadlines:
            for duration in (entry.sign, entry.contact, entry.resolve):
                if duration is not None:
                    begins_at = min(begins_at, _first_start(duration, rules, of.begins_at))
    return Reach(begins_at, of.ends_at, pauses)


def window_beside(other: Policy, present: Window) -> Window:
    """The cycle of another policy that has the name of a present one.

    Where its cycles are not named alike (quarters for months), the one that holds the last instant
    of the present one.
    """
    try:
        return window(other, present.kind, present.name, present.begins_at)
    except WindowError:
        return window(other, present.kind, None, present.ends_at - 1)


class Line(NamedTuple):
    """One unit in both rankings. ``move``: places won (positive) or lost, None unless in both."""

    unit: Unit
    present: RankedUnit | UnrankedUnit
    other: RankedUnit | UnrankedUnit
    move: int | None


def side_by_side(present: Ranking, other: Ranking) -> Iterator[Line]:
    """Every unit of a list, in the order of the other ranking; those without a place by code."""
    before = {entry.unit.code: entry for entry in _entries(present)}
    for entry in _entries(other):
        was = before[entry.unit.code]
        move = None
        if isinstance(was, RankedUnit) and isinstance(entry, RankedUnit):
            move = was.rank - entry.rank
        yield Line(entry.unit, was, entry, move)


def _entries(ranking: Ranking) -> Iterator[RankedUnit | UnrankedUnit]:
    yield from ranking.ranked
    yield from ranking.unranked


def _first_start(duration: Duration, rules: Rules, reached: Instant) -> Instant:
    """Since when a start gives an end at or after ``reached``; from ever if nobody knows."""
    if duration.working_days is None:
        return reached - (ends_at(reached, duration, rules.zone, rules.working_days) - reached)
    day = to_datetime(reached).astimezone(rules.zone).date()
    try:
        while True:
            last = from_datetime(datetime.combine(day, time.max, rules.zone))
            if ends_at(last, duration, rules.zone, rules.working_days) < reached:
                return last + 1
            day -= timedelta(days=1)
    except (CalendarError, ValueError, OverflowError):
        return EARLIEST
