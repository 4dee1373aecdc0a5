"""What a time series looks like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.api.models import Answer, DecimalText, Model, UnitModel, WindowText
from services.api.ranking_models import Figures

Step = Literal["day", "week", "cycle", "month"]


class _StepWindow(Model):
    window: WindowText
    version: str = Field(description="The version of the policy that scores it. 计分版本。")
    ended: bool = Field(description="Whether it had ended at `as_of`. 截至时刻是否已结束。")
    score_before: DecimalText | None = Field(
        description="The score without adjustments; null where the sample is too small to be "
        "ranked. 加减分前得分；样本不足为 null。"
    )


class Point(Figures, _StepWindow):
    """One step of a series, scored by the version in force at its end.

    序列中的一期。
    """


class SeriesAnswer(Answer):
    """The numbers of one unit, or pooled over a list, by consecutive windows.

    时间序列。
    """

    step: Step
    unit: UnitModel | None = Field(description="Null for a list. 单位；合计时为 null。")
    kind: str = Field(description="Kind of the units; empty for one not registered. 单位类别。")
    group: str = Field(description="Peer group, or empty for all. 分类组。")
    points: list[Point] = Field(description="The earliest first. 由早到晚。")
