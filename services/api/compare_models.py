"""What a comparison with an earlier window looks like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.api.models import DecimalText, Model, TimeText, WindowText

Basis = Literal["previous", "year"]
"""The window before (环比), or that of the same name a year earlier (同比)."""


class Compared(Model):
    """An earlier window, as it stood at the same age.

    对比的窗口。
    """

    window: WindowText
    as_of: TimeText
    version: str = Field(description="The version of the policy that scores it. 计分版本。")


class RateThen(Model):
    """A rate of the earlier window.

    对比期的率。
    """

    rate: DecimalText | None = Field(description="Percent, then. 对比期的率。")
    change: DecimalText | None = Field(
        description="Percentage points; null if there is no rate now or then. 增减百分点。"
    )


class Line(Model):
    """How a unit stood in the earlier window, and what has changed; null is not zero.

    对比期的情况及变化。
    """

    rank: int | None = Field(description="Null for a unit without a rank then. 对比期名次。")
    rank_change: int | None = Field(
        description="Positive: it has risen so many ranks; null without a rank now or then. "
        "名次变化，正数为上升。"
    )
    score: DecimalText | None
    score_change: DecimalText | None = Field(description="得分增减。")
    volume: int
    volume_change: DecimalText | None = Field(
        description="Percent of the volume then; null if that was zero. 工单量增减百分比。"
    )
    indicators: dict[str, RateThen]


Heads = dict[Basis, Compared]
Lines = dict[Basis, Line]
