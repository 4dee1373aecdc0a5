"""How sure each place of a ranking is: its score, its rank, and whether it is truly at the bottom.

The method, its assumptions, sources and limits are docs/uncertainty.md. In short: the true rate of
an indicator is spread as Wilson's score interval says, taken at every level at once; the rates of
one unit move together, which no sample can exceed; the score of such rates is that of the scoring,
with the unit's adjustments, which are certain; units are independent of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np

from schemas.records import Sums
from services.domain.rank_chances import BITS, NODES, ONE, POINT, STEPS, Chances, Ints
from services.domain.ranking import RankedUnit, Ranking
from services.domain.score import PERCENT, THOUSAND, half_up
from services.domain.scorings import Scoring, Threshold

METHOD: Final = "wilson-comonotone-1"
"""Name and number of the method; another number whenever the same sums may give another answer."""
LEVEL: Final = Decimal("0.95")
"""Of the intervals; on either side lies half of the rest."""
PROBABILITY_DECIMALS: Final = 4

_TAIL: Final = int((1 - LEVEL) / 2 * ONE)
_QUANTILE: Final = Fraction(1_959_964, 1_000_000)  # of the normal distribution, at the level
_LARGEST: Final = 10_000_000  # larger samples count as this one: 64 bits hold no more
_ROOT_BITS: Final = 16
_REST_BITS: Final = BITS - _ROOT_BITS
_STEP: Final = np.array(NODES, dtype=np.int64)


class Uncertainty(NamedTuple):
    """How sure the place of one ranked unit is.

    ``rank_from`` to ``rank_to`` holds the published rank, ``score_from`` to ``score_to`` the
    published score, rounded as it is. ``bottom_probability`` is that of being truly among the
    bottom N, None where the ranking has no bottom because too few units are ranked.
    """

    rank_from: int
    rank_to: int
    score_from: Decimal
    score_to: Decimal
    bottom_probability: Decimal | None


def rank_uncertainty(ranking: Ranking, scoring: Scoring) -> Mapping[str, Uncertainty]:
    """The uncertainty of every ranked unit, by code; others have none.

    ``scoring`` is the one that ``ranking`` was made under.
    """
    ranked = ranking.ranked
    if not ranked:
        return {}
    spreads = np.stack([_spread(entry, scoring) for entry in ranked])
    chances = Chances(spreads, scoring.bottom)
    best, worst = chances.ranks(_TAIL)
    listed = len(ranked) >= scoring.listed_from
    bottom = chances.at_the_bottom() if listed else None
    return {
        entry.unit.code: Uncertainty(
            rank_from=min(int(best[place]), entry.rank),
            rank_to=max(int(worst[place]), entry.rank),
            score_from=min(_score_at(spreads[place], -_QUANTILE, scoring), entry.score),
            score_to=max(_score_at(spreads[place], _QUANTILE, scoring), entry.score),
            bottom_probability=None
            if bottom is None
            else half_up(Fraction(int(bottom[place]), ONE), PROBABILITY_DECIMALS),
        )
        for place, entry in enumerate(ranked)
    }


def _spread(entry: RankedUnit, scoring: Scoring) -> Ints:
    """The unit's score at each of `NODES`, in parts of `POINT`, adjustments included."""
    rates = {code: _wilson(entry.sums[code]) for code in scoring.measured}
    total = np.full(len(NODES), int(entry.adjustment * POINT), dtype=np.int64)
    for code in scoring.codes:
        rate = _mean(rates, scoring.parts[code]) if code in scoring.parts else rates[code]
        if scoring.points:
            total += _points(rate, scoring.points[code])
        else:
            total += rate * _parts(scoring.weights[code]) >> BITS
    return np.maximum.accumulate(total)


def _wilson(sums: Sums) -> Ints:
    """The rate at each of `NODES`, in parts of `ONE`: Wilson's bound at that many deviations.

    With ``s`` of ``n`` at ``z``: (s + z²/2 + z √(s (n - s) / n + z²/4)) / (n + z²). At z = 0 it is
    the published rate, and a rate of 100 % has a lower side like any other. An order that counts
    in part, like 基本满意, spreads less than one that counts in full or not at all, of equal mean.
    """
    size = min(sums.denominator, _LARGEST)
    whole = sums.denominator * THOUSAND
    successes = Fraction(sums.numerator * size, whole)
    missing = size - successes
    # All times 2 * STEPS², so that z = step / STEPS leaves whole numbers.
    scale = 2 * STEPS * STEPS
    variance = 4 * STEPS * STEPS * successes * missing / size
    inside = int(variance * (1 << 2 * _ROOT_BITS >> _ROOT_BITS)) + (_STEP**2 << _ROOT_BITS)
    root = (np.sqrt(inside.astype(np.float64)) * (1 << _ROOT_BITS // 2)).astype(np.int64)
    bound = int(successes * scale * (1 << _ROOT_BITS)) + (_STEP**2 << _ROOT_BITS) + _STEP * root
    rate: Ints = (bound << _REST_BITS) // (scale * size + 2 * _STEP**2)
    return np.clip(rate, 0, ONE)


def _mean(rates: Mapping[str, Ints], parts: Mapping[str, int]) -> Ints:
    total = np.zeros(len(NODES), dtype=np.int64)
    for part, weight in parts.items():
        total += rates[part] * weight
    return total // sum(parts.values())


def _points(rate: Ints, threshold: Threshold) -> Ints:
    """As `services.domain.score` has it, in parts of `POINT` of a point and of a percentage."""
    percentage = rate * (PERCENT * POINT) >> BITS
    missing = np.maximum(_parts(threshold.threshold) - percentage, 0)
    points = _parts(threshold.maximum) - missing * _parts(threshold.per_point) // POINT
    return np.maximum(points, _parts(threshold.minimum))


def _parts(points: Fraction) -> int:
    return int(points * POINT)


def _score_at(spread: Ints, deviations: Fraction, scoring: Scoring) -> Decimal:
    """The score so many standard deviations away, between two nodes along a line."""
    place = (deviations - Fraction(NODES.start, STEPS)) * STEPS
    left = int(place)
    low, high = int(spread[left]), int(spread[left + 1])
    return half_up(Fraction(low + (high - low) * (place - left)) / POINT, scoring.decimals)
