"""A time series as a table."""

from __future__ import annotations

from services.api.series_models import SeriesAnswer
from services.api.tables.figures import FigureColumns, about_answer
from services.api.tables.rankings import list_name
from services.api.tables.table import Table, number


def series_table(answer: SeriesAnswer) -> Table:
    """One row for each step."""
    columns = FigureColumns(answer.points)
    return Table(
        title=f"{whose(answer)}时间序列",
        about=about_answer(answer),
        headings=(
            "期",
            "起",
            "止（不含）",
            "已结束",
            "计分版本",
            "加减分前得分",
            *columns.headings,
        ),
        rows=[
            (
                point.window.name,
                point.window.from_,
                point.window.to,
                "是" if point.ended else "否",
                point.version,
                number(point.score_before),
                *columns.cells(point),
            )
            for point in answer.points
        ],
        key_columns=1,
    )


def whose(answer: SeriesAnswer) -> str:
    """The unit or list that a series is about."""
    unit = answer.unit
    return list_name(answer.kind, answer.group) if unit is None else unit.name or unit.code
