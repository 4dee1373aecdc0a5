"""What a what-if asks and answers: two rankings of one cycle beside each other."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.api.models import DecimalText, Model, ShardPosition, TimeText, UnitModel, WindowText
from services.api.ranking_models import Rate, Reason

MOST_CHARACTERS = 1 << 20
MOST_NAMED = 100

State = Literal["running", "done", "failed"]


class NewWhatIf(BaseModel):
    """Another policy, and the ranking that is looked at."""

    model_config = ConfigDict(extra="forbid")

    document: Annotated[str, Field(max_length=MOST_CHARACTERS)] = Field(
        description="The text of the policy, YAML. 考核办法原文（YAML）。"
    )
    cycle: Annotated[str | None, Field(max_length=20)] = Field(
        None,
        description="Name of a cycle of the policy in force, such as 2026-11; the present one if "
        "left out. 考核周期，缺省为本期。",
    )
    kind: Annotated[str, Field(max_length=20)] = Field(
        "street", description="Which units are ranked. 单位类别。"
    )
    group: Annotated[str, Field(max_length=64)] = Field(
        "", description="Within this peer group; all of the kind if empty. 分类组。"
    )


class Progress(Model):
    """How far the evaluation is, in orders.

    已评估工单数与总数。
    """

    done: int
    of: int | None = Field(description="Null until they are counted. 统计前为 null。")


class Place(Model):
    """Where one unit stands under one policy.

    一个单位在一种办法下的名次与指标。
    """

    rank: int | None
    score: DecimalText | None
    bottom: bool = Field(description="Among those who are called in. 是否末位。")
    reason: Reason | None = Field(description="Why it has no rank. 未排名原因。")
    reason_zh: str | None
    volume: int = Field(description="工单量")
    indicators: dict[str, Rate]


class WhatIfLine(Model):
    """One unit under both policies.

    一个单位在两种办法下的对照。
    """

    unit: UnitModel
    present: Place
    other: Place
    move: int | None = Field(
        description="Places won (positive) or lost under the other policy; null unless ranked in "
        "both. 名次变化，正数为上升。"
    )
    score_change: DecimalText | None = Field(description="得分变化")


class Judged(Model):
    """By what one side of the table is counted and scored.

    一侧所用的考核办法、版本与窗口。
    """

    id: str
    name_zh: str
    name_en: str
    version: str = Field(description="The version that scores the window. 计分所用版本。")
    versions: list[str] = Field(description="All that the window spans. 窗口跨越的版本。")
    checksum: str
    window: WindowText
    ranked: int = Field(description="Units with a rank. 参加排名的单位数。")


class WhatIfResult(Model):
    """The ranking under the other policy beside the present one.

    两种办法下的排名对照。
    """

    as_of: TimeText | None = Field(
        description="Both sides are as the shards stood here: the smallest of their clocks. "
        "截至时刻。"
    )
    complete: bool = Field(description="Whether all shards are there. 各分区是否齐全。")
    positions: list[ShardPosition]
    kind: str
    group: str
    evaluated: int = Field(
        description="Orders that were evaluated again; 0 where both policies count alike. "
        "重新评估的工单数；计数规则相同时为 0。"
    )
    not_evaluable: int = Field(
        description="Orders that the other policy cannot evaluate, which are missing on its side. "
        "新办法无法评估的工单数。"
    )
    not_evaluable_orders: list[str] = Field(description=f"The first {MOST_NAMED} of them. 其编号。")
    present: Judged
    other: Judged
    units: list[WhatIfLine] = Field(
        description="In the order of the other ranking; then those it does not rank. "
        "按新办法排名；未排名的在后。"
    )


class Failure(Model):
    """Why there is no result.

    失败原因。
    """

    detail: str
    detail_zh: str


class WhatIfAnswer(Model):
    """One what-if.

    一次试算。
    """

    id: str
    state: State
    state_zh: str
    orders: Progress
    error: Failure | None
    result: WhatIfResult | None
