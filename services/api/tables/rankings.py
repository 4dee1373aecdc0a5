"""Rankings as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from services.api.figures import nameless
from services.api.gain_models import GainsAnswer
from services.api.models import UnitModel
from services.api.ranking_models import Figures, Ranked, RankingAnswer, Unranked
from services.api.tables.comparison import ComparisonColumns
from services.api.tables.figures import (
    GROUPS_ZH,
    UNIT,
    FigureColumns,
    Names,
    about_scored,
    unit_cells,
)
from services.api.tables.table import Row, Table, number, yes

KINDS_ZH: Final = {
    "street": "街道",
    "functional_zone": "功能区",
    "district": "区",
    "department": "部门",
    "company": "公共服务企业",
}
Part = Literal["all", "ranked", "bottom", "unranked"]


def ranking_table(
    answer: RankingAnswer, names: Names, part: Part = "all", title: str | None = None
) -> Table:
    """A ranking with everything that belongs to nobody on it, or a part of it.

    The whole has, after the units, those that no registry knows, the orders that no unit leads,
    and the sum of the list, each told apart in the column 说明. ``names`` are those of the
    districts, by code.
    """
    lines = list(_lines(answer, part, names))
    columns = FigureColumns([figures for _, figures in lines])
    earlier = ComparisonColumns(answer.compared, answer.totals.indicators)
    return Table(
        title=title or f"{list_name(answer.kind, answer.group)}排名 {answer.window.name}",
        about=(*about_scored(answer), *earlier.about()),
        headings=(
            "名次",
            *UNIT,
            "得分",
            "说明",
            "末位",
            "加减分前得分",
            "加减分",
            "最好名次",
            "最差名次",
            "末位概率",
            *columns.headings,
            *earlier.headings,
        ),
        rows=[
            (
                *place,
                *columns.cells(figures),
                *earlier.cells(
                    figures.changes if isinstance(figures, (Ranked, Unranked)) else None
                ),
            )
            for place, figures in lines
        ],
        key_columns=3,
        marked=frozenset(
            number
            for number, (_, line) in enumerate(lines)
            if isinstance(line, Ranked) and line.bottom
        ),
    )


def gains_table(answer: GainsAnswer, names: Names, title: str | None = None) -> Table:
    """The ranking by gain, and behind it the units that lack a score in one of the windows."""
    compared = answer.compared
    return Table(
        title=title or f"{list_name(answer.kind, answer.group)}环比排名 {answer.window.name}",
        about=(
            *about_scored(answer),
            ("对比", f"{compared.window.name}（截至 {compared.as_of}，办法 {compared.version}）"),
        ),
        headings=("名次", *UNIT, "环比增量", "本期得分", "上期得分", "说明"),
        rows=[
            *(
                (
                    line.rank,
                    *unit_cells(line.unit, names),
                    number(line.gain),
                    number(line.score),
                    number(line.previous_score),
                    "",
                )
                for line in answer.ranked
            ),
            *(
                (None, *unit_cells(unit, names), None, None, None, "两期中有一期没有得分")
                for unit in answer.unranked
            ),
        ],
        key_columns=3,
    )


def list_name(kind: str, group: str) -> str:
    """What a list is called: 街道, or 街道·核心区."""
    name = KINDS_ZH.get(kind, kind)
    return f"{name}·{GROUPS_ZH.get(group, group)}" if group else name


def _lines(answer: RankingAnswer, part: Part, names: Names) -> Iterator[tuple[Row, Figures]]:
    """The cells before the figures, and the figures."""
    if part != "unranked":
        for line in answer.ranked:
            if part != "bottom" or line.bottom:
                yield _ranked(line, names), line
    if part in ("all", "unranked"):
        for unit in answer.unranked:
            yield _apart(unit.unit, unit.reason_zh, names), unit
    if part == "all":
        for unknown in answer.unknown_units:
            yield _apart(nameless(unknown.code), "未登记的单位", names), unknown.figures
        yield _apart(nameless(""), "尚无主办单位", names), answer.undispatched
        yield _apart(nameless(""), "榜上单位合计", names), answer.totals


def _ranked(line: Ranked, names: Names) -> Row:
    return (
        line.rank,
        *unit_cells(line.unit, names),
        number(line.score),
        "",
        yes(line.bottom),
        number(line.score_before),
        number(line.adjustment),
        *_places(line),
    )


def _places(line: Ranked) -> Row:
    """Ends of the interval of its rank, and the probability of being truly at the bottom."""
    ranks = line.rank_interval
    likely = number(line.bottom_probability)
    return (None, None, likely) if ranks is None else (ranks.from_, ranks.to, likely)


def _apart(unit: UnitModel, why: str, names: Names) -> Row:
    return (None, *unit_cells(unit, names), None, why, "", None, None, None, None, None)
