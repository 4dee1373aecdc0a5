"""The registry of units: who may be ranked, and with whom.

Units are keyed by code, never by name: there is a 八里庄街道 in 朝阳 and one in 海淀.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from importlib.resources import files
from io import StringIO
from typing import Final

from schemas.records import Unit

KINDS: Final = frozenset({"street", "functional_zone", "district", "department", "company"})

_OUR_COLUMNS: Final = ("code", "name", "kind", "parent", "group")
_BEIJING_COLUMNS: Final = ("code", "name", "kind", "areaCode", "areaName")

_BEIJING_KINDS: Final = {
    "街道": "street",
    "镇": "street",
    "乡": "street",
    "地区": "street",
    "功能区": "functional_zone",
}

_BEIJING_GROUPS: Final = {
    name: group
    for group, names in {
        "core": "东城区 西城区",
        "inner": "朝阳区 海淀区 丰台区 石景山区",
        "new_towns": "通州区 顺义区 大兴区 昌平区 房山区",
        "ecological": "门头沟区 平谷区 怀柔区 密云区 延庆区",
    }.items()
    for name in names.split()
}


class RegistryError(ValueError):
    """A table of units that cannot be read. The message names the line."""


class Registry:
    """Units by code; of two with the same code the later one counts."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self._by_code = {unit.code: unit for unit in units}

    def __len__(self) -> int:
        return len(self._by_code)

    def __iter__(self) -> Iterator[Unit]:
        return iter(self._by_code.values())

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def get(self, code: str) -> Unit | None:
        """The unit, or None if it is not registered (yet)."""
        return self._by_code.get(code)

    def of_kind(self, kind: str, group: str = "") -> tuple[Unit, ...]:
        """All units of a kind, by code; of one peer group if it is given."""
        return tuple(
            unit
            for _, unit in sorted(self._by_code.items())
            if unit.kind == kind and group in ("", unit.group)
        )

    def names(self) -> dict[str, str]:
        """What units are called, by code."""
        return {code: unit.name for code, unit in self._by_code.items()}

    def groups(self, kind: str) -> tuple[str, ...]:
        """The peer groups that units of a kind belong to."""
        return tuple(sorted({unit.group for unit in self if unit.kind == kind and unit.group}))


def beijing_units() -> list[Unit]:
    """The table that ships with the project: 343 streets, 6 functional zones, 16 districts."""
    table = files("schemas") / "units" / "beijing_streets_2023.csv"
    return parse_units_csv(table.read_text(encoding="utf-8-sig"))


def parse_units_csv(text: str) -> list[Unit]:
    """Read our own table (code, name, kind, parent, group) or Beijing's table of streets.

    Beijing's table yields its districts too, as units of kind district. Its peer groups are those
    in which the city compares its districts.

    Raises:
        RegistryError: unknown columns, unknown kind, empty or repeated code, with the line.
    """
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    columns = set(reader.fieldnames or ())
    try:
        if columns.issuperset(_BEIJING_COLUMNS):
            return _beijing(reader)
        if columns.issuperset(_OUR_COLUMNS[:3]) and columns.issubset(_OUR_COLUMNS):
            return _ours(reader)
    except csv.Error:
        line = reader.reader.line_num
        raise RegistryError(f"line {line}: not valid CSV") from None
    raise RegistryError(f"line 1: the columns must be {', '.join(_OUR_COLUMNS)}")


def _ours(reader: csv.DictReader[str]) -> list[Unit]:
    units: dict[str, Unit] = {}
    for row in reader:
        unit = Unit(*((row.get(column) or "").strip() for column in _OUR_COLUMNS))
        if unit.kind not in KINDS:
            raise RegistryError(
                f"line {reader.line_num}: kind is one of {', '.join(sorted(KINDS))}"
            )
        _add(units, unit, reader.line_num)
    return list(units.values())


def _beijing(reader: csv.DictReader[str]) -> list[Unit]:
    units: dict[str, Unit] = {}
    districts: dict[str, Unit] = {}
    for row in reader:
        code, name, kind, area, district = (
            (row[column] or "").strip() for column in _BEIJING_COLUMNS
        )
        if kind not in _BEIJING_KINDS or district not in _BEIJING_GROUPS:
            raise RegistryError(f"line {reader.line_num}: unknown kind or district")
        group = _BEIJING_GROUPS[district]
        districts[area] = Unit(area, district, "district", "", group)
        _add(units, Unit(code, name, _BEIJING_KINDS[kind], area, group), reader.line_num)
    return [*districts.values(), *units.values()]


def _add(units: dict[str, Unit], unit: Unit, line: int) -> None:
    if not unit.code or not unit.name:
        raise RegistryError(f"line {line}: code and name must not be empty")
    if unit.code in units:
        raise RegistryError(f"line {line}: the code is there twice")
    units[unit.code] = unit
