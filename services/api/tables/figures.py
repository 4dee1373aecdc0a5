"""The numbers of units as columns; which there are depends on the policy and on the grounds met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from services.api.models import Answer, UnitModel, WindowText
from services.api.ranking_models import Figures, Rate, ScoredAnswer
from services.api.tables.table import Cell, Row, number

UNIT: Final = ("单位代码", "单位", "所属区", "分类组")

_STATES: Final = {
    "not_assessed": "不参评",
    "not_yet_due": "未到期",
    "callback_pending": "待回访",
    "unreachable": "无法回访",
    "valid": "有效回访",
    "suspended": "挂账",
}
_COUNTS: Final = {
    "open": "未办结",
    "overdue": "超期未办结",
    "returned": "退单",
    "reopened": "重办",
    "incomplete": "缺受理事件",
}

# The groups that ship; others are called by their code.
GROUPS_ZH: Final = {
    "core": "核心区",
    "inner": "中心城区",
    "new_towns": "平原新城",
    "ecological": "生态涵养区",
}

About = tuple[tuple[str, str], ...]

Names = Mapping[str, str]
"""What units are called, by code."""


class FigureColumns:
    """The columns that all of some figures share, and the cells of each."""

    def __init__(self, figures: Sequence[Figures]) -> None:
        self._indicators = figures[0].indicators if figures else {}
        self._grounds = sorted({ground for each in figures for ground in each.states.excluded})
        self.headings: tuple[str, ...] = (
            *(heading for rate in self._indicators.values() for heading in _rate_headings(rate)),
            "工单量",
            *_STATES.values(),
            "剔除",
            *(f"剔除：{ground}" for ground in self._grounds),
            *_COUNTS.values(),
            "有效回访率(%)",
        )

    def cells(self, figures: Figures) -> Row:
        """The row of one unit. The seven states, 剔除 by its sum, add up to 工单量."""
        states = figures.states
        rates = [
            cell for code in self._indicators for cell in _rate_cells(figures.indicators[code])
        ]
        return (
            *rates,
            figures.volume,
            *(getattr(states, name) for name in _STATES),
            sum(states.excluded.values()),
            *(states.excluded.get(ground, 0) for ground in self._grounds),
            *(getattr(figures, name) for name in _COUNTS),
            number(figures.valid_callback_rate),
        )


def unit_cells(unit: UnitModel, names: Names) -> Row:
    """The cells below `UNIT`."""
    return (
        unit.code,
        unit.name,
        names.get(unit.parent, unit.parent),
        GROUPS_ZH.get(unit.group, unit.group),
    )


def about(answer: Answer, window: WindowText) -> About:
    """What every row shares: window, instant, completeness, policy."""
    return (("窗口", f"{window.name}（{window.from_} 至 {window.to}）"), *about_answer(answer))


def about_scored(answer: ScoredAnswer) -> About:
    """The same of an answer that is scored."""
    return about(answer, answer.window)


def about_answer(answer: Answer) -> About:
    """The same of an answer without a window."""
    policy = answer.policy
    return (
        ("截至", answer.as_of or "尚无数据"),
        ("口径", _standing(answer)),
        ("数据完整", "是" if answer.complete else "否"),
        ("考核办法", f"{policy.id} {policy.version}（规则集 {policy.ruleset}）"),
    )


def _standing(answer: Answer) -> str:
    if answer.standing == "live":
        return "实时" if answer.live else "指定时刻"
    return f"{'冻结' if answer.standing == 'frozen' else '修订'}（第 {answer.revision} 版）"


def _rate_headings(rate: Rate) -> Sequence[str]:
    name = rate.name_zh
    if rate.parts is not None:
        return (f"{name}(%)",)
    return (f"{name}(%)", f"{name}分子", f"{name}分母")


def _rate_cells(rate: Rate) -> Sequence[Cell]:
    if rate.parts is not None:
        return (number(rate.rate),)
    return (number(rate.rate), number(rate.numerator), rate.denominator)
