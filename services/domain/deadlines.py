"""Which deadline an order has: the first entry of the policy's list that fits (docs/deadlines.md).

The list is asked several times for every order of a stream, so what can be known beforehand is:
each step keeps only the entries that name it, looks only at the facts that these ask for, and
remembers which entries fit the facts it has met.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instants import EARLIEST, FOREVER, Instant
from schemas.policy.deadlines import Deadline, Duration, Match
from services.domain.calendar import WorkingDays
from services.domain.durations import Counted, Interval, Pause, SkippedDay, Term, midnight

__all__ = [
    "Counted", "DeadlineTable", "Facts", "Interval", "Pause", "SkippedDay", "Step",
    "ends_at",
]  # fmt: skip

Step = Literal["sign", "contact", "resolve"]

STEPS: Final[tuple[Step, ...]] = ("sign", "contact", "resolve")
_REMEMBERED: Final = 1 << 16


class Facts(NamedTuple):
    """What a list of deadlines asks of an order. A text that nobody told is empty."""

    urgency: str
    channel: str
    demand_type: str
    category: tuple[str, ...]
    tags: tuple[str, ...]
    unit: str
    round: int


class DeadlineTable:
    """The deadlines of one version of a policy, in a time zone and a calendar.

    Args:
        deadlines: As the policy lists them.
        unit_groups: Codes of units by the name of their group.
        zone: In which days begin and end.
        working_days: The compiled calendar.

    Raises:
        ValueError: an entry names a group of units that ``unit_groups`` does not.
    """

    __slots__ = ("_longest", "_plans", "_working_days")

    def __init__(
        self,
        deadlines: Sequence[Deadline],
        unit_groups: Mapping[str, Sequence[str]],
        zone: ZoneInfo,
        working_days: WorkingDays,
    ) -> None:
        found: dict[Step, list[_Rule]] = {step: [] for step in STEPS}
        self._longest = 0
        for number, entry in enumerate(deadlines):
            tests = _tests(entry.match, unit_groups)
            begins_at, ends_at = _bounds(entry.match, zone)
            for step in STEPS:
                duration: Duration | None = getattr(entry, step)
                if duration is not None:
                    term = Term(duration, zone, working_days)
                    found[step].append(_Rule(number, tests, begins_at, ends_at, term))
                    self._longest = max(self._longest, duration.working_days or 0)
        self._plans: Mapping[str, _Plan] = {step: _Plan(rules) for step, rules in found.items()}
        self._working_days = working_days

    def due(
        self, step: str, facts: Facts, started_at: Instant, pauses: Sequence[Pause] = ()
    ) -> Instant | None:
        """When a step must be done that began with a dispatch; None if no entry says so.

        Args:
            step: ``sign``, ``contact`` or ``resolve``.
            facts: Of the order.
            started_at: The dispatch.
            pauses: While these last the clock rests.

        Raises:
            CalendarError: it needs a year whose working days are not known.
        """
        for rule in self._plans[step].rules(facts):
            if rule.begins_at <= started_at < rule.ends_at:
                return rule.term.ends_at(started_at, pauses)
        return None

    def counted(
        self, step: str, facts: Facts, started_at: Instant, pauses: Sequence[Pause] = ()
    ) -> Counted | None:
        """The same as `due`, with all that was counted and left out.

        Raises:
            CalendarError: it needs a year whose working days are not known.
        """
        for rule in self._plans[step].rules(facts):
            if rule.begins_at <= started_at < rule.ends_at:
                return rule.term.counted(started_at, pauses)._replace(rule=rule.number)
        return None

    def unknown_years(self, from_day: date, days_ahead: int) -> tuple[int, ...]:
        """The years not known that a deadline needs if it starts on one of the coming days.

        Args:
            from_day: The first local day of a dispatch.
            days_ahead: How many days later the last one may be.
        """
        if not self._longest:
            return ()
        return self._working_days.unknown_years(from_day, days_ahead, self._longest)


def ends_at(
    started_at: Instant,
    duration: Duration,
    zone: ZoneInfo,
    working_days: WorkingDays,
    pauses: Sequence[Pause] = (),
) -> Instant:
    """Where any duration ends: that of the longest extension, of the time for a return.

    Raises:
        CalendarError: it needs a year whose working days are not known.
    """
    return _term(duration, zone, working_days).ends_at(started_at, pauses)


_term = lru_cache(maxsize=256)(Term)


class _Test(NamedTuple):
    """Whether a fact (by its place in `Facts`), or one of several, is wanted."""

    place: int
    wanted: frozenset[object]

    def fits(self, facts: Facts) -> bool:
        fact = facts[self.place]
        if isinstance(fact, tuple):
            return not self.wanted.isdisjoint(fact)
        return fact in self.wanted


class _Rule(NamedTuple):
    """One entry of the list, for one step. It is for dispatches in [begins_at, ends_at)."""

    number: int
    tests: tuple[_Test, ...]
    begins_at: Instant
    ends_at: Instant
    term: Term


class _Plan:
    """The entries for one step, found by the facts that any of them asks for."""

    __slots__ = ("_found", "_key", "_rules")

    def __init__(self, rules: Sequence[_Rule]) -> None:
        self._rules = tuple(rules)
        places = sorted({test.place for rule in rules for test in rule.tests})
        self._key: Callable[[Facts], Any] = itemgetter(*places) if places else _nothing
        self._found: dict[Any, tuple[_Rule, ...]] = {}

    def rules(self, facts: Facts) -> tuple[_Rule, ...]:
        """Those whose tests the facts pass, in the order of the list."""
        key = self._key(facts)
        found = self._found.get(key)
        return self._remember(key, facts) if found is None else found

    def _remember(self, key: Any, facts: Facts) -> tuple[_Rule, ...]:
        found = tuple(r for r in self._rules if all(test.fits(facts) for test in r.tests))
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        self._found[key] = found
        return found


def _nothing(_facts: Facts) -> None:
    return None


def _tests(match: Match, unit_groups: Mapping[str, Sequence[str]]) -> tuple[_Test, ...]:
    members: list[str] | None = None
    if match.unit_group is not None:
        for group in match.unit_group:
            if group not in unit_groups:
                raise ValueError(f"{group} is no group that unit_groups names")
        members = [code for group in match.unit_group for code in unit_groups[group]]
    wanted: tuple[tuple[str, Sequence[object] | None], ...] = (
        ("urgency", match.urgency),
        ("channel", match.channel),
        ("demand_type", match.demand_type),
        ("category", match.category),
        ("tags", match.tag),
        ("unit", match.unit),
        ("unit", members),
        ("round", match.round),
    )
    return tuple(
        _Test(Facts._fields.index(fact), frozenset(values))
        for fact, values in wanted
        if values is not None
    )


def _bounds(match: Match, zone: ZoneInfo) -> tuple[Instant, Instant]:
    if match.period is None:
        return EARLIEST, FOREVER
    return midnight(match.period.from_, zone), midnight(match.period.to, zone)
