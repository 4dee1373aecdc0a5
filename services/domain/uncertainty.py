"""How sure each place of a ranking is: its score, its rank, and whether it is truly at the bottom.

The method, its assumptions, sources and limits are docs/uncertainty.md. In short: the true rate of
an indicator is spread as Wilson's score interval says, taken at every level at once; the rates of
one unit move together, more than which no sample can spread a score; the score of such rates is
that of the scoring. Places are compared after the scores are drawn towards the list's mean as far
as chance explains their differences. Adjustments are certain; units are independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import isqrt
from typing import Final, NamedTuple

import numpy as np

from schemas.records import Sums
from services.domain.rank_chances import BITS, NODES, ONE, POINT, STEPS, Chances, Ints
from services.domain.ranking import RankedUnit, Ranking
from services.domain.score import PERCENT, THOUSAND
from services.domain.scorings import Scoring, Threshold

METHOD: Final = "wilson-empirical-bayes-1"
"""Name and number of the method; another number whenever the same sums may give another answer."""
LEVEL: Final = Decimal("0.95")
"""Of the intervals; on either side lies half of the rest."""
PROBABILITY_DECIMALS: Final = 4

_TAIL: Final = int((1 - LEVEL) / 2 * ONE)
_MILLION: Final = 1_000_000
_QUANTILE: Final = 1_959_964  # of the normal distribution at the level, in millionths
_LARGEST: Final = 10_000_000  # larger samples count as this one: 64 bits hold no more
_FEWEST: Final = 3  # units that say anything of how far true scores lie apart
_WEIGHT_BITS: Final = 96
_ROOT_BITS: Final = 16
_REST_BITS: Final = BITS - _ROOT_BITS
_MIDDLE: Final = len(NODES) // 2
_STEP: Final = np.array(NODES, dtype=np.int64)
_NOTHING: Final = np.zeros(1, dtype=np.int64)


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

    ``scoring`` is the one that ``ranking`` was made under. 343 units take some 25 ms.
    """
    ranked = ranking.ranked
    if not ranked:
        return {}
    given = np.array([[int(entry.adjustment * POINT)] for entry in ranked], dtype=np.int64)
    own = _spreads(ranked, scoring)
    chances = Chances(drawn_together(own) + given, scoring.bottom)
    best, worst = chances.ranks(_TAIL)
    listed = len(ranked) >= scoring.listed_from
    bottom = chances.at_the_bottom() if listed else None
    low, high = _at(own + given, -_QUANTILE), _at(own + given, _QUANTILE)
    return {
        entry.unit.code: Uncertainty(
            rank_from=min(int(best[place]), entry.rank),
            rank_to=max(int(worst[place]), entry.rank),
            score_from=min(_decimal(low[place], POINT, scoring.decimals), entry.score),
            score_to=max(_decimal(high[place], POINT, scoring.decimals), entry.score),
            bottom_probability=None
            if bottom is None
            else _decimal(bottom[place], ONE, PROBABILITY_DECIMALS),
        )
        for place, entry in enumerate(ranked)
    }


def _spreads(ranked: Sequence[RankedUnit], scoring: Scoring) -> Ints:
    """By unit: its score at each of `NODES`, in parts of `POINT`, without adjustments."""
    rates = {code: wilson([entry.sums[code] for entry in ranked]) for code in scoring.measured}
    total = np.zeros((len(ranked), len(NODES)), dtype=np.int64)
    for code in scoring.codes:
        rate = _mean(rates, scoring.parts[code]) if code in scoring.parts else rates[code]
        if scoring.points:
            total += _points(rate, scoring.points[code])
        else:
            total += rate * _parts(scoring.weights[code]) >> BITS
    found: Ints = np.maximum.accumulate(total, axis=1)
    return found


def wilson(sums: Sequence[Sums]) -> Ints:
    """By unit: the rate at each of `NODES`, in parts of `ONE`: Wilson's bound so many deviations off.

    With ``s`` of ``n`` at ``z``: (s + z²/2 + z √(s (n - s) / n + z²/4)) / (n + z²). At z = 0 it is
    the published rate, and a rate of 100 % has a lower side like any other. An order that counts
    in part, like 基本满意, spreads less than one that counts in full or not at all, of equal mean.
    """
    # All times 2 * STEPS², so that z = step / STEPS leaves whole numbers.
    scale = 2 * STEPS * STEPS
    sizes, successes, variances = [], [], []
    for denominator, numerator in sums:
        size, whole = min(denominator, _LARGEST), denominator * THOUSAND
        missing = max(whole - numerator, 0)
        sizes.append(size)
        successes.append((numerator * size * scale << _ROOT_BITS) // whole)
        variances.append((2 * scale * numerator * missing * size << _ROOT_BITS) // whole**2)
    inside = _column(variances) + (_STEP**2 << _ROOT_BITS)
    root = (np.sqrt(inside.astype(np.float64)) * (1 << _ROOT_BITS // 2)).astype(np.int64)
    bound = _column(successes) + (_STEP**2 << _ROOT_BITS) + _STEP * root
    rates: Ints = (bound << _REST_BITS) // (scale * _column(sizes) + 2 * _STEP**2)
    return np.minimum(np.maximum(rates, 0), ONE)


def drawn_together(spreads: Ints) -> Ints:
    """Scores drawn towards their mean, each by how much of its distance chance explains.

    Empirical Bayes under a normal model of the true scores: a unit with variance ``v`` in a list
    with variance ``t`` between true scores keeps t / (t + v) of its distance, and the square root
    of that of its own spread.
    """
    count = len(spreads)
    if count < _FEWEST:
        return spreads
    centres = spreads[:, _MIDDLE]
    variances = ((spreads[:, _MIDDLE + STEPS] - spreads[:, _MIDDLE - STEPS]) // 2) ** 2
    mean, between = _mean_and_variance(
        [int(centre) for centre in centres], [int(variance) for variance in variances]
    )
    kept = _column([(between << BITS) // (between + int(each)) for each in variances])
    narrowed = _column([isqrt(int(each[0]) << BITS) for each in kept])
    centre = centres[:, None]
    found: Ints = mean + (kept * (centre - mean) >> BITS) + (narrowed * (spreads - centre) >> BITS)
    return found


def _mean_and_variance(centres: Sequence[int], variances: Sequence[int]) -> tuple[int, int]:
    """Of the true scores: the two-step moment estimates of DerSimonian and Kacker (2007).

    The variance is at least a hundredth of what chance adds, so that units which nothing tells
    apart may stand anywhere.
    """
    count = len(centres)
    total, noise = sum(centres), sum(variances)
    least = noise // (100 * count) + 1
    squares = sum((count * centre - total) ** 2 for centre in centres) // count**2
    first = max(squares // (count - 1) - noise // count, least)
    weights = [(1 << _WEIGHT_BITS) // (first + variance) for variance in variances]
    whole = sum(weights)
    mean = sum(w * centre for w, centre in zip(weights, centres, strict=True)) // whole
    apart = sum(w * (centre - mean) ** 2 for w, centre in zip(weights, centres, strict=True))
    square = sum(w * w for w in weights)
    expected = sum(
        w * (whole - w) * variance for w, variance in zip(weights, variances, strict=True)
    )
    second = (apart * whole - expected) // (whole * whole - square)
    return mean, max(second, least)


def _mean(rates: Mapping[str, Ints], parts: Mapping[str, int]) -> Ints:
    """Of an indicator with parts."""
    total = sum((rates[part] * weight for part, weight in parts.items()), start=_NOTHING)
    mean: Ints = total // sum(parts.values())
    return mean


def _points(rate: Ints, threshold: Threshold) -> Ints:
    """As `services.domain.score` has it, in parts of `POINT` of a point and of a percentage."""
    percentage = rate * (PERCENT * POINT) >> BITS
    missing = np.maximum(_parts(threshold.threshold) - percentage, 0)
    points = _parts(threshold.maximum) - missing * _parts(threshold.per_point) // POINT
    found: Ints = np.maximum(points, _parts(threshold.minimum))
    return found


def _at(spreads: Ints, deviations: int) -> list[int]:
    """The scores so many millionths of a standard deviation away, between two nodes on a line."""
    left, rest = divmod(deviations * STEPS, _MILLION)
    low, high = spreads[:, _MIDDLE + left], spreads[:, _MIDDLE + left + 1]
    return [int(each) for each in low + (high - low) * rest // _MILLION]


def _parts(points: Fraction) -> int:
    return int(points * POINT)


def _column(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)[:, None]


def _decimal(value: int, whole: int, decimals: int) -> Decimal:
    exact = Decimal(int(value)) / whole
    return exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
