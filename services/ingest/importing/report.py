"""What an import tells: one line for each rejected row, and the figures of the whole.

Names of columns, reason codes and fixed sentences, never the text of a cell: it may be a phone
number in the wrong column. The one exception are ids of orders that the service holds already.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TextIO

SENTENCES: Final[dict[str, tuple[str, str]]] = {
    "malformed_csv": (
        "The row is no CSV: a quote inside it is not closed or not doubled.",
        "该行不是合法的 CSV：引号未闭合或未成对。",
    ),
    "wrong_number_of_cells": (
        "The row has more or fewer cells than the header.",
        "该行的单元格数与表头不一致。",
    ),
    "malformed_json": ("The line is not JSON.", "该行不是合法的 JSON。"),
    "not_an_object": ("The line is JSON, but no object.", "该行是 JSON，但不是对象。"),
    "list_of_other_things": (
        "The cell holds a list where a text belongs, or a list of other things than texts.",
        "单元格应为文本，却是列表；或列表中含有非文本内容。",
    ),
    "number_too_long_for_excel": (
        "Excel keeps 15 digits of a number, so the rest is lost. Keep the column as text.",
        "Excel 数字只保留 15 位，其余已丢失。请将该列保存为文本。",
    ),
    "missing_value": ("The cell is empty.", "单元格为空。"),
    "value_not_in_mapping": (
        "The mapping's `values` do not list this text, and there is no `default`.",
        "映射的 values 未列出该文本，也没有 default。",
    ),
    "not_an_integer": ("The cell is no whole number.", "单元格不是整数。"),
    "time_format": (
        "The time is written in none of the mapping's formats.",
        "时间不符合映射中的任何格式。",
    ),
    "time_without_zone": (
        "The time has no offset, and the mapping names no zone.",
        "时间没有时区偏移，映射也未指定时区。",
    ),
    "time_out_of_range": (
        "The time is outside the years 1900 to 2299.",
        "时间超出 1900 至 2299 年。",
    ),
    "rows_contradict": (
        "Two rows say different things of one order; the order was left out.",
        "同一工单的两行内容相互矛盾，该工单未导入。",
    ),
    "other_type": (
        "The service holds this event as another type; give the event another id.",
        "服务中该事件的类型不同，请更换事件 id。",
    ),
    "missing_order": (
        "The service holds this order, the file does not. Nothing was deleted.",
        "服务中有此工单，文件中没有。未删除任何内容。",
    ),
}
"""Reason codes of an import, in English and Chinese. Those of events are in docs/events.md."""

HEADER: Final = ("row", "column", "reason", "detail", "detail_zh", "order")


class Line(NamedTuple):
    """One line of the report. ``row`` 0: it is about no row of the file."""

    row: int
    column: str
    reason: str
    detail: str = ""
    detail_zh: str = ""
    order: str = ""


@dataclass
class Summary:
    """The figures of one import.

    ``new``, ``corrections`` and ``unchanged`` count events by comparison with the store;
    ``accepted`` and ``duplicates`` are the service's answers. ``times_twice`` and
    ``times_never`` count local times in the hours when clocks change.
    """

    rows: int = 0
    repeated_rows: int = 0
    orders: int = 0
    new: int = 0
    unchanged: int = 0
    accepted: int = 0
    duplicates: int = 0
    corrections: int = 0
    late_corrections: int = 0
    missing_orders: int | None = None
    times_twice: int = 0
    times_never: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def complete(self) -> bool:
        """Whether nothing was rejected."""
        return not self.rejected


class Report:
    """Writes the lines and keeps the first few for the screen."""

    SHOWN: Final = 20

    def __init__(self, file: TextIO | None) -> None:
        self._write: Callable[[tuple[object, ...]], object] | None = None
        if file is not None:
            self._write = csv.writer(file).writerow
            self._write(HEADER)
        self.first: list[Line] = []
        self.count = 0

    def add(self, line: Line) -> None:
        """Take one line; a standard sentence is filled in where it has none of its own."""
        detail, detail_zh = SENTENCES.get(line.reason, ("", ""))
        full = line._replace(
            detail=line.detail or detail,
            detail_zh=line.detail_zh or detail_zh,
            order=_harmless(line.order),
        )
        self.count += 1
        if len(self.first) < self.SHOWN:
            self.first.append(full)
        if self._write is not None:
            self._write((full.row or "", *full[1:]))


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking the text for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@")) else text
