"""What the explanation of an order looks like: facts for programs, sentences for people."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from services.api.appeals.models import AppealModel
from services.api.models import Answer, Model, TimeText, UnitModel
from services.api.order_models import ContributionModel


class Sentence(Model):
    """The same in Chinese and English."""

    zh: str
    en: str


class JudgementModel(Sentence):
    """How the order counts in one indicator, and why.

    工单在一项指标中如何计入及其原因。
    """

    indicator: str
    name_zh: str
    name_en: str
    version: str = Field(description="The version that judges it here. 评判所依据的版本。")
    verdict: str = Field(
        description="for (in full), partly, against (in the denominator only), out (not counted), "
        "composed (made of other indicators). 得分、部分得分、不得分、不计入、合成。"
    )
    reason: str = Field(description="Code of the cause (docs/explain.md). 原因代码。")
    contribution: ContributionModel | None
    department: str = Field(
        description="Code of the line department for which the same counts, or empty. 行业部门。"
    )


class IntervalModel(Model):
    """[from, to) that was counted, on the wall clock or of one working day."""

    from_: TimeText = Field(alias="from")
    to: TimeText
    day: date | None
    kind_zh: str | None
    kind_en: str | None


class SkippedModel(Model):
    """A day that was not counted."""

    day: date
    kind: str
    kind_zh: str
    kind_en: str


class PauseModel(Model):
    """The clock rested; `to` is null while nobody knows its end."""

    from_: TimeText = Field(alias="from")
    to: TimeText | None


class DeadlineModel(Sentence):
    """A deadline, who set it and what was counted.

    期限、由谁设定及如何计算。
    """

    step: str = Field(description="sign, contact or resolve. 签收、联系、办结。")
    set_by: str = Field(description="platform, extension or rule. 平台、延期、考核办法。")
    version: str
    rule: int | None = Field(
        description="Entry of the version's deadlines, from 1; null if the platform or an "
        "extension set it. 期限表第几条。"
    )
    started_at: TimeText
    set_at: TimeText
    ends_at: TimeText | None = Field(description="Null while the clock rests. 暂停时为空。")
    intervals: list[IntervalModel]
    skipped: list[SkippedModel]
    pauses: list[PauseModel]
    extensions: int


class CorrectedFieldModel(Model):
    """What an event said, and what counts instead."""

    field: str
    told: Sentence
    counts: Sentence


class ChangeModel(Sentence):
    """One thing that an event changed. `of`: the indicator or step that it is about."""

    field: str
    of: str


class EffectModel(Model):
    """What an event changed under one version; `why` says why it changed nothing."""

    version: str
    why: str
    changes: list[ChangeModel]


class EventTold(Model):
    """An event, as it counts.

    事件及其影响。
    """

    source: str
    id: str
    type: str
    type_zh: str
    type_en: str
    time: TimeText
    fate: str = Field(
        description="withdrawn; of a correction: corrects, overruled, no_target. 更正结果。"
    )
    corrections: list[CorrectedFieldModel]
    effects: list[EffectModel]
    lines: list[Sentence] = Field(
        description="What it changed, or why it changed nothing. 改变了什么，或为何没有变化。"
    )


class PassedModel(Sentence):
    """A deadline that passed without being met, or a suspension that ended."""

    what: str
    version: str


class ContributionTold(ContributionModel, Sentence):
    """A contribution, in words."""


class StepTold(Model):
    """One instant at which something happens: events, deadlines, and what begins or ends to count.

    一个时刻发生的一切。
    """

    at: TimeText
    later: bool = Field(description="After `as_of`: not yet. 尚未发生。")
    in_force: bool = Field(description="The last one until `as_of`. 当前步骤。")
    events: list[EventTold]
    passed: list[PassedModel]
    deadlines: list[DeadlineModel] = Field(description="Set or moved. 设定或变更的期限。")
    began: list[ContributionTold]
    ended: list[ContributionTold]


class ExplainAnswer(Answer):
    """Why an order counts as it does.

    工单为什么算、为什么不算。
    """

    id: str
    shard: int
    version: str = Field(
        description="The version that judges the order: in force when it was received. 评判版本。"
    )
    unit: UnitModel | None = Field(description="The lead at `as_of`. 主办单位。")
    known_unit: bool
    state: str | None
    state_name: Sentence
    headline: Sentence
    sentences: list[JudgementModel]
    deadlines: list[DeadlineModel] = Field(description="In force at `as_of`. 当前期限。")
    steps: list[StepTold]
    contributions: list[ContributionTold]
    appeals: list[AppealModel] = Field(
        description="Filed until `as_of`, with their states. 申诉及其状态。"
    )
