"""A breakdown as a table."""

from __future__ import annotations

from typing import Final

from services.api.breakdown_models import BreakdownAnswer
from services.api.tables.figures import FigureColumns, Names, about_scored
from services.api.tables.rankings import list_name
from services.api.tables.table import Table

_BY: Final = {
    "category": "分类",
    "channel": "渠道",
    "urgency": "紧急程度",
    "community": "社区",
    "demand_type": "诉求类型",
}


def breakdown_table(answer: BreakdownAnswer, names: Names) -> Table:
    """One row for each value, then the rest and the total, told apart in the column 说明."""
    what = _BY[answer.by] + (f"（{answer.level}级）" if answer.level else "")
    whose = (
        list_name(answer.kind, answer.group)
        if answer.unit is None
        else names.get(answer.unit, answer.unit) or "尚无主办单位"
    )
    rest = [answer.rest] if answer.rest else []
    columns = FigureColumns([*answer.values, *rest, answer.total])
    return Table(
        title=f"{whose}按{what} {answer.window.name}",
        about=(*about_scored(answer), ("范围", whose)),
        headings=(what, "说明", *columns.headings),
        rows=[
            *(
                (line.value, "" if line.value else "未填", *columns.cells(line))
                for line in answer.values
            ),
            *((None, f"其余 {each.values} 项", *columns.cells(each)) for each in rest),
            (None, "合计", *columns.cells(answer.total)),
        ],
        key_columns=2,
    )
