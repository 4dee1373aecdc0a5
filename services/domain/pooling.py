"""What is added up for one unit: its own orders, or those of all its parts (domain.md 2.8, 4.1).

A district is the roll-up of the registry's units below it, with its own orders: numerators and
denominators are added, rates never averaged. All other units stand for themselves. An order counts
for one unit of a ranking, so it counts for one district.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from schemas.records import ZERO, Sums, Unit
from services.domain.registry import Registry

DISTRICT: Final = "district"

UnitSums = Mapping[tuple[str, str], Sums]
"""By (unit code, indicator or count)."""


def holders(units: Iterable[Unit], registry: Registry) -> dict[str, str]:
    """By the code of each unit whose orders count in a list: the unit of the list that holds them.

    Every unit holds its own, which come first.
    """
    listed = tuple(units)
    found = {unit.code: unit.code for unit in listed}
    if any(unit.kind == DISTRICT for unit in listed):
        for unit in registry:
            district = _district_of(unit, registry)
            if district in found:
                found.setdefault(unit.code, district)
    return found


def parts_of(unit: Unit, registry: Registry) -> list[str]:
    """The codes whose orders are a unit's: its own, and those of a district's other units."""
    return list(holders((unit,), registry))


def sums_of_kind(sums: UnitSums, registry: Registry, kind: str) -> UnitSums:
    """The sums by which units of a kind are ranked: as they are, or those of every district."""
    return pooled_by_district(sums, registry) if kind == DISTRICT else sums


def pooled_by_district(sums: UnitSums, registry: Registry) -> dict[tuple[str, str], Sums]:
    """The sums of every district: its own and its units' numerators and denominators, added."""
    district_of = {unit.code: _district_of(unit, registry) for unit in registry}
    found: dict[tuple[str, str], Sums] = {}
    for (code, indicator), own in sums.items():
        district = district_of.get(code)
        if district is not None:
            total = found.get((district, indicator), ZERO)
            found[district, indicator] = Sums(
                total.denominator + own.denominator, total.numerator + own.numerator
            )
    return found


def _district_of(unit: Unit, registry: Registry) -> str | None:
    """The nearest district at or above a unit; None without one, or where parents go in a ring."""
    passed: set[str] = set()
    above: Unit | None = unit
    while above is not None and above.kind != DISTRICT:
        if above.code in passed:
            return None
        passed.add(above.code)
        above = registry.get(above.parent)
    return None if above is None else above.code
