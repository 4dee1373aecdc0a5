"""What answers about orders look like."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from services.api.models import (
    Answer,
    DecimalText,
    LogPosition,
    Model,
    TimeText,
    UnitModel,
    WindowText,
)


class ContributionModel(Model):
    """What an order adds to one sum.

    一个工单对某个合计的贡献。
    """

    ranking: str
    unit: str
    indicator: str
    attributed_at: TimeText
    denominator: int
    numerator: DecimalText


class Counted(Model):
    """Its part of the number that was asked for."""

    unit: str
    attributed_at: TimeText
    denominator: int
    numerator: DecimalText


class Summary(Model):
    """What people filter orders by, from all events stored.

    工单概要。
    """

    source: str
    unit: str
    received_at: TimeText | None
    demand_type: str
    channel: str
    urgency: str
    category: list[str]
    community: str
    resolve_due: TimeText | None
    resolved_at: TimeText | None


class _Line(Model):
    id: str
    contributions: list[Counted]


class OrderLine(Summary, _Line):
    """One of the orders behind a number."""


class OrdersAnswer(Answer):
    """The orders behind one number, a page of them.

    数字背后的工单。
    """

    window: WindowText
    unit: str | None = Field(description="The unit asked for; null for all. 所查单位。")
    indicator: str
    orders: list[OrderLine]
    next: str | None = Field(description="The `after` of the next page. 下一页标记。")


class StoredEvent(Model):
    """An archived event.

    已存档的事件。
    """

    type: str
    source: str
    id: str
    time: TimeText
    data: dict[str, Any]
    digest: str = Field(description="Empty where the place is hidden. 内容摘要，隐去地点时为空。")
    position: LogPosition
    dropped: list[str] = Field(description="Names of unknown fields left out. 被丢弃的未知字段名。")
    counts: bool = Field(
        description="False for another content under an id that was taken, and for what is "
        "archived but not folded yet. 是否计入。"
    )


class Step(Model):
    """From this instant on the order adds these contributions.

    从该时刻起的贡献。
    """

    from_: TimeText = Field(alias="from")
    in_force: bool = Field(description="Whether `as_of` lies in this step. 是否为当前步骤。")
    causes: list[str] = Field(
        description="Ids of the events of this instant; empty when a deadline passed. "
        "引起变化的事件；空表示期限届满。"
    )
    contributions: list[ContributionModel]


class OrderAnswer(Answer):
    """One order, and why it counts as it does.

    单个工单及其计算过程。
    """

    id: str
    shard: int
    unit: UnitModel | None = Field(description="The lead at `as_of`. 主办单位。")
    known_unit: bool = Field(
        description="False when the lead is not registered. 主办单位是否登记。"
    )
    state: str | None = Field(
        description="One of the seven states, `excluded:<ground>` among them; null before it was "
        "received. 七种状态之一。"
    )
    incomplete: bool = Field(description="`received` has not arrived. 缺受理事件。")
    open: bool
    overdue: bool
    resolve_due: TimeText | None
    summary: Summary
    events: list[StoredEvent]
    steps: list[Step]
    contributions: list[ContributionModel] = Field(description="In force at `as_of`. 当前贡献。")
