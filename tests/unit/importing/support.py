"""Small mappings, files and rows."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from services.ingest.importing.document import LoadedMapping, load_mapping
from services.ingest.importing.mapping import Mapping
from services.ingest.importing.rows import RowEvents, RowReader
from services.ingest.importing.tables import Cell, Format, Row, format_of, open_table

MAPPING = """\
source: urn:test:city
order: id
time:
  formats: ["%Y-%m-%d %H:%M", iso]
  zone: Asia/Shanghai
missing: ["", "-"]
events:
  - type: received
    id: "{order}/received"
    time: opened
    data:
      demand_type:
        column: kind
        values: {投诉: complaint, 求助: help}
      category: {columns: [area, topic]}
  - type: dispatched
    id: "{order}/dispatched"
    time: opened
    data:
      unit: {column: unit}
      resolve_due: {time: due}
  - type: resolved
    id: "{order}/resolved"
    time: closed
    when: {column: closed}
    data:
      unit: {column: unit}
"""

CELLS: dict[str, Cell] = {
    "id": "A-1",
    "kind": "投诉",
    "area": "环境",
    "topic": "噪声",
    "unit": "110101001",
    "opened": "2026-07-03 09:00",
    "due": "2026-07-10 09:00",
    "closed": "2026-07-05 10:30",
}


def loaded(text: str = MAPPING) -> LoadedMapping:
    return load_mapping(text, "test.yaml")


@cache
def mapping(text: str = MAPPING) -> Mapping:
    return loaded(text).mapping


def told(cells: dict[str, Cell], text: str = MAPPING) -> RowEvents:
    return RowReader(mapping(text)).read(Row(2, CELLS | cells))


def rows_of(
    path: Path,
    form: Format | None = None,
    *,
    encoding: str = "utf-8-sig",
    delimiter: str = ",",
    sheet: str | None = None,
) -> list[Row]:
    with open_table(
        path, form or format_of(path), encoding=encoding, delimiter=delimiter, sheet=sheet
    ) as table:
        return list(table.rows)
