"""What the register of adjustments looks like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.api.models import DecimalText, Model, TimeText


class AdjustmentModel(Model):
    """One entry: points given or taken, or the withdrawal of an entry.

    加减分条目，或对条目的撤销。
    """

    id: str
    kind: Literal["adjustment", "withdrawal"]
    unit: str
    cycle: str
    points: DecimalText | None = Field(description="Null for a withdrawal. 分值。")
    withdraws: str | None = Field(
        description="The adjustment that this entry withdraws. 撤销的条目。"
    )
    withdrawn_by: str | None = Field(description="The entry that withdraws it. 被何条目撤销。")
    counts: bool = Field(
        description="It stands, its unit is registered, and the policy accepts its ground; what "
        "is beyond a cap is cut off. 是否计分。"
    )
    ground: str
    approver: str
    decided_at: TimeText
    recorded_at: TimeText = Field(description="Rankings as of later instants hold it. 登记时间。")


class AdjustmentsAnswer(Model):
    """The entries of one cycle, in the order in which they were recorded.

    一个考核周期的加减分台账。
    """

    cycle: str
    adjustments: list[AdjustmentModel]
