"""A unit beside itself in an earlier window, by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from schemas.records import Sums, Unit
from services.domain.changes import RateChange, changes
from services.domain.policy import load_policy, preset
from services.domain.ranking import Ranking, figures_of, rank

POLICY: Final = load_policy(preset("beijing-district"))
SCORING: Final = POLICY.versions[-1].scorings.of("street")
ONE: Final = Unit("110101001", "甲街道", "street")
OTHER: Final = Unit("110101002", "乙街道", "street")


def sums(unit: Unit, valid: int, solved: int, volume: int) -> dict[tuple[str, str], Sums]:
    """All contacted, and those whose matter was solved are satisfied."""
    return {
        (unit.code, "response"): Sums(valid, valid * 1000),
        (unit.code, "resolution"): Sums(valid, solved * 1000),
        (unit.code, "satisfaction"): Sums(valid, solved * 1000),
        (unit.code, "volume"): Sums(volume, 0),
    }


def ranking(*of_units: dict[tuple[str, str], Sums]) -> Ranking:
    pooled = {key: value for each in of_units for key, value in each.items()}
    return rank((ONE, OTHER), pooled, SCORING)


def test_rank_score_rates_and_volume_beside_those_then() -> None:
    then = ranking(sums(ONE, 20, 10, 30), sums(OTHER, 20, 15, 20))
    now = ranking(sums(ONE, 40, 32, 40), sums(OTHER, 30, 15, 30))
    risen, fallen = (
        changes(entry, next(each for each in then.ranked if each.unit == entry.unit))
        for entry in now.ranked
    )
    # 10 + 0.9 x 50 = 55.0 then, 10 + 0.9 x 80 = 82.0 now.
    assert (risen.rank, risen.rank_change) == (2, 1)
    assert (risen.score, risen.score_change) == (Decimal("55.0"), Decimal("27.0"))
    assert (risen.volume, risen.volume_change) == (30, Decimal("33.33"))
    assert risen.rates["resolution"] == RateChange(Decimal("50.00"), Decimal("30.00"))
    assert risen.rates["response"] == RateChange(Decimal("100.00"), Decimal("0.00"))
    assert (fallen.rank_change, fallen.score_change) == (-1, Decimal("-22.5"))
    assert fallen.volume_change == Decimal("50.00")


def test_what_was_missing_then_has_no_change() -> None:
    then = ranking(sums(OTHER, 20, 15, 20))
    now = ranking(sums(ONE, 40, 32, 40), sums(OTHER, 30, 15, 30))
    found = changes(now.ranked[0], then.unranked[0])
    assert (found.rank, found.rank_change, found.score, found.score_change) == (None,) * 4
    assert (found.volume, found.volume_change) == (0, None)
    assert found.rates["resolution"] == RateChange(None, None)


def test_what_is_missing_now_has_no_change() -> None:
    then = ranking(sums(ONE, 20, 10, 30))
    found = changes(ranking().unranked[0], then.ranked[0])
    assert (found.rank, found.rank_change) == (1, None)
    assert (found.score, found.score_change) == (Decimal("55.0"), None)
    assert (found.volume, found.volume_change) == (30, Decimal("-100.00"))
    assert found.rates["resolution"] == RateChange(Decimal("50.00"), None)


def test_an_indicator_that_the_version_then_did_not_have_has_no_rate_then() -> None:
    now = figures_of({"resolution": Sums(10, 5000)}, SCORING)
    found = changes(now, now._replace(rates={}))
    assert found.rates["resolution"] == RateChange(None, None)
    assert found.volume_change is None
