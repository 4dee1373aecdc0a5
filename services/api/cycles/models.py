"""What frozen cycles look like."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.fields import Code
from services.api.models import DecimalText, Model, PolicyName, ShardPosition, TimeText, WindowText

Standing = Literal["frozen", "revised"]
Cause = Literal["late_event", "exclusion", "deadline"]
CAUSES_ZH: dict[Cause, str] = {
    "late_event": "冻结后到达的事件",
    "exclusion": "冻结后的剔除或恢复",
    "deadline": "冻结后到期",
}


class Decision(BaseModel):
    """Who freezes or revises a cycle, and why.

    冻结或修订的依据与批准人。
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    ground: Code = Field(description="Why: a short word, as committee_2026_11. 依据。")
    approver: Code = Field(description="Who approved it: a code, no name. 批准人代码。")
    as_of: Annotated[str | None, Field(max_length=40)] = Field(
        None,
        description="The instant looked from; what every shard has stored if left out. 截至时刻。",
    )


class Revision(Model):
    """One published state of a cycle; never changed.

    考核周期的一次公布结果，不可更改。
    """

    cycle: str
    revision: int = Field(description="From 1. 版次。")
    standing: Standing = Field(description="frozen: revision 1; revised: a later one. 状态。")
    window: WindowText
    as_of: TimeText
    recorded_at: TimeText
    ground: str
    approver: str
    policy: PolicyName
    engine: int = Field(description="Which rules of the program computed it. 计算规则版本。")
    positions: list[ShardPosition]
    units: int = Field(description="Units of the registry as it was. 登记单位数。")
    adjustments: int = Field(description="Entries of the register that it holds. 加减分条目数。")
    orders: int = Field(description="Orders that count in the cycle, or may later. 相关工单数。")
    not_evaluable: list[str] = Field(
        description="Orders that no rule could evaluate; they count nowhere. 无法评估的工单。"
    )
    checksum: str = Field(description="SHA-256 over all of it. 校验码。")


class CyclesAnswer(Model):
    """All revisions of all cycles, by cycle and number."""

    revisions: list[Revision]


class FrozenPlace(Model):
    """A ranked unit as it was published."""

    unit: str
    rank: int
    bottom: bool
    score: DecimalText
    score_before: DecimalText
    adjustment: DecimalText
    adjusted_by: list[str]
    volume: int
    rates: dict[str, DecimalText | None]


class FrozenUnranked(Model):
    """A unit without a place as it was published."""

    unit: str
    reason: str
    volume: int
    rates: dict[str, DecimalText | None]


class FrozenList(Model):
    """One ranking of a revision: of a kind of units, or of one peer group."""

    kind: str
    group: str
    basis: str
    ranked: list[FrozenPlace]
    unranked: list[FrozenUnranked]


class RevisionAnswer(Revision):
    """A revision with all its rankings."""

    revisions: list[int] = Field(description="All there are. 全部版次。")
    lists: list[FrozenList]


class UnitChange(Model):
    """A unit whose line in one list is another one since the revision before.

    与上一版相比有变化的单位。
    """

    kind: str
    group: str
    unit: str
    rank_before: int | None
    rank: int | None
    score_before: DecimalText | None
    score: DecimalText | None
    volume_before: int
    volume: int
    bottom_before: bool
    bottom: bool
    adjusted: bool = Field(description="Its adjustments are others. 加减分有变化。")


class RevisedAnswer(Revision):
    """A new revision, and what it changed; its orders are at `/changes`."""

    changes: list[UnitChange]


class Counted(Model):
    """What one order adds to one sum.

    工单对一项指标的计入。
    """

    ranking: str
    unit: str
    indicator: str
    attributed_at: TimeText
    denominator: int
    numerator: DecimalText


class OrderChange(Model):
    """An order that counts differently, and why.

    计入有变化的工单及原因。
    """

    order: str
    causes: list[Cause]
    causes_zh: list[str]
    events: list[str] = Field(description="Types of the events that came since. 新到事件类型。")
    removed: list[Counted] = Field(description="What it added before and no longer. 不再计入。")
    added: list[Counted] = Field(description="What it adds now. 新计入。")


class ChangesAnswer(Model):
    """Orders that a revision counts otherwise than the one before it."""

    cycle: str
    revision: int
    orders: list[OrderChange]
    next: str | None = Field(description="The `after` of the next page. 下一页。")


class PendingAnswer(Model):
    """Orders that count otherwise now than in the last revision: the next one would hold them.

    调整台账：冻结后发生变化、尚未修订的工单。
    """

    cycle: str
    revision: int = Field(description="The last one. 最新版次。")
    as_of: TimeText
    orders: list[OrderChange]
    next: str | None = Field(
        description="The `after` of the next page; a page may be empty and still have one. 下一页。"
    )
