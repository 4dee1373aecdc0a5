"""What rankings and the figures of units look like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.api.certainty_models import Surely, Sureness
from services.api.compare_models import Heads, Lines
from services.api.models import Answer, DecimalText, Model, UnitModel, WindowText

Reason = Literal["no_demand", "no_valid_callback", "too_few"]


class Rate(Model):
    """One rate with what it is made of.

    率及其分子、分母。
    """

    name_zh: str
    name_en: str
    numerator: DecimalText | None = Field(
        description="基本满意 counts 0.9. Null for an indicator with parts. 分子；合成指标为 null。"
    )
    denominator: int | None = Field(description="Null for an indicator with parts. 分母。")
    rate: DecimalText | None = Field(
        description="Percent, 2 decimals or as the policy rounds it; null without a denominator. "
        "百分数；无分母时为 null。"
    )
    parts: dict[str, int] | None = Field(
        description="Of which indicators it is the mean, with their weights. 构成及权重。"
    )
    floor: DecimalText | None = Field(description="The least it should be, percent. 底线。")
    below_floor: bool = Field(description="Whether it is less. 是否低于底线。")


class States(Model):
    """The seven states; they add up to the volume.

    七种状态，合计等于工单量。
    """

    not_assessed: int = Field(description="不参评")
    not_yet_due: int = Field(description="未到期")
    callback_pending: int = Field(description="待回访")
    unreachable: int = Field(description="无法回访")
    valid: int = Field(description="有效回访")
    excluded: dict[str, int] = Field(description="By ground. 剔除，按理由。")
    suspended: int = Field(description="挂账")


class Figures(Model):
    """All numbers of one unit, or of several together."""

    indicators: dict[str, Rate]
    volume: int = Field(description="工单量")
    states: States
    open: int = Field(description="Neither resolved nor withdrawn. 未办结。")
    overdue: int = Field(description="Open beyond their deadline. 超期未办结。")
    returned: int = Field(description="Returns that were accepted. 退单。")
    reopened: int = Field(description="重办")
    incomplete: int = Field(
        description="Orders whose `received` has not arrived yet; not in the volume. 缺受理事件。"
    )
    valid_callback_rate: DecimalText | None = Field(
        description="valid / (valid + unreachable), percent. 有效回访率。"
    )


class _Changing(Model):
    changes: Lines | None = Field(
        None, description="Beside earlier windows, if `compare` asks for it. 环比、同比。"
    )


class _Heads(Model):
    compared: Heads | None = Field(
        None, description="The windows that lines are compared with. 对比的窗口。"
    )


class _Place(_Changing):
    rank: int
    bottom: bool = Field(description="Among those who are called in. 是否末位。")
    unit: UnitModel
    score: DecimalText
    score_before: DecimalText = Field(description="Without adjustments. 加减分前得分。")
    adjustment: DecimalText = Field(
        description="Points added or taken away in this cycle, cut off at their caps. 加减分。"
    )
    adjusted_by: list[str] = Field(description="Ids of the entries counted. 加减分条目编号。")


class Ranked(Figures, Surely, _Place):
    """A unit with its place."""


class _NoPlace(_Changing):
    unit: UnitModel
    reason: Reason
    reason_zh: str


class Unranked(Figures, _NoPlace):
    """A unit without a place, and why.

    未参加排名的单位及原因。
    """


class UnknownUnit(Model):
    """Orders name this unit, the registry does not.

    有工单但未登记的单位。
    """

    code: str
    figures: Figures


class ScoredAnswer(Answer):
    """By what a window is scored."""

    window: WindowText
    versions: list[str] = Field(
        description="All versions of the policy that the window spans; `policy.version` scores it. "
        "窗口跨越的办法版本；按 policy.version 计分。"
    )
    basis: Literal["lead", "line"] = Field(
        description="By the unit that leads an order, or by the department of its field. "
        "按主办单位或行业部门统计。"
    )


class RankingAnswer(_Heads, ScoredAnswer):
    """The list, those who are not on it, and what belongs to no unit.

    排名。
    """

    kind: str
    group: str = Field(description="Peer group, or empty for all. 分类组。")
    uncertainty: Sureness
    bottom: list[str] = Field(description="Codes of the units at the bottom. 末位单位代码。")
    ranked: list[Ranked]
    unranked: list[Unranked]
    unknown_units: list[UnknownUnit]
    undispatched: Figures = Field(description="Orders that no unit leads. 尚无主办单位的工单。")
    incomplete: int = Field(description="Over all units, known or not. 全部缺受理事件的工单数。")
    totals: Figures = Field(
        description="Pooled over the ranked and unranked units of the list. 榜上单位合计。"
    )


class _UnitPlace(_Changing, _Heads, ScoredAnswer):
    known: bool = Field(description="Whether the registry has it. 是否已登记。")
    unit: UnitModel
    uncertainty: Sureness
    rank: int | None
    ranked_units: int = Field(description="How many units have a rank. 参加排名的单位数。")
    bottom: bool
    score: DecimalText | None
    score_before: DecimalText | None = Field(description="Without adjustments. 加减分前得分。")
    adjustment: DecimalText | None = Field(description="Points of this cycle. 加减分。")
    adjusted_by: list[str] = Field(description="Ids of the entries counted. 加减分条目编号。")
    reason: Reason | None = Field(description="Why it has no rank. 未排名原因。")
    reason_zh: str | None


class UnitRatesAnswer(Figures, Surely, _UnitPlace):
    """The numbers of one unit, the same as in its ranking.

    单个单位的指标。
    """
