"""Who is ranked where, who stands at the bottom, and who is not ranked and why (docs/rules.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from schemas.records import ZERO, Sums, Unit
from services.domain.policy import Policy
from services.domain.score import rate, sample, score

Reason = Literal["no_demand", "no_valid_callback", "too_few"]

STATE: Final = "state:"
# Counts that are shown with a unit beside its volume and states.
COUNTS: Final = ("open", "overdue", "returned", "reopened")


class Figures(NamedTuple):
    """What the sums say about one unit.

    ``rates`` in percent, None without a denominator, and ``sums`` by indicator; ``states`` by
    name without the prefix (``excluded:<ground>`` one by one): they add up to ``volume``.
    """

    volume: int
    rates: dict[str, Decimal | None]
    sums: dict[str, Sums]
    states: dict[str, int]
    counts: dict[str, int]


class RankedUnit(NamedTuple):
    """A unit with its place. ``bottom``: it is among those who are called in."""

    rank: int
    unit: Unit
    score: Decimal
    rates: dict[str, Decimal | None]
    sums: dict[str, Sums]
    volume: int
    states: dict[str, int]
    counts: dict[str, int]
    bottom: bool


class UnrankedUnit(NamedTuple):
    """A unit without a place: 无诉求 no_demand, or 样本不足 no_valid_callback and too_few."""

    unit: Unit
    reason: Reason
    rates: dict[str, Decimal | None]
    sums: dict[str, Sums]
    volume: int
    states: dict[str, int]
    counts: dict[str, int]


class Ranking(NamedTuple):
    """Ranked units in order, the others by code."""

    ranked: tuple[RankedUnit, ...]
    unranked: tuple[UnrankedUnit, ...]

    def bottom(self) -> frozenset[str]:
        """Codes of the units that are called in."""
        return frozenset(entry.unit.code for entry in self.ranked if entry.bottom)


class _Scored(NamedTuple):
    unit: Unit
    score: Decimal
    figures: Figures


def rank_units(
    units: Sequence[Unit], sums: Mapping[tuple[str, str], Sums], policy: Policy
) -> Ranking:
    """Rank units by their published (rounded) score.

    ``sums`` are keyed by (unit code, indicator or count) and may hold other units too.
    """
    by_unit: dict[str, dict[str, Sums]] = {unit.code: {} for unit in units}
    for (code, indicator), found in sums.items():
        if code in by_unit:
            by_unit[code][indicator] = found
    scored: list[_Scored] = []
    unranked: list[UnrankedUnit] = []
    for unit in units:
        own = by_unit[unit.code]
        figures = figures_of(own, policy)
        points = score(own, policy)
        if points is None or sample(own, policy) < policy.minimum_sample:
            unranked.append(_unranked(unit, figures, points))
        else:
            scored.append(_Scored(unit, points, figures))
    scored.sort(key=lambda entry: (-entry.score, -entry.figures.volume, entry.unit.code))
    unranked.sort(key=lambda entry: entry.unit.code)
    return Ranking(_placed(scored, policy), tuple(unranked))


def figures_of(sums: Mapping[str, Sums], policy: Policy) -> Figures:
    """Volume, rates, states and counts of one unit, from its sums by indicator or count."""
    own = {i.code: sums.get(i.code, ZERO) for i in policy.indicators}
    return Figures(
        volume=sums.get("volume", ZERO).denominator,
        rates={code: rate(found) for code, found in own.items()},
        sums=own,
        states={
            name.removeprefix(STATE): found.denominator
            for name, found in sorted(sums.items())
            if name.startswith(STATE) and found.denominator
        },
        counts={name: sums.get(name, ZERO).denominator for name in COUNTS},
    )


def _unranked(unit: Unit, figures: Figures, points: Decimal | None) -> UnrankedUnit:
    reason: Reason
    if points is not None:
        reason = "too_few"
    elif figures.volume == 0:
        reason = "no_demand"
    else:
        reason = "no_valid_callback"
    return UnrankedUnit(
        unit,
        reason,
        figures.rates,
        figures.sums,
        figures.volume,
        figures.states,
        figures.counts,
    )


def _placed(scored: Sequence[_Scored], policy: Policy) -> tuple[RankedUnit, ...]:
    """Give ranks (1, 2, 2, 4) to sorted units, and mark the bottom."""
    ranks: list[int] = []
    for place, entry in enumerate(scored, start=1):
        same = place > 1 and _key(entry, policy) == _key(scored[place - 2], policy)
        ranks.append(ranks[-1] if same else place)
    total = len(scored)
    listed = total >= 2 * policy.bottom
    after = {}  # by rank: how many units come strictly after it
    for place, rank in enumerate(ranks, start=1):
        after[rank] = total - place
    return tuple(
        RankedUnit(
            rank,
            entry.unit,
            entry.score,
            entry.figures.rates,
            entry.figures.sums,
            entry.figures.volume,
            entry.figures.states,
            entry.figures.counts,
            bottom=listed and after[rank] < policy.bottom,
        )
        for rank, entry in zip(ranks, scored, strict=True)
    )


def _key(entry: _Scored, policy: Policy) -> tuple[Decimal, int]:
    """Units with equal keys share a rank."""
    return entry.score, entry.figures.volume if policy.ties == "volume" else 0
