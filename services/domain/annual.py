"""The year's score: a formula over frozen monthly scores (domain.md 2.2 and 4.7).

It stands apart from the pooled rates of the year.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from schemas.policy.scores import Annual
from services.domain.score import PERCENT, half_up


def annual_score(
    monthly: Sequence[Decimal], others: Mapping[str, Decimal], annual: Annual
) -> Decimal | None:
    """The mean of the monthly scores and the other results, each by its share, rounded half up.

    ``monthly`` are the frozen, published scores of the year's cycles in which the unit was
    ranked; a cycle without a score is left out, it is not a zero. ``others`` are out of 100. None
    without any monthly score, or while one of the other results is missing.

    Raises:
        ValueError: a result that the formula does not name.
    """
    if set(others) - set(annual.others):
        raise ValueError("the annual formula does not name this result")
    if not monthly or set(annual.others) - set(others):
        return None
    total = Fraction(annual.monthly_share) * sum(map(Fraction, monthly)) / len(monthly)
    total += sum(Fraction(share) * Fraction(others[code]) for code, share in annual.others.items())
    return half_up(total / PERCENT, annual.decimals)
