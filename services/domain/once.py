"""An order counts once in an indicator, whatever the versions of a policy say of it.

Two versions may both book an order, each at an instant of its own time: one that gives more days
books it later, in the time of the next. Then the earlier one counts it. Or each may book it in the
time of the other, where the later one gives fewer days: then the one under which it was received
counts it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from schemas.instants import Instant
from schemas.records import FlatSpan
from services.domain.policy import Policy, Rules
from services.domain.timeline import LEAD

_Interval = tuple[Instant, Instant]


class Once:
    """Takes the spans of one version after the other, in their order of time."""

    __slots__ = ("_claims", "_taken")

    def __init__(self) -> None:
        self._taken: defaultdict[str, list[_Interval]] = defaultdict(list)  # by indicator: when
        # When a version books an order in an indicator at all, by its beginning.
        self._claims: defaultdict[tuple[Instant, str], list[_Interval]] = defaultdict(list)

    def of(self, rules: Rules, spans: Sequence[FlatSpan]) -> Iterator[FlatSpan]:
        """What is attributed to the version's time and counted by no earlier one meanwhile."""
        codes = frozenset(rules.codes)
        booked: list[tuple[str, _Interval]] = []
        for span in spans:
            begins_at, ends_at, ranking, _unit, name, booked_at, *_ = span
            if name in codes and ranking == LEAD:
                self._claims[rules.begins_at, name].append((begins_at, ends_at))
            if not rules.begins_at <= booked_at < rules.ends_at:
                continue
            if name not in codes:
                yield span
                continue
            if ranking == LEAD:
                booked.append((name, (begins_at, ends_at)))
            yield from self._free(span, [(begins_at, ends_at)])
        for name, when in booked:
            self._taken[name].append(when)

    def rest(self, policy: Policy, rules: Rules, spans: Sequence[FlatSpan]) -> Iterator[FlatSpan]:
        """What the version of `received` books in the time of another that books it elsewhere.

        To be asked after all versions.
        """
        codes = frozenset(rules.codes)
        for span in spans:
            name, booked_at = span[4], span[5]
            if name in codes and not rules.begins_at <= booked_at < rules.ends_at:
                claims = self._claims.get((policy.at(booked_at).begins_at, name), ())
                yield from self._free(span, _within(span[0], span[1], claims))

    def _free(self, span: FlatSpan, when: Iterable[_Interval]) -> Iterator[FlatSpan]:
        for begins_at, ends_at in when:
            for from_, to in _without(begins_at, ends_at, self._taken.get(span[4], ())):
                yield (from_, to, *span[2:])


def _within(begins_at: Instant, ends_at: Instant, wanted: Iterable[_Interval]) -> list[_Interval]:
    """The parts of [begins_at, ends_at) that are in one of several intervals."""
    cut = ((max(begins_at, from_), min(ends_at, to)) for from_, to in wanted)
    return [(from_, to) for from_, to in cut if from_ < to]


def _without(
    begins_at: Instant, ends_at: Instant, taken: Iterable[_Interval]
) -> Iterator[_Interval]:
    """What is left of [begins_at, ends_at)."""
    for from_, to in sorted(taken):
        if begins_at < from_ < ends_at:
            yield begins_at, from_
        if from_ < ends_at:
            begins_at = max(begins_at, to)
    if begins_at < ends_at:
        yield begins_at, ends_at
