"""Districts are the sums of their units, and every order counts for one of them."""

from __future__ import annotations

from decimal import Decimal

from schemas.records import Sums, Unit
from services.domain.policy import load_policy, preset
from services.domain.pooling import holders, parts_of, pooled_by_district, sums_of_kind
from services.domain.ranking import rank_units
from services.domain.registry import Registry

EAST, WEST = Unit("d1", "东区", "district"), Unit("d2", "西区", "district")
STREETS = [Unit(f"s{n}", f"街道{n}", "street", "d1" if n < 2 else "d2") for n in range(4)]
ZONE = Unit("z", "功能区", "functional_zone", "d1")
COMMUNITY = Unit("c", "社区", "street", "s0")
BUREAU = Unit("b", "市局", "department")
LOST = Unit("l", "无上级", "street", "nowhere")
RING = [Unit("r1", "甲", "street", "r2"), Unit("r2", "乙", "street", "r1")]
REGISTRY = Registry([EAST, WEST, *STREETS, ZONE, COMMUNITY, BUREAU, LOST, *RING])


def test_a_district_has_its_own_orders_and_those_of_all_units_below_it() -> None:
    assert parts_of(EAST, REGISTRY) == ["d1", "s0", "s1", "z", "c"]
    assert parts_of(WEST, REGISTRY) == ["d2", "s2", "s3"]


def test_other_units_stand_for_themselves() -> None:
    for unit in (STREETS[0], BUREAU, LOST, *RING):
        assert parts_of(unit, REGISTRY) == [unit.code]
    assert holders([STREETS[2], BUREAU], REGISTRY) == {"s2": "s2", "b": "b"}


def test_each_unit_is_held_by_one_unit_of_a_list() -> None:
    held = holders([EAST, WEST], REGISTRY)
    assert held == {"d1": "d1", "d2": "d2", "s0": "d1", "s1": "d1", "s2": "d2", "s3": "d2",
                    "z": "d1", "c": "d1"}  # fmt: skip


def test_numerators_and_denominators_are_added() -> None:
    sums = {
        ("d1", "volume"): Sums(4, 0),
        ("s0", "volume"): Sums(3, 0),
        ("c", "volume"): Sums(2, 0),
        ("s2", "satisfaction"): Sums(2, 1900),
        ("s3", "satisfaction"): Sums(1, 0),
        ("b", "volume"): Sums(9, 0),
        ("l", "volume"): Sums(9, 0),
        ("r1", "volume"): Sums(9, 0),
        ("nobody", "volume"): Sums(9, 0),
        ("", "volume"): Sums(9, 0),
    }
    pooled = {("d1", "volume"): Sums(9, 0), ("d2", "satisfaction"): Sums(3, 1900)}
    assert pooled_by_district(sums, REGISTRY) == pooled
    assert sums_of_kind(sums, REGISTRY, "district") == pooled
    assert sums_of_kind(sums, REGISTRY, "street") is sums


def test_a_district_is_ranked_by_its_pooled_rates_not_by_their_mean() -> None:
    """Of 10 and 30 callbacks, 10 and 0 solved: 25.00 %, where the mean of the rates is 50."""
    rules = load_policy(preset("beijing-district")).versions[0]
    sums: dict[tuple[str, str], Sums] = {}
    for code, valid, solved in (("s0", 10, 10), ("s1", 30, 0), ("s2", 20, 10)):
        sums[code, "volume"] = Sums(valid, 0)
        sums[code, "response"] = Sums(valid, valid * 1000)
        sums[code, "resolution"] = Sums(valid, solved * 1000)
        sums[code, "satisfaction"] = Sums(valid, solved * 1000)
    listed = REGISTRY.of_kind("district")
    found = rank_units(listed, sums_of_kind(sums, REGISTRY, "district"), rules, "district")
    assert [(line.unit.code, line.volume, line.rates["resolution"]) for line in found.ranked] == [
        ("d2", 20, Decimal("50.00")),
        ("d1", 40, Decimal("25.00")),
    ]
    assert [line.score for line in found.ranked] == [Decimal("55.0"), Decimal("32.5")]
