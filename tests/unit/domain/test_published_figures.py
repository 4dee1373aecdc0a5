"""Every published figure of the field rules (domain.md 2), from events to the score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from schemas.instants import DAY, HOUR, MINUTE
from schemas.records import Event, Sums, Unit
from services.domain.adjustments import Entry
from services.domain.annual import annual_score
from services.domain.policy import Policy, load_policy, preset
from services.domain.ranking import RankedUnit, rank_units
from services.domain.score import score
from services.domain.windows import Window, window
from tests.support.handled import A, order
from tests.support.orders import event, local, rated
from tests.support.sums import AllSums, of, sums_at

B = "110105003"
EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "special-indicator.yaml"


def sums_of(
    unit: str, orders: Iterable[Sequence[Event]], policy: Policy, within: Window | None = None
) -> dict[str, Sums]:
    return of(unit, sums_at(orders, policy, within=within))


def ranked(
    sums: AllSums, policy: Policy, within: Window, *units: Unit, **more: Any
) -> dict[str, RankedUnit]:
    rules = policy.at(within.ends_at - 1)
    listed = units or (Unit(A, "A", "street"), Unit(B, "B", "street"))
    ranking = rank_units(listed, sums, rules, "street", **more)
    return {entry.unit.code: entry for entry in ranking.ranked}


# --- Beijing: the bottom ten streets, the last district, department and company --------------


def test_beijing_calls_in_ten_streets_but_one_district() -> None:
    scorings = load_policy(preset("beijing-district")).versions[-1].scorings
    assert scorings.of("street").bottom == scorings.of("street", "core").bottom == 10
    assert [scorings.of(kind).bottom for kind in ("district", "department", "company")] == [1, 1, 1]
    assert dict(scorings.of("district").weights) == dict(scorings.top.weights)


# --- Fengcheng, May 2025 -----------------------------------------------------------------------


def test_fengcheng_counts_what_was_closed_and_carries_over_what_is_not_due() -> None:
    """3656 received, 200 not yet due, 3112 solved of 3456 closed = 90.05 %."""
    policy = load_policy(preset("fengcheng"))
    may, june = (window(policy, "cycle", f"2025-0{month}", 0) for month in (5, 6))
    orders = []
    for number in range(3456):
        start = local("2025-05-01 08:00") + number * 10 * MINUTE
        call = rated(start + 3 * DAY, solved="yes" if number < 3112 else "no", subject=f"o{number}")
        orders.append(order(f"o{number}", start, call, resolved=start + 2 * DAY))
    late = local("2025-05-28 08:00")
    orders += [
        order(f"l{number}", late + number * MINUTE, resolved=late + 5 * DAY)
        for number in range(200)
    ]
    at = may.ends_at
    sums = of(A, sums_at(orders, policy, at, within=may))
    assert sums == {
        "volume": Sums(3656, 0),
        "state:valid": Sums(3456, 0),
        "state:not_yet_due": Sums(200, 0),
        "open": Sums(200, 0),
        "resolution": Sums(3456, 3_112_000),
    }
    entry = ranked(sums_at(orders, policy, at, within=may), policy, may)[A]
    assert entry.rates == {"resolution": Decimal("90.05")}
    assert entry.score == Decimal("90.05")
    assert sums_of(A, orders, policy, may)["resolution"] == Sums(3456, 3_112_000)
    assert sums_of(A, orders, policy, june)["resolution"].denominator == 200


# --- Lianyungang: points, rounding, and a threshold that changed ------------------------------


def lianyungang_orders(month: str, satisfied: int, of_all: int = 10) -> list[list[Event]]:
    """Orders of the month's first days, all in time; so many satisfied."""
    start = local(f"{month}-03 09:00")
    return [
        order(
            f"{month}-{number}",
            start,
            rated(
                start + 6 * DAY,
                "satisfied" if number < satisfied else "dissatisfied",
                subject=f"{month}-{number}",
            ),
            signed=start + HOUR,
            resolved=start + DAY,
        )
        for number in range(of_all)
    ]


@pytest.mark.parametrize(
    ("preset_", "month", "satisfied", "wanted"),
    [
        ("lianyungang-2021", "2021-07", 9, "52.50"),  # 25 - 0.5 x 5
        ("lianyungang-2021", "2021-07", 0, "42.50"),  # never under 12.5
        ("lianyungang-2022", "2021-07", 9, "52.50"),
        ("lianyungang-2022", "2022-02", 9, "52.50"),
        ("lianyungang-2022", "2022-08", 9, "51.00"),  # 25 - 0.5 x 8
        ("lianyungang-2022", "2022-08", 10, "55.00"),
        ("lianyungang-2022", "2026-03", 9, "51.00"),
    ],
)
def test_lianyungang_satisfaction_counts_from_95_then_from_98(
    preset_: str, month: str, satisfied: int, wanted: str
) -> None:
    policy = load_policy(preset(preset_))
    cycle = window(policy, "cycle", month, 0)
    sums = sums_of(A, lianyungang_orders(month, satisfied), policy, cycle)
    assert score(sums, policy.at(cycle.ends_at - 1).scorings.of("street")) == Decimal(wanted)


@pytest.mark.parametrize(
    ("preset_", "month"), [("lianyungang-2021", "2022-03"), ("lianyungang-2022", "2022-05")]
)
def test_lianyungang_months_without_a_rule_are_in_the_volume_and_not_assessed(
    preset_: str, month: str
) -> None:
    policy = load_policy(preset(preset_))
    orders = lianyungang_orders(month, 9)
    sums = sums_of(A, orders, policy, window(policy, "cycle", month, 0))
    assert sums == {"volume": Sums(10, 0), "state:not_assessed": Sums(10, 0)}


def test_lianyungang_rounds_early_where_late_rounding_gives_a_hundredth_more() -> None:
    """78.04, not 78.05: 6 of 7 signed in time, 6 of 7 completed in time, all satisfied."""
    policy = load_policy(preset("lianyungang-2021"))
    july = window(policy, "cycle", "2021-07", 0)
    start = local("2021-07-05 09:00")
    orders = [
        order(
            f"o{number}",
            start,
            rated(start + 9 * DAY, subject=f"o{number}"),
            signed=start + (5 * DAY if number == 0 else HOUR),
            resolved=start + (8 * DAY if number == 1 else 3 * DAY),
        )
        for number in range(7)
    ]
    others = Entry(
        "a-1", "adjustment", A, "2021-07", Decimal("41.62"), "", "other_items", "office",
        july.ends_at, july.ends_at,
    )  # fmt: skip
    sums = sums_at(orders, policy, within=july)
    assert of(A, sums)["sign_in_time"] == of(A, sums)["on_time"] == Sums(7, 6000)
    entry = ranked(sums, policy, july, adjustments={A: [others]})[A]
    assert entry.score_before == Decimal("36.42")  # 0.71 + 10.71 + 25
    assert entry.score == Decimal("78.04")
    late = 2 * (Fraction(600, 7) - 95) + 10 + 20 + 25 + Fraction("41.62")
    assert Fraction("78.045") < late < Fraction("78.055")


# --- Jungar: a response of three parts, floors, special indicators, half of the year ----------


def jungar_orders() -> list[list[Event]]:
    """12 orders: 1 signed late, 2 contacted late, 3 without a photo, 3 not solved, 2 tagged."""
    start = local("2026-03-02 09:00")
    found = []
    for number in range(12):
        solved = "no" if number in (0, 4, 5) else "yes"
        found.append(
            order(
                f"o{number}",
                start,
                rated(start + 8 * DAY, solved=solved, subject=f"o{number}"),
                signed=start + (25 * HOUR if number == 0 else 24 * HOUR),
                contacted=start + (30 * HOUR if number in (1, 2) else 2 * HOUR),
                resolved=start + 7 * DAY,
                evidence=number > 2,
                tags=["适老化设施"] if number in (4, 6) else ["其他"],
            )
        )
    return found


def test_jungar_response_is_the_mean_of_three_parts_of_10_points() -> None:
    policy = load_policy(preset("jungar"))
    march = window(policy, "cycle", "2026-03", 0)
    sums = sums_at(jungar_orders(), policy, within=march)
    entry = ranked(sums, policy, march)[A]
    assert entry.sums["sign_in_time"] == Sums(12, 11_000)
    assert entry.sums["contact_feedback"] == Sums(12, 10_000)
    assert entry.sums["photo_evidence"] == Sums(12, 9_000)
    assert entry.rates["response"] == Decimal("83.33")  # (91.67 + 83.33 + 75.00) / 3
    # 30 x 0.8333 + 35 x 0.75 + 35 x 1
    assert entry.score == Decimal("86.25")


def test_jungar_floors_are_flagged_and_give_no_points() -> None:
    policy = load_policy(preset("jungar"))
    march = window(policy, "cycle", "2026-03", 0)
    orders = jungar_orders()
    entry = ranked(sums_at(orders, policy), policy, march)[A]
    assert entry.below_floor == ("sign_floor",)  # 11 of 12; all were completed on the 7th day
    orders[0][2] = event("signed", "2026-03-02 10:00", subject="o0", unit=A)
    assert ranked(sums_at(orders, policy), policy, march)[A].below_floor == ()


def test_jungar_special_indicators_count_their_own_orders_only() -> None:
    policy = load_policy(preset("jungar"))
    sums = sums_of(A, jungar_orders(), policy)
    assert sums["elderly_facilities"] == Sums(2, 1000)
    assert "legacy_problems" not in sums
    assert sums["resolution"] == Sums(12, 9000)


def test_jungar_months_are_half_of_the_year() -> None:
    annual = load_policy(preset("jungar")).versions[-1].document.annual
    assert annual is not None
    monthly = [Decimal("86.25"), Decimal("88.00"), Decimal("90.50")]
    # 0.5 x 88.25 + 0.5 x 91.5
    assert annual_score(monthly, {"year_end": Decimal("91.5")}, annual) == Decimal("89.88")
    assert annual_score(monthly, {}, annual) is None


# --- The example: a special indicator for one group of streets --------------------------------


def test_the_special_indicator_counts_only_its_group() -> None:
    policy = load_policy(EXAMPLE.read_text(encoding="utf-8"))
    cycle = window(policy, "cycle", "2026-07", 0)
    start = local("2026-06-22 09:00")
    orders = [
        order(
            f"{unit}-{number}",
            start,
            rated(start + DAY, solved="no" if number == 0 else "yes", subject=f"{unit}-{number}"),
            unit=unit,
            tags=["适老化设施"] if number < 2 else ["其他"],
        )
        for unit in (A, B)
        for number in range(10)
    ]
    sums = sums_at(orders, policy, within=cycle)
    assert of(A, sums)["elderly_facilities"] == Sums(2, 1000)
    assert "elderly_facilities" not in of(B, sums)
    everyone = ranked(sums, policy, cycle)
    assert everyone[A].score == everyone[B].score == Decimal("95.0")  # 10 + 45 + 40
    assert everyone[A].below_floor == ("elderly_facilities",)
    assert everyone[B].below_floor == ()
    core = ranked(sums, policy, cycle, Unit(A, "A", "street", "110101", "core"), group="core")
    assert core[A].score == Decimal("90.5")  # 10 + 40.5 + 35 + 5
