"""What orders add up to, by the engine's own contributions: as of an instant, within a window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from schemas.instants import FOREVER, Instant
from schemas.records import Contribution, Event, Sums
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import Policy
from services.domain.windows import Window

AllSums = dict[tuple[str, str], Sums]
"""(unit, indicator or count) ▸ sums."""
AT_THE_END: Final[Instant] = FOREVER - 1


def sums_at(
    orders: Iterable[Sequence[Event]],
    policy: Policy,
    at: Instant = AT_THE_END,
    *,
    within: Window | None = None,
    ranking: str = "lead",
) -> AllSums:
    """Evaluate orders and add up what was in force at ``at``; without a window of all time."""
    found = (
        contribution
        for events in orders
        for contribution in contributions_at(evaluate(events, policy).spans, at)
    )
    return added_up(found, within=within, ranking=ranking)


def added_up(
    contributions: Iterable[Contribution], *, within: Window | None = None, ranking: str = "lead"
) -> AllSums:
    """Add up the contributions of one ranking that are attributed to a window."""
    denominators: Counter[tuple[str, str]] = Counter()
    numerators: Counter[tuple[str, str]] = Counter()
    for found in contributions:
        inside = within is None or within.begins_at <= found.attributed_at < within.ends_at
        if found.ranking == ranking and inside:
            denominators[found.unit, found.indicator] += found.denominator
            numerators[found.unit, found.indicator] += found.numerator
    return {key: Sums(count, numerators[key]) for key, count in denominators.items()}


def of(unit: str, sums: Mapping[tuple[str, str], Sums]) -> dict[str, Sums]:
    """Those of one unit, by indicator or count."""
    return {indicator: found for (code, indicator), found in sums.items() if code == unit}
