"""Who is ranked where, who stands at the bottom, and who is not ranked and why (docs/rules.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, Protocol

from schemas.records import ZERO, Sums, Unit
from services.domain.adjustments import Adjustments, Entry, apply
from services.domain.places import Place, at_the_bottom, places
from services.domain.score import OwnSums, Rated, half_up, rated, samples
from services.domain.scorings import Scoring, Scorings

Reason = Literal["no_demand", "no_valid_callback", "too_few"]

STATE: Final = "state:"
# Counts that are shown with a unit beside its volume and states.
COUNTS: Final = ("open", "overdue", "returned", "reopened")
NO_ADJUSTMENTS: Final[Adjustments] = MappingProxyType({})


class Version(Protocol):
    """What a ranking needs of a policy's version: the one in force at its window's end."""

    @property
    def scorings(self) -> Scorings:
        """How it scores which units."""


class Figures(NamedTuple):
    """What the sums say about one unit.

    ``rates`` in percent, None without a denominator, of every indicator; ``sums`` of those that
    have no parts; ``states`` by name without the prefix (``excluded:<ground>`` one by one): they
    add up to ``volume``. ``below_floor``: the indicators whose rate is below their floor.
    """

    volume: int
    rates: dict[str, Decimal | None]
    sums: dict[str, Sums]
    states: dict[str, int]
    counts: dict[str, int]
    below_floor: tuple[str, ...]


class RankedUnit(NamedTuple):
    """A unit with its place. ``bottom``: it is among those who are called in.

    ``score`` holds the ``adjustment`` (points, cut off at their caps), ``score_before`` does not;
    ``adjusted_by`` are the entries that were counted.
    """

    rank: int
    unit: Unit
    score: Decimal
    rates: dict[str, Decimal | None]
    sums: dict[str, Sums]
    volume: int
    states: dict[str, int]
    counts: dict[str, int]
    bottom: bool
    below_floor: tuple[str, ...]
    score_before: Decimal
    adjustment: Decimal
    adjusted_by: tuple[Entry, ...]


class UnrankedUnit(NamedTuple):
    """A unit without a place: 无诉求 no_demand, or 样本不足 no_valid_callback and too_few."""

    unit: Unit
    reason: Reason
    rates: dict[str, Decimal | None]
    sums: dict[str, Sums]
    volume: int
    states: dict[str, int]
    counts: dict[str, int]
    below_floor: tuple[str, ...]


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
    score_before: Decimal
    adjustment: Decimal
    adjusted_by: tuple[Entry, ...]
    figures: Figures


def rank_units(
    units: Sequence[Unit],
    sums: Mapping[tuple[str, str], Sums],
    rules: Version,
    kind: str,
    group: str = "",
    *,
    adjustments: Adjustments = NO_ADJUSTMENTS,
) -> Ranking:
    """Rank units of one kind, or one peer group, by their published (rounded) score.

    ``sums`` are keyed by (unit code, indicator or count), are those of the scoring's ``basis``
    and may hold other units too. ``adjustments`` are those in force, if the window is a cycle.
    """
    return rank(units, sums, rules.scorings.of(kind, group), adjustments)


def rank(
    units: Sequence[Unit],
    sums: Mapping[tuple[str, str], Sums],
    scoring: Scoring,
    adjustments: Adjustments = NO_ADJUSTMENTS,
) -> Ranking:
    """Rank units under one scoring."""
    by_unit: dict[str, dict[str, Sums]] = {unit.code: {} for unit in units}
    for (code, indicator), found in sums.items():
        if code in by_unit:
            by_unit[code][indicator] = found
    scored: list[_Scored] = []
    unranked: list[UnrankedUnit] = []
    for unit in units:
        own = by_unit[unit.code]
        come_to = rated(own, scoring)
        figures = _figures(own, come_to, scoring)
        behind = samples(own, scoring).values()
        if come_to.score is None or min(behind) < scoring.minimum_sample:
            unranked.append(_unranked(unit, figures, behind))
        else:
            given = adjustments.get(unit.code, ())
            scored.append(_scored(unit, come_to.score, figures, given, scoring))
    scored.sort(key=lambda entry: (-entry.score, -entry.figures.volume, entry.unit.code))
    unranked.sort(key=lambda entry: entry.unit.code)
    return Ranking(_placed(scored, scoring), tuple(unranked))


def figures_of(sums: OwnSums, scoring: Scoring) -> Figures:
    """Volume, rates, states and counts of one unit, from its sums by indicator or count."""
    return _figures(sums, rated(sums, scoring), scoring)


def _figures(sums: OwnSums, come_to: Rated, scoring: Scoring) -> Figures:
    return Figures(
        volume=sums.get("volume", ZERO).denominator,
        rates=come_to.rates,
        sums={
            code: sums.get(code, ZERO) for code in scoring.indicators if code not in scoring.parts
        },
        states={
            name.removeprefix(STATE): found.denominator
            for name, found in sorted(sums.items())
            if name.startswith(STATE) and found.denominator
        },
        counts={name: sums.get(name, ZERO).denominator for name in COUNTS},
        below_floor=come_to.below_floor,
    )


def _unranked(unit: Unit, figures: Figures, behind: Collection[int]) -> UnrankedUnit:
    """``behind``: how many orders stand behind each indicator of the score."""
    reason: Reason = "too_few"
    if figures.volume == 0 and not any(behind):
        reason = "no_demand"
    elif not all(behind):
        reason = "no_valid_callback"
    return UnrankedUnit(
        unit=unit,
        reason=reason,
        rates=figures.rates,
        sums=figures.sums,
        volume=figures.volume,
        states=figures.states,
        counts=figures.counts,
        below_floor=figures.below_floor,
    )


def _scored(
    unit: Unit, points: Fraction, figures: Figures, entries: Sequence[Entry], scoring: Scoring
) -> _Scored:
    applied = apply(entries, scoring)
    return _Scored(
        unit,
        half_up(points + Fraction(applied.points), scoring.decimals),
        half_up(points, scoring.decimals),
        applied.points,
        applied.counted,
        figures,
    )


def _placed(scored: Sequence[_Scored], scoring: Scoring) -> tuple[RankedUnit, ...]:
    """Give places to sorted units, and mark the bottom."""
    by_volume = scoring.ties == "volume"
    found: list[Place] = places(
        [(entry.score, entry.figures.volume if by_volume else 0) for entry in scored]
    )
    listed = len(scored) >= scoring.listed_from
    return tuple(
        RankedUnit(
            rank=place.rank,
            unit=entry.unit,
            score=entry.score,
            rates=entry.figures.rates,
            sums=entry.figures.sums,
            volume=entry.figures.volume,
            states=entry.figures.states,
            counts=entry.figures.counts,
            bottom=listed and at_the_bottom(place, scoring.bottom),
            below_floor=entry.figures.below_floor,
            score_before=entry.score_before,
            adjustment=entry.adjustment,
            adjusted_by=entry.adjusted_by,
        )
        for place, entry in zip(found, scored, strict=True)
    )
