from __future__ import annotations

from decimal import Decimal

import pytest

from schemas.policy.scores import Annual
from services.domain.annual import annual_score

JUNGAR = Annual(monthly_share=Decimal(50), others={"inspection": Decimal(50)}, decimals=2)
ALONE = Annual(monthly_share=Decimal(100), decimals=1)


def test_monthly_results_count_half_in_jungar() -> None:
    """Domain.md 2.2."""
    months = [Decimal("80.10"), Decimal("90.05"), Decimal(85)]
    found = annual_score(months, {"inspection": Decimal("92.5")}, JUNGAR)
    assert str(found) == "88.78"  # 85.05 by 0.5 and 92.5 by 0.5 are 88.775


def test_the_mean_is_of_the_scores_there_are() -> None:
    assert annual_score([Decimal("70.1"), Decimal("70.2")], {}, ALONE) == Decimal("70.2")
    assert annual_score([Decimal(0)], {}, ALONE) == Decimal("0.0")


def test_there_is_no_score_without_months_or_with_a_result_missing() -> None:
    assert annual_score([], {"inspection": Decimal(90)}, JUNGAR) is None
    assert annual_score([Decimal(90)], {}, JUNGAR) is None


def test_a_result_that_the_formula_does_not_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not name"):
        annual_score([Decimal(90)], {"other": Decimal(90)}, ALONE)
