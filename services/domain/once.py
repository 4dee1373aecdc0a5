"""An order counts once in an indicator, whatever the versions of a policy say of it.

Two versions may both book an order, each at an instant of its own time: one that gives more days
books it later, in the time of the next. Where they do, at once, the earlier one counts it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from schemas.instants import Instant
from schemas.records import FlatSpan
from services.domain.policy import Rules
from services.domain.timeline import LEAD


class Once:
    """Takes the spans of one version after the other, in their order of time."""

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken: dict[str, list[tuple[Instant, Instant]]] = {}  # by indicator: when

    def of(self, rules: Rules, spans: Sequence[FlatSpan]) -> Iterator[FlatSpan]:
        """What is attributed to the version's time and counted by no earlier one meanwhile."""
        codes = frozenset(rules.codes)
        booked: defaultdict[str, list[tuple[Instant, Instant]]] = defaultdict(list)
        for span in spans:
            begins_at, ends_at, ranking, _unit, name, booked_at, *_ = span
            if not rules.begins_at <= booked_at < rules.ends_at:
                continue
            if name not in codes:
                yield span
                continue
            if ranking == LEAD:
                booked[name].append((begins_at, ends_at))
            for from_, to in _without(begins_at, ends_at, self._taken.get(name, ())):
                yield (from_, to, *span[2:])
        for name, when in booked.items():
            self._taken.setdefault(name, []).extend(when)


def _without(
    begins_at: Instant, ends_at: Instant, taken: Sequence[tuple[Instant, Instant]]
) -> Iterator[tuple[Instant, Instant]]:
    """What is left of [begins_at, ends_at)."""
    for from_, to in sorted(taken):
        if begins_at < from_ < ends_at:
            yield begins_at, from_
        if from_ < ends_at:
            begins_at = max(begins_at, to)
    if begins_at < ends_at:
        yield begins_at, ends_at
