"""Rates and scores: exact fractions, rounded half up, once, where the policy says."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from schemas.records import Sums
from services.domain.policy import Policy

PERCENT: Final = 100
THOUSAND: Final = 1000
RATE_DECIMALS: Final = 2


def rate(sums: Sums) -> Decimal | None:
    """Percent to 2 decimals, for display. None without a denominator: null is not zero."""
    if sums.denominator == 0:
        return None
    return half_up(Fraction(sums.numerator * PERCENT, sums.denominator * THOUSAND), RATE_DECIMALS)


def score(sums: Mapping[str, Sums], policy: Policy) -> Decimal | None:
    """The composite score out of 100, from sums by indicator.

    Rates enter it unrounded. None if an indicator with a weight has no denominator.
    """
    total = Fraction(0)
    for indicator in policy.weighted:
        found = sums.get(indicator.code)
        if found is None or found.denominator == 0:
            return None
        total += Fraction(indicator.weight * found.numerator, found.denominator * THOUSAND)
    return half_up(total, policy.decimals)


def sample(sums: Mapping[str, Sums], policy: Policy) -> int:
    """How many orders stand behind the score: its largest denominator.

    Denominators of one policy differ only by orders excluded from a single indicator.
    """
    return max(
        (sums[i.code].denominator for i in policy.weighted if i.code in sums),
        default=0,
    )


def valid_callback_rate(states: Mapping[str, int], policy: Policy) -> Decimal | None:
    """有效回访率: of the orders called back to an end, how many gave a valid answer, in percent.

    valid / (valid + unreachable), shown beside the rates because leaving out can be gamed.
    None without either, or where the rates do not come from callbacks.
    """
    valid, unreachable = states.get("valid", 0), states.get("unreachable", 0)
    if not policy.counts_callbacks or valid + unreachable == 0:
        return None
    return half_up(Fraction(valid * PERCENT, valid + unreachable), RATE_DECIMALS)


def half_up(value: Fraction, decimals: int) -> Decimal:
    """Round to so many decimals; a half goes away from zero."""
    # On the integers: Fraction's own arithmetic reduces every step.
    numerator, denominator = abs(value.numerator) * 10**decimals, value.denominator
    rounded = (2 * numerator + denominator) // (2 * denominator)
    return Decimal(rounded if value >= 0 else -rounded).scaleb(-decimals)
