"""What orders add to one window at one instant, without the way that led there.

`outcome.evaluate` tells what an order adds at every instant. Where only one instant is asked for,
the same fold is asked once, at that instant: what it answers depends on the events until then, and
not on what it was asked before.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.instants import Instant
from schemas.records import Event, Sums
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

    After `add` of every order that may contribute, `sums` are what the counters would be. Versions
    that begin after the window judge nothing in it; those that end before may count an order that
    a later one would count in it too (`once`).
    """

    def __init__(self, policy: Policy, window: Window, ranking: str) -> None:
        self._window = window
        self._versions = [
            (rules, _Last(rules.codes))
            for rules in policy.versions
            if rules.begins_at < window.ends_at
        ]
        self._is_dated = len(policy.versions) > 1
        self._by_line = ranking != LEAD
        self._units: dict[str, dict[str, list[int]]] = {}

    def add(self, events: Iterable[Event], at: Instant) -> None:
        """Add one order as it stands at ``at``.

        Raises:
            CalendarError: a deadline falls into a year whose working days are not known.
        """
        ordered = in_order(events)
        if not ordered or ordered[0].occurred_at > at:
            return
        counted: set[str] = set()
        for rules, last in self._versions:
            if self._is_dated and rules.ends_at <= earliest_of(ordered):
                continue
            order = _folded(ordered, rules, at)
            record(last, order, rules, at)
            self._count(order, rules, last, counted)

    def sums(self) -> dict[UnitName, Sums]:
        """What was added so far."""
        return {
            (unit, name): Sums(*found)
            for unit, names in self._units.items()
            for name, found in names.items()
        }

    def _count(self, order: WorkOrder, rules: Rules, last: _Last, counted: set[str]) -> None:
        """Add what a version judges of an order; ``counted`` grows by the indicators it does."""
        window = self._window
        rates = [
            (code, measured)
            for code, measured in zip(rules.codes, last.rates, strict=True)
            if measured and code not in counted and _holds(rules, measured[0])
        ]
        if self._is_dated:
            counted.update(code for code, _ in rates)
        line = department_of(order, rules) if self._by_line else ""
        if self._by_line and not line:
            return
        names = self._names(line or last.unit)
        if _holds(rules, last.attributed_at) and _holds(window, last.attributed_at):
            for name in last.counts:
                if name:
                    names.setdefault(name, [0, 0])[0] += 1
        for code, (booked_at, thousandths) in rates:
            if _holds(window, booked_at):
                found = names.setdefault(code, [0, 0])
                found[0] += 1
                found[1] += thousandths
        for name, unit, happened_at in order.occurrences:
            if _holds(rules, happened_at) and _holds(window, happened_at):
                self._names(line or unit).setdefault(name, [0, 0])[0] += 1

    def _names(self, unit: str) -> dict[str, list[int]]:
        found = self._units.get(unit)
        if found is None:
            found = self._units[unit] = {}
        return found


def _holds(time: Rules | Window, at: Instant) -> bool:
    return time.begins_at <= at < time.ends_at


class _Last(Timeline):
    """Keeps the step that it was told last."""

    __slots__ = ("attributed_at", "counts", "rates", "unit")

    def step(
        self, _at: Instant, unit: str, attributed_at: Instant, counts: Counts, rates: Rates
    ) -> None:
        self.unit, self.attributed_at, self.counts, self.rates = unit, attributed_at, counts, rates


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
