"""What elapsed times look like."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.api.models import DecimalText, Model, UnitModel
from services.api.ranking_models import ScoredAnswer


class StepElapsed(Model):
    """Quantiles of one step, of the orders that have a time.

    一个环节的用时分位数。
    """

    sample: int = Field(description="How many orders have a time. 样本量。")
    p50: DecimalText | None = Field(
        description="Seconds, of the order in the middle; null without a sample. 中位数（秒）。"
    )
    p90: DecimalText | None = Field(
        description="Seconds that nine of ten orders do not exceed. 90 分位数（秒）。"
    )


class ElapsedFigures(Model):
    """Elapsed times of one unit, or of several together."""

    volume: int = Field(description="Orders of the window, as in its ranking. 工单量。")
    untimed: int = Field(
        description="Of them those stored by a program of before and not evaluated since: nothing "
        "is known of their times. 尚未计时的工单。"
    )
    sign: StepElapsed = Field(description="From dispatch to signing. 派单至签收。")
    contact: StepElapsed = Field(description="From dispatch to the first contact. 派单至首次联系。")
    resolve: StepElapsed = Field(
        description="From dispatch to the report of resolution. 派单至办结。"
    )


class ElapsedLine(ElapsedFigures):
    """The elapsed times of one unit."""

    unit: UnitModel


class ElapsedAnswer(ScoredAnswer):
    """How long units took, from the dispatch to the lead's act, on the wall clock.

    从派单到主办单位签收、联系、办结的自然用时。
    """

    kind: str = Field(description="Kind of the units; empty for one not registered. 单位类别。")
    group: str = Field(description="Peer group, or empty for all. 分类组。")
    method: Literal["nearest_rank"] = Field(
        "nearest_rank",
        description="Each quantile is the time of a real order: the ceil(p x n)-th of n in "
        "ascending order. 最近秩法，取实际工单的用时。",
    )
    units: list[ElapsedLine] = Field(description="All units of the list, by code. 各单位。")
    total: ElapsedFigures = Field(description="Of all orders of the list. 榜上单位合计。")
