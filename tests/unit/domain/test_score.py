from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Sums
from services.domain.policy import load_policy, preset
from services.domain.score import half_up, rate, sample, score, valid_callback_rate

BEIJING = load_policy(preset("beijing-district"))


def three(
    valid: int, contacted: int, solved: int, satisfied: int, basically: int
) -> dict[str, Sums]:
    return {
        "response": Sums(valid, 1000 * contacted),
        "resolution": Sums(valid, 1000 * solved),
        "satisfaction": Sums(valid, 1000 * satisfied + 900 * basically),
    }


def test_the_rounding_example() -> None:
    """Domain.md 2.6: rounding the rates first would give 72.9."""
    assert score(three(73, 73, 36, 67, 3), BEIJING) == Decimal("72.8")


def test_the_first_worked_example() -> None:
    sums = three(2, 2, 2, 1, 1)
    assert rate(sums["satisfaction"]) == Decimal("95.00")
    assert score(sums, BEIJING) == Decimal("98.0")


def test_null_is_not_zero() -> None:
    assert rate(Sums(0, 0)) is None
    assert rate(Sums(3, 0)) == Decimal("0.00")
    assert score({}, BEIJING) is None
    assert score(three(0, 0, 0, 0, 0), BEIJING) is None
    assert score(three(3, 0, 0, 0, 0), BEIJING) == Decimal("0.0")
    assert score(three(3, 3, 3, 3, 0) | {"satisfaction": Sums(0, 0)}, BEIJING) is None


def test_rates_are_shown_to_two_decimals() -> None:
    assert str(rate(Sums(7, 6000))) == "85.71"
    assert str(rate(Sums(1, 1000))) == "100.00"


@pytest.mark.parametrize(
    ("value", "decimals", "wanted"),
    [
        (Fraction(145, 1000), 2, "0.15"),
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


def test_the_sample_counts_orders_excluded_from_one_indicator_only() -> None:
    sums = three(10, 10, 10, 9, 0) | {"satisfaction": Sums(9, 9000)}
    assert sample(sums, BEIJING) == 10
    assert sample({}, BEIJING) == 0


def test_the_valid_callback_rate_stands_on_orders_called_to_an_end() -> None:
    states = {"valid": 2, "unreachable": 1, "callback_pending": 7}
    assert valid_callback_rate(states, BEIJING) == Decimal("66.67")
    assert valid_callback_rate({"callback_pending": 7}, BEIJING) is None
    assert valid_callback_rate(states, load_policy(preset("on-time"))) is None
