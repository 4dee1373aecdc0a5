"""Rates and scores: exact fractions, rounded half up, once, where the policy says (domain.md 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

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
    return half_up(_percent(sums), decimals)


def rates(sums: OwnSums, scoring: Scoring) -> dict[str, Decimal | None]:
    """The rate of every indicator in percent, as published: of those with parts too."""
    decimals = RATE_DECIMALS if scoring.rate_decimals is None else scoring.rate_decimals
    found: dict[str, Decimal | None] = {}
    for code in scoring.indicators:
        value = exact_rate(code, sums, scoring)
        found[code] = None if value is None else half_up(value, decimals)
    return found


def exact_rate(code: str, sums: OwnSums, scoring: Scoring) -> Fraction | None:
    """The rate of an indicator in percent, as it enters the score.

    Rounded under ``rate_decimals``, otherwise exact. That of an indicator with parts is the mean
    of theirs by weight, and None unless all of them have one.
    """
    parts = scoring.parts.get(code)
    if parts is None:
        own = sums.get(code, ZERO)
        return _entering(_percent(own), scoring) if own.denominator else None
    total = Fraction(0)
    for part, weight in parts.items():
        value = exact_rate(part, sums, scoring)
        if value is None:
            return None
        total += weight * value
    return _entering(total / sum(parts.values()), scoring)


def raw_score(sums: OwnSums, scoring: Scoring) -> Fraction | None:
    """The score before adjustments and before it is rounded.

    None if an indicator of the score has no denominator.
    """
    total = Fraction(0)
    for code in scoring.codes:
        value = exact_rate(code, sums, scoring)
        if value is None:
            return None
        if scoring.points:
            points = _points(value, scoring.points[code])
        else:
            points = scoring.weights[code] * value / PERCENT
        decimals = scoring.point_decimals
        total += points if decimals is None else Fraction(half_up(points, decimals))
    return total


def score(sums: OwnSums, scoring: Scoring) -> Decimal | None:
    """The score without adjustments, as published."""
    raw = raw_score(sums, scoring)
    return None if raw is None else half_up(raw, scoring.decimals)


def samples(sums: OwnSums, scoring: Scoring) -> dict[str, int]:
    """How many orders stand behind each indicator of the score, or each part of one."""
    return {code: sums.get(code, ZERO).denominator for code in scoring.measured}


def below_floor(sums: OwnSums, scoring: Scoring) -> tuple[str, ...]:
    """The indicators whose rate is below their floor (底线); one without a rate is not.

    The rate is compared as it would enter the score.
    """
    return tuple(
        code
        for code, floor in scoring.floors.items()
        if (value := exact_rate(code, sums, scoring)) is not None and value < Fraction(floor)
    )


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
    # On the integers: Fraction's own arithmetic reduces every step.
    numerator, denominator = abs(value.numerator) * 10**decimals, value.denominator
    rounded = (2 * numerator + denominator) // (2 * denominator)
    return Decimal(rounded if value >= 0 else -rounded).scaleb(-decimals)


def _percent(sums: Sums) -> Fraction:
    return Fraction(sums.numerator * PERCENT, sums.denominator * THOUSAND)


def _entering(value: Fraction, scoring: Scoring) -> Fraction:
    decimals = scoring.rate_decimals
    return value if decimals is None else Fraction(half_up(value, decimals))


def _points(value: Fraction, threshold: Threshold) -> Fraction:
    missing = max(threshold.threshold - value, Fraction(0))
    return max(threshold.maximum - missing * threshold.per_point, threshold.minimum)
