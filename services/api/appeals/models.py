"""What callers send and read about appeals."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schemas.events.base import Review
from schemas.fields import Code, Name, References
from services.api.models import Answer, DecimalText, Model, TimeText
from services.domain.appeals import State

Number = Annotated[Name, Field(max_length=96)]  # event ids are made of it


class NewAppeal(BaseModel):
    """One indicator of one order is contested."""

    model_config = ConfigDict(extra="forbid")

    id: Number = Field(description="Its number, yours; sent again changes nothing. 申诉编号。")
    order: Name = Field(description="The work order. 工单号。")
    unit: Code = Field(description="The unit that appeals. 申诉单位代码。")
    indicator: Code = Field(description="Code of the indicator contested. 所申诉指标。")
    ground: Code = Field(description="Code of a ground that the policy accepts. 理由代码。")
    evidence: Annotated[References, Field(min_length=1)] = Field(
        description="References of records kept elsewhere; no personal data. 佐证材料编号。"
    )
    filer: Code | None = Field(
        None, description="Code of the office that files; the unit if left out. 经办科室代码。"
    )


class NewReview(BaseModel):
    """What one level decides."""

    model_config = ConfigDict(extra="forbid")

    level: Code = Field(description="The level that has the appeal: district, city. 复核层级。")
    decision: Review = Field(description="upheld or rejected. 成立或不成立。")
    reviewer: Code = Field(
        description="Code of the unit that decides, or of an office of it (code, dash, word); never "
        "the unit that filed. 复核单位代码。"
    )
    ground: Code | None = Field(
        None, description="Code of the ground; that of the appeal if left out. 理由代码。"
    )


class AppealEntry(Model):
    """One entry of the history of an appeal; `why` says why it changed nothing.

    申诉经过。
    """

    at: TimeText
    what: str = Field(description="filed, upheld, rejected, term_over, excluded. 事项。")
    level: str
    by: str
    why: str
    why_zh: str
    why_en: str
    source: str
    event: str


class AppealModel(Model):
    """An appeal as it stands.

    一件申诉及其状态。
    """

    id: str
    order: str
    unit: str
    indicator: str
    ground: str
    evidence: list[str]
    filer: str
    filed_at: TimeText
    state: State
    state_zh: str
    state_en: str
    level: str = Field(description="Who has it now; empty if nobody has. 当前复核层级。")
    term_ends_at: TimeText | None = Field(description="Of that level. 本级复核期限。")
    decided_at: TimeText | None
    overdue: bool = Field(description="A level let its term run out. 是否有层级逾期。")
    missed: list[str] = Field(description="These levels. 逾期的层级。")
    excluded_at: TimeText | None = Field(
        description="Since when the exclusion is there that an upheld appeal entails. 剔除时间。"
    )
    why: str = Field(description="Why a void one is void. 无效原因。")
    why_zh: str
    why_en: str
    history: list[AppealEntry]


class AppealsAnswer(Answer):
    """A page of appeals, the last filed first.

    申诉列表，按提交时间倒序。
    """

    appeals: list[AppealModel]
    next: str | None = Field(
        description="For `after`; null at the end. A page may hold fewer than `limit`, and none. "
        "下一页标记。"
    )


class StandingModel(Model):
    """How the unit stands in the cycle, or would."""

    rank: int | None
    score: DecimalText | None
    bottom: bool
    reason: str | None = Field(description="Why it is not ranked. 未排名原因。")
    reason_zh: str | None
    numerator: DecimalText | None = Field(
        description="Of the indicator contested; null where it has parts. 所申诉指标的分子。"
    )
    denominator: int | None
    rate: DecimalText | None


class IfUpheld(Model):
    """The unit in the cycle of what is contested, as it stands and as it would if upheld.

    若申诉成立，该单位在本周期的得分与名次。
    """

    cycle: str
    kind: str
    ranked_units: int
    frozen: bool = Field(
        description="The cycle is frozen: an exclusion counts in its next revision. 周期已冻结。"
    )
    now: StandingModel
    if_upheld: StandingModel
    score_change: DecimalText | None
    rank_change: int | None = Field(description="Places won. 名次变化，正数为上升。")


class AppealAnswer(Answer):
    """One appeal with its history.

    申诉详情。
    """

    appeal: AppealModel
    if_upheld: IfUpheld | None = Field(
        description="Null where the order does not count for the unit. 工单不计入该单位时为 null。"
    )
