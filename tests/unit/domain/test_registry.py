from __future__ import annotations

from collections import Counter

import pytest

from schemas.records import Unit
from services.domain.registry import Registry, RegistryError, beijing_units, parse_units_csv


def test_beijing_has_343_streets_6_functional_zones_and_16_districts() -> None:
    units = beijing_units()
    assert Counter(unit.kind for unit in units) == {
        "street": 343,
        "functional_zone": 6,
        "district": 16,
    }
    registry = Registry(units)
    assert len(registry) == 365
    assert Counter(unit.group for unit in registry.of_kind("district")) == {
        "core": 2,
        "inner": 4,
        "new_towns": 5,
        "ecological": 5,
    }
    assert registry.groups("street") == ("core", "ecological", "inner", "new_towns")
    assert sum(len(registry.of_kind("street", group)) for group in registry.groups("street")) == 343


def test_units_of_one_name_are_kept_apart_by_code() -> None:
    same = [unit for unit in beijing_units() if unit.name == "八里庄街道"]
    assert {unit.parent for unit in same} == {"110105", "110108"}
    assert len({unit.code for unit in same}) == 2


def test_a_street_knows_its_district_and_group() -> None:
    registry = Registry(beijing_units())
    assert registry.get("110101001") == Unit("110101001", "东华门街道", "street", "110101", "core")
    assert registry.get("110101") == Unit("110101", "东城区", "district", "", "core")
    assert registry.get("999") is None
    assert "110101001" in registry
    assert "999" not in registry


def test_of_two_units_with_one_code_the_later_counts() -> None:
    registry = Registry([Unit("1", "old", "street"), Unit("1", "new", "street")])
    assert [unit.name for unit in registry] == ["new"]


def test_our_own_table() -> None:
    units = parse_units_csv(
        '\ufeffcode,name,kind,parent,group\r\nb,"B, the second",street,d,core\r\na,A,department,,\r\n'
    )
    assert units == [
        Unit("b", "B, the second", "street", "d", "core"),
        Unit("a", "A", "department"),
    ]
    assert [unit.code for unit in Registry(units).of_kind("department")] == ["a"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("code,title\na,b\n", 1),
        ("code,name,kind,parent,group,extra\n", 1),
        ("code,name,kind,parent,group\na,A,village,,\n", 2),
        ("code,name,kind,parent,group\n,A,street,,\n", 2),
        ("code,name,kind,parent,group\na,A,street,,\na,B,street,,\n", 3),
        ("code,name,kind,areaCode,areaName\n1,A,街道,110101,东城区\n2,B,村,110101,东城区\n", 3),
        ('code,name,kind,parent,group\na,"A,street,,\n', 2),
    ],
)
def test_a_mistake_is_named_by_line(text: str, line: int) -> None:
    with pytest.raises(RegistryError, match=f"^line {line}: "):
        parse_units_csv(text)
