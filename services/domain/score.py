"""Rates and scores: exact fractions, rounded half up, once, where the policy says (domain.md 2.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from schemas.records import ZERO, Sums
from services.domain.scorings import Scoring, Threshold

PERCENT: Final = 100
THOUSAND: Final = 1000
RATE_DECIMALS: Final = 2
"""Of a rate that is shown, where the policy rounds none."""

OwnSums = Mapping[str, Sums]
"""Of one unit, or of several pooled, by indicator or count."""


def rate(sums: Sums, decimals: int = RATE_DECIMALS) -> Decimal | None:
    """Percent, for display. None without a denominator: null is not zero."""
    if sums.denominator == 0:
        return None
    return _rounded(sums.numerator * PERCENT, sums.denominator * THOUSAND, decimals)


class Rated(NamedTuple):
    """What the sums of one unit come to under a scoring.

    ``rates`` of every indicator in percent, as published, of those with parts too. ``score``
    before adjustments and before it is rounded, None if an indicator of the score has no
    denominator. ``below_floor``: the indicators whose rate is below their floor (底线), compared as
    it enters the score; one without a rate is not.
    """

    rates: dict[str, Decimal | None]
    score: Fraction | None
    below_floor: tuple[str, ...]


def rated(sums: OwnSums, scoring: Scoring) -> Rated:
    """Rates, score and floors of one unit, or of several pooled."""
    entering = _entering(sums, scoring)
    decimals = RATE_DECIMALS if scoring.rate_decimals is None else scoring.rate_decimals
    return Rated(
        {
            code: None if value is None else _rounded(*value, decimals)
            for code, value in entering.items()
        },
        _score(entering, scoring),
        tuple(
            code
            for code, floor in scoring.floors.items()
            if (value := entering[code]) is not None and _is_less(value, floor)
        ),
    )


def rates(sums: OwnSums, scoring: Scoring) -> dict[str, Decimal | None]:
    """The rate of every indicator in percent, as published."""
    return rated(sums, scoring).rates


def score(sums: OwnSums, scoring: Scoring) -> Decimal | None:
    """The score without adjustments, as published."""
    raw = _score(_entering(sums, scoring), scoring)
    return None if raw is None else half_up(raw, scoring.decimals)


def samples(sums: OwnSums, scoring: Scoring) -> dict[str, int]:
    """How many orders stand behind each indicator of the score, or each part of one."""
    return {code: sums.get(code, ZERO).denominator for code in scoring.measured}


def valid_callback_rate(states: Mapping[str, int], scoring: Scoring) -> Decimal | None:
    """有效回访率: of the orders called back to an end, how many gave a valid answer, in percent.

    valid / (valid + unreachable), shown beside the rates because leaving out can be gamed.
    None without either, or where no indicator counts valid callbacks.
    """
    valid, unreachable = states.get("valid", 0), states.get("unreachable", 0)
    if not scoring.counts_callbacks or valid + unreachable == 0:
        return None
    return half_up(Fraction(valid * PERCENT, valid + unreachable), RATE_DECIMALS)


def half_up(value: Fraction, decimals: int) -> Decimal:
    """Round to so many decimals; a half goes away from zero."""
    return _rounded(value.numerator, value.denominator, decimals)


# A ratio that is not reduced: a Fraction would look for the common divisor at every step, and most
# of the time of a ranking would go there. The denominator is positive.
_Ratio = tuple[int, int]


def _entering(sums: OwnSums, scoring: Scoring) -> dict[str, _Ratio | None]:
    """The rate of every indicator in percent, as it enters the score.

    Rounded under ``rate_decimals``, otherwise exact. That of an indicator with parts is the mean
    of theirs by weight, and None unless all of them have one.
    """
    found: dict[str, _Ratio | None] = {}
    for code in scoring.indicators:
        if code not in scoring.parts:
            denominator, numerator = sums.get(code, ZERO)
            found[code] = (
                _entered((numerator * PERCENT, denominator * THOUSAND), scoring)
                if denominator
                else None
            )
    for code, parts in scoring.parts.items():
        found[code] = _mean([(found[part], weight) for part, weight in parts.items()], scoring)
    return {code: found[code] for code in scoring.indicators}


def _mean(parts: Sequence[tuple[_Ratio | None, int]], scoring: Scoring) -> _Ratio | None:
    total, weights = (0, 1), 0
    for value, weight in parts:
        if value is None:
            return None
        total = _plus(total, (value[0] * weight, value[1]))
        weights += weight
    return _entered((total[0], total[1] * weights), scoring)


def _entered(value: _Ratio, scoring: Scoring) -> _Ratio:
    decimals = scoring.rate_decimals
    return value if decimals is None else _scaled(value, decimals)


def _score(entering: Mapping[str, _Ratio | None], scoring: Scoring) -> Fraction | None:
    total = (0, 1)
    for code in scoring.codes:
        value = entering[code]
        if value is None:
            return None
        if scoring.points:
            points = _points(value, scoring.points[code])
        else:
            weight = scoring.weights[code]
            points = (value[0] * weight.numerator, value[1] * weight.denominator * PERCENT)
        if scoring.point_decimals is not None:
            points = _scaled(points, scoring.point_decimals)
        total = _plus(total, points)
    return Fraction(*total)


def _points(value: _Ratio, threshold: Threshold) -> _Ratio:
    missing = max(threshold.threshold - Fraction(*value), _NOTHING)
    points = max(threshold.maximum - missing * threshold.per_point, threshold.minimum)
    return points.numerator, points.denominator


_NOTHING: Final = Fraction(0)


def _is_less(value: _Ratio, limit: Decimal) -> bool:
    numerator, denominator = limit.as_integer_ratio()
    return value[0] * denominator < numerator * value[1]


def _plus(one: _Ratio, other: _Ratio) -> _Ratio:
    if one[1] == other[1]:
        return one[0] + other[0], one[1]
    return one[0] * other[1] + other[0] * one[1], one[1] * other[1]


def _scaled(value: _Ratio, decimals: int) -> _Ratio:
    """Rounded to so many decimals."""
    unit: int = 10**decimals
    return _nearest(*value, unit), unit


def _rounded(numerator: int, denominator: int, decimals: int) -> Decimal:
    return Decimal(_nearest(numerator, denominator, 10**decimals)).scaleb(-decimals)


def _nearest(numerator: int, denominator: int, units: int) -> int:
    """The ratio in so many parts of one, to the nearest; a half goes away from zero."""
    size = (2 * abs(numerator) * units + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size
