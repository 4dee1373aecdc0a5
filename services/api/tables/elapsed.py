"""Elapsed times as a table."""

from __future__ import annotations

from typing import Final

from services.api.elapsed_models import ElapsedAnswer, ElapsedFigures
from services.api.figures import nameless
from services.api.tables.figures import UNIT, Names, about_scored, unit_cells
from services.api.tables.rankings import list_name
from services.api.tables.table import Row, Table, number

_STEPS: Final = {"sign": "签收", "contact": "联系", "resolve": "办结"}


def elapsed_table(answer: ElapsedAnswer, names: Names) -> Table:
    """One row for each unit, then all of them together, told apart in the column 说明."""
    return Table(
        title=f"{list_name(answer.kind, answer.group)}用时 {answer.window.name}",
        about=(*about_scored(answer), ("计时", "自派单起的自然时间；分位数取最近秩")),
        headings=(
            *UNIT,
            "说明",
            "工单量",
            "未计时",
            *(
                f"{name}{what}"
                for name in _STEPS.values()
                for what in ("样本量", "中位数(秒)", "90分位数(秒)")
            ),
        ),
        rows=[
            *((*unit_cells(line.unit, names), "", *_cells(line)) for line in answer.units),
            (*unit_cells(nameless(""), names), "合计", *_cells(answer.total)),
        ],
        key_columns=2,
    )


def _cells(figures: ElapsedFigures) -> Row:
    steps = [getattr(figures, step) for step in _STEPS]
    return (
        figures.volume,
        figures.untimed,
        *(cell for each in steps for cell in (each.sample, number(each.p50), number(each.p90))),
    )
