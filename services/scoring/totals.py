"""The sums of whole cycles, kept beside the counters that they are added up from.

A ranking of a month with millions of orders has millions of counters; of its totals it reads one
for each unit and indicator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schemas.instants import Instant
from schemas.records import CYCLE_TOTAL, ZERO, CounterKey, Sums
from services.domain.policy import Policy
from services.domain.windows import window

_CYCLE: Final = "cycle"


class CycleTotals:
    """The totals of some counters, by the cycles of a policy; without zeros.

    A counter belongs to the cycle that holds the first instant of its quarter hour.
    """

    def __init__(self, policy: Policy, counters: Mapping[CounterKey, Sums]) -> None:
        self._policy = policy
        self._begins: dict[Instant, Instant] = {}  # of the cycle, by quarter hour
        self.sums: dict[CounterKey, Sums] = {}
        for key, sums in counters.items():
            self._add(self.key(key), sums)

    def key(self, counter: CounterKey) -> CounterKey:
        """The total that a counter is part of."""
        begins_at = self._begins.get(counter.bucket)
        if begins_at is None:
            begins_at = window(self._policy, _CYCLE, None, counter.bucket).begins_at
            self._begins[counter.bucket] = begins_at
        return CounterKey(counter.ranking + CYCLE_TOTAL, counter.unit, counter.indicator, begins_at)

    def add(self, deltas: Mapping[CounterKey, Sums]) -> dict[CounterKey, Sums]:
        """Add differences of counters; give the totals that changed, also those now zero."""
        before: dict[CounterKey, Sums] = {}
        for counter, delta in deltas.items():
            key = self.key(counter)
            before.setdefault(key, self.sums.get(key, ZERO))
            self._add(key, delta)
        after = {key: self.sums.get(key, ZERO) for key in before}
        return {key: sums for key, sums in after.items() if sums != before[key]}

    def _add(self, key: CounterKey, delta: Sums) -> None:
        old = self.sums.get(key, ZERO)
        new = Sums(old.denominator + delta.denominator, old.numerator + delta.numerator)
        if new == ZERO:
            self.sums.pop(key, None)
        else:
            self.sums[key] = new
