from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Sums
from services.domain.score import (
    half_up,
    rate,
    rated,
    rates,
    samples,
    score,
    valid_callback_rate,
)
from services.domain.scorings import Scoring
from tests.support.rules import BEIJING_SCORE, measured, parted, scoring

BEIJING: Final = scoring(BEIJING_SCORE)
LIANYUNGANG: Final[dict[str, Any]] = {
    "points": {
        "sign_off": {"maximum": 10, "threshold": 95, "per_point": 1},
        "on_time": {"maximum": 20, "threshold": 95, "per_point": 1},
        "satisfaction": {
            "maximum": 25,
            "threshold": 95,
            "per_point": Decimal("0.5"),
            "minimum": Decimal("12.5"),
        },
        "supervision": {"maximum": 45, "threshold": 100, "per_point": 1},
    },
    "decimals": 2,
    "rate_decimals": 2,
}


def three(
    valid: int, contacted: int, solved: int, satisfied: int, basically: int
) -> dict[str, Sums]:
    return {
        "response": Sums(valid, 1000 * contacted),
        "resolution": Sums(valid, 1000 * solved),
        "satisfaction": Sums(valid, 1000 * satisfied + 900 * basically),
    }


def of(**counted: tuple[int, int]) -> dict[str, Sums]:
    """Sums of indicators, each (numerator, denominator) in whole orders."""
    return {code: Sums(count, 1000 * good) for code, (good, count) in counted.items()}


def points_of(code: str, good: int, count: int, **threshold: Any) -> Decimal | None:
    """The points of one indicator of Lianyungang, standing alone."""
    points = LIANYUNGANG["points"][code] | threshold
    alone = scoring(LIANYUNGANG | {"points": {code: points}, "total": points["maximum"]})
    return score(of(**{code: (good, count)}), alone)


def test_the_rounding_example() -> None:
    """Domain.md 2.6: rounding the rates first would give 72.9."""
    sums = three(73, 73, 36, 67, 3)
    assert score(sums, BEIJING) == Decimal("72.8")
    assert score(sums, scoring(BEIJING_SCORE | {"rate_decimals": 2})) == Decimal("72.9")


def test_the_first_worked_example() -> None:
    sums = three(2, 2, 2, 1, 1)
    assert rates(sums, BEIJING)["satisfaction"] == Decimal("95.00")
    assert score(sums, BEIJING) == Decimal("98.0")


def test_the_third_worked_example() -> None:
    """Contacted, not solved, not satisfied: only the response counts."""
    assert score(three(1, 1, 0, 0, 0), BEIJING) == Decimal("10.0")


def test_the_bulletin_of_lianyungang() -> None:
    """Domain.md 2.6: 78.04 from rounded rates; rounding late gives 78.05."""
    sums = of(sign_off=(31, 35), on_time=(34, 38), satisfaction=(26, 26), supervision=(27, 30))
    assert score(sums, scoring(LIANYUNGANG)) == Decimal("78.04")
    late = {key: value for key, value in LIANYUNGANG.items() if key != "rate_decimals"}
    assert score(sums, scoring(late)) == Decimal("78.05")


def test_points_of_lianyungang_in_july_2021() -> None:
    """Domain.md 7.6: 80 % on time are 5 of 20 points, 85.71 % signed in time 0.71 of 10."""
    assert points_of("on_time", 4, 5) == Decimal("5.00")
    assert points_of("sign_off", 6, 7) == Decimal("0.71")


@pytest.mark.parametrize(
    ("good", "threshold", "wanted"),
    [
        (95, 95, "25.00"),
        (95, 98, "23.50"),
        (90, 95, "22.50"),
        (60, 95, "12.50"),
        (100, 98, "25.00"),
    ],
)
def test_satisfaction_of_lianyungang_before_and_after_august_2022(
    good: int, threshold: int, wanted: str
) -> None:
    found = points_of("satisfaction", good, 100, threshold=threshold)
    assert found == Decimal(wanted)


def test_points_never_fall_below_their_minimum() -> None:
    assert points_of("on_time", 0, 5) == Decimal("0.00")


def test_fengcheng_counts_what_was_closed() -> None:
    """Domain.md 2.4: 3656 received, 200 not yet due, 3112 solved of 3456 closed."""
    assert rate(Sums(3656 - 200, 3112 * 1000)) == Decimal("90.05")


JUNGAR: Final = scoring(
    {"weights": {"response": 30, "resolution": 35, "satisfaction": 35}, "decimals": 2},
    indicators={
        "signed": measured(),
        "contacted": measured(),
        "evidence": measured(floor=80),
        "response": parted(signed=10, contacted=10, evidence=10),
        "resolution": measured(),
        "satisfaction": measured(),
    },
)


def test_jungar_has_a_response_of_three_parts() -> None:
    """Domain.md 2.2: three parts of 10 points each; denominators differ."""
    sums = of(
        signed=(10, 10), contacted=(9, 10), evidence=(2, 4), resolution=(1, 2), satisfaction=(2, 2)
    )
    assert rates(sums, JUNGAR) == {
        "signed": Decimal("100.00"),
        "contacted": Decimal("90.00"),
        "evidence": Decimal("50.00"),
        "response": Decimal("80.00"),
        "resolution": Decimal("50.00"),
        "satisfaction": Decimal("100.00"),
    }
    assert score(sums, JUNGAR) == Decimal("76.50")
    assert samples(sums, JUNGAR) == {
        "signed": 10, "contacted": 10, "evidence": 4, "resolution": 2, "satisfaction": 2,
    }  # fmt: skip


def test_a_part_without_orders_leaves_no_rate_and_no_score() -> None:
    sums = of(signed=(10, 10), contacted=(9, 10), resolution=(1, 2), satisfaction=(2, 2))
    assert rates(sums, JUNGAR)["response"] is None
    assert score(sums, JUNGAR) is None
    assert samples(sums, JUNGAR)["evidence"] == 0


def test_parts_are_rounded_before_their_mean_where_rates_are() -> None:
    rules = {"weights": {"both": 100}, "decimals": 4}
    indicators = {"one": measured(), "other": measured(), "both": parted(one=1, other=2)}
    sums = of(one=(1, 3), other=(1, 6))
    assert score(sums, scoring(rules, indicators=indicators)) == Decimal("22.2222")
    # 33 and 17 by the weights 1 and 2 are 22.33, which is rounded in its turn.
    rounded = scoring(rules | {"rate_decimals": 0}, indicators=indicators)
    assert rates(sums, rounded)["both"] == Decimal(22)
    assert score(sums, rounded) == Decimal("22.0000")


def test_points_of_each_indicator_may_be_rounded() -> None:
    weights = {"weights": {"one": 50, "other": 50}, "decimals": 2}
    sums = of(one=(1, 3), other=(1, 3))
    assert score(sums, scoring(weights)) == Decimal("33.33")
    assert score(sums, scoring(weights | {"point_decimals": 1})) == Decimal("33.40")


def test_null_is_not_zero() -> None:
    assert rate(Sums(0, 0)) is None
    assert rate(Sums(3, 0)) == Decimal("0.00")
    assert score({}, BEIJING) is None
    assert score(three(0, 0, 0, 0, 0), BEIJING) is None
    assert score(three(3, 0, 0, 0, 0), BEIJING) == Decimal("0.0")
    assert score(three(3, 3, 3, 3, 0) | {"satisfaction": Sums(0, 0)}, BEIJING) is None
    assert score({}, scoring(LIANYUNGANG)) is None


def test_rates_are_shown_to_two_decimals_or_as_they_enter_the_score() -> None:
    assert str(rate(Sums(7, 6000))) == "85.71"
    assert str(rate(Sums(1, 1000))) == "100.00"
    one = {"weights": {"one": 100}, "decimals": 0, "rate_decimals": 1}
    assert str(rates(of(one=(6, 7)), scoring(one))["one"]) == "85.7"


def _with_floor(floor: str, **score_rules: Any) -> Scoring:
    rules: dict[str, Any] = {"weights": {"one": 100}, "decimals": 0} | score_rules
    return scoring(rules, indicators={"one": measured(floor=Decimal(floor)), "two": measured()})


def test_a_rate_below_its_floor_is_flagged_and_an_unknown_one_is_not() -> None:
    floor = _with_floor("85.71")
    assert rated(of(one=(6, 7)), floor).below_floor == ()
    assert rated(of(one=(5, 7)), floor).below_floor == ("one",)
    assert rated(of(two=(0, 7)), floor).below_floor == ()
    assert (
        rated(of(one=(5, 7)), scoring({"weights": {"one": 100}, "decimals": 0})).below_floor == ()
    )


def test_a_floor_is_held_against_the_rate_that_enters_the_score() -> None:
    sums = of(one=(899_996, 1_000_000))  # 89.9996 %
    assert rated(sums, _with_floor("90")).below_floor == ("one",)
    assert rated(sums, _with_floor("90", rate_decimals=2)).below_floor == ()


@pytest.mark.parametrize(
    ("value", "decimals", "wanted"),
    [
        (Fraction(145, 1000), 2, "0.15"),
        (Fraction(1005, 1000), 2, "1.01"),  # a binary float gives 1.0
        (Fraction(1449, 10000), 2, "0.14"),
        (Fraction(5, 10), 0, "1"),
        (Fraction(-5, 10), 0, "-1"),
        (Fraction(-14, 100), 1, "-0.1"),
        (Fraction(72), 1, "72.0"),
    ],
)
def test_half_up(value: Fraction, decimals: int, wanted: str) -> None:
    assert str(half_up(value, decimals)) == wanted


@given(st.fractions(min_value=-1000, max_value=1000), st.integers(0, 4))
def test_rounding_moves_a_value_by_half_a_unit_at_most(value: Fraction, decimals: int) -> None:
    assert abs(Fraction(half_up(value, decimals)) - value) <= Fraction(1, 2 * 10**decimals)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=4, max_size=4),
    st.none() | st.integers(0, 4),
)
def test_points_lie_between_their_minima_and_the_total(
    counted: list[tuple[int, int]], rate_decimals: int | None
) -> None:
    rules = scoring(LIANYUNGANG | {"rate_decimals": rate_decimals})
    sums = of(
        **{
            code: (min(good, count), count)
            for code, (good, count) in zip(LIANYUNGANG["points"], counted, strict=True)
        }
    )
    raw = rated(sums, rules).score
    assert raw is not None
    assert Fraction(25, 2) <= raw <= 100


def test_the_valid_callback_rate_stands_on_orders_called_to_an_end() -> None:
    states = {"valid": 2, "unreachable": 1, "callback_pending": 7}
    assert valid_callback_rate(states, BEIJING) == Decimal("66.67")
    assert valid_callback_rate({"callback_pending": 7}, BEIJING) is None
    settled = measured("settled", numerator={
        "source": "resolve_time", "grades": {"in_time": 1000, "late": 0},
    })  # fmt: skip
    on_time = scoring({"weights": {"on_time": 100}}, indicators={"on_time": settled})
    assert valid_callback_rate(states, on_time) is None
