"""What orders add to one window at one instant, without the way that led there.

`outcome.evaluate` tells what an order adds at every instant. Where only one instant is asked for,
the same fold is asked once, at that instant: what it answers depends on the events until then, and
not on what it was asked before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from schemas.instants import Instant
from schemas.records import ZERO, Event, Sums
from services.domain.corrections import in_order
from services.domain.outcome import department_of, earliest_of, effects_of, record
from services.domain.policy import Policy, Rules
from services.domain.timeline import LEAD, Counts, Rates, Timeline
from services.domain.windows import Window
from services.domain.work_order import WorkOrder

UnitName = tuple[str, str]
"""Code of a unit ("" for orders that no unit leads), and an indicator or count."""


class Tally:
    """The sums of what orders add to one window of one ranking.

    After `add` of every order that may contribute, `sums` are what the counters would be.
    """

    def __init__(self, policy: Policy, window: Window, ranking: str) -> None:
        self._policy = policy
        self._window = window
        self._versions = [
            _Version(
                rules,
                _Last(rules.codes),
                max(rules.begins_at, window.begins_at),
                min(rules.ends_at, window.ends_at),
            )
            for rules in policy.versions
        ]
        self._is_dated = len(policy.versions) > 1
        self._by_line = ranking != LEAD
        self._rates: dict[str, dict[str, list[int]]] = {}  # by unit and indicator
        self._counts: dict[str, dict[Counts, int]] = {}  # those of an order together

    def add(self, events: Iterable[Event], at: Instant) -> None:
        """Add one order as it stands at ``at``.

        Raises:
            CalendarError: a deadline falls into a year whose working days are not known.
        """
        ordered = in_order(events)
        if not ordered or ordered[0].occurred_at > at:
            return
        present: list[_Present] = []
        for version in self._versions:
            rules = version.rules
            if self._is_dated and rules.ends_at <= earliest_of(ordered):
                continue
            order = _folded(ordered, rules, at)
            record(version.last, order, rules, at)
            present.append((version, order))
        judges = self._judges(present) if self._is_dated else None
        for version, order in present:
            self._count(order, version, judges)

    def _judges(self, present: Sequence[_Present]) -> dict[str, Rules]:
        """The version that counts the order in each indicator (`once`)."""
        rates = {
            version.rules: dict(zip(version.rules.codes, version.last.rates, strict=True))
            for version, _ in present
        }
        judges: dict[str, Rules] = {}
        for rules, own in rates.items():
            for code, measured in own.items():
                if measured is not None and rules.begins_at <= measured[0] < rules.ends_at:
                    judges.setdefault(code, rules)
        received_at = present[0][1].received_at
        if received_at is None:
            return judges
        first = self._policy.at(received_at)
        for code, measured in rates[first].items():
            if measured is not None and rates[self._policy.at(measured[0])].get(code) is not None:
                judges.setdefault(code, first)
        return judges

    def sums(self) -> dict[UnitName, Sums]:
        """What was added so far."""
        found = {
            (unit, code): Sums(*both)
            for unit, rates in self._rates.items()
            for code, both in rates.items()
        }
        for unit, counts in self._counts.items():
            for names, count in counts.items():
                for name in filter(None, names):
                    before = found.get((unit, name), ZERO)
                    found[unit, name] = Sums(before.denominator + count, before.numerator)
        return found

    def _count(
        self, order: WorkOrder, version: _Version, judges: Mapping[str, Rules] | None
    ) -> None:
        """Add what a version judges of an order; without ``judges`` it is the only one."""
        rules, last, begins_at, ends_at = version
        line = department_of(order, rules) if self._by_line else ""
        is_listed = not self._by_line or line != ""
        if last.rates is not rules.no_rates:
            self._count_rates(version, judges, line or last.unit if is_listed else None)
        if not is_listed:
            return
        if begins_at <= last.attributed_at < ends_at:
            _increment(self._counts, line or last.unit, last.counts)
        for name, unit, happened_at in order.occurrences:
            if begins_at <= happened_at < ends_at:
                _increment(self._counts, line or unit, (name, None, None, None))

    def _count_rates(
        self, version: _Version, judges: Mapping[str, Rules] | None, unit: str | None
    ) -> None:
        """Add to the indicators of a unit; None: of nobody."""
        window, rules = self._window, version.rules
        if unit is None:
            return
        for code, measured in zip(rules.codes, version.last.rates, strict=True):
            if measured is None or (judges is not None and judges.get(code) is not rules):
                continue
            booked_at, thousandths = measured
            if window.begins_at <= booked_at < window.ends_at:
                rates = self._rates.setdefault(unit, {}).setdefault(code, [0, 0])
                rates[0] += 1
                rates[1] += thousandths


class _Last(Timeline):
    """Keeps the step that it was told last."""

    __slots__ = ("attributed_at", "counts", "rates", "unit")

    def step(
        self, _at: Instant, unit: str, attributed_at: Instant, counts: Counts, rates: Rates
    ) -> None:
        self.unit, self.attributed_at, self.counts, self.rates = unit, attributed_at, counts, rates


class _Version(NamedTuple):
    """A version, and the part of the window that it judges, [begins_at, ends_at); it may be none."""

    rules: Rules
    last: _Last
    begins_at: Instant
    ends_at: Instant


_Present = tuple[_Version, WorkOrder]
"""An order as it stands under one version."""


def _increment(counts: dict[str, dict[Counts, int]], unit: str, names: Counts) -> None:
    own = counts.setdefault(unit, {})
    own[names] = own.get(names, 0) + 1


def _folded(ordered: list[Event], rules: Rules, at: Instant) -> WorkOrder:
    """The order after all its events until ``at``."""
    order = WorkOrder(rules, ordered[0])
    known = effects_of(rules.skipped)
    for event in ordered:
        if event.occurred_at > at:
            break
        effect = known.get(event.type)
        if effect is not None:
            effect(order, event)
    return order
