"""What the uncertainty of a place looks like."""

from __future__ import annotations

from pydantic import Field

from services.api.models import DecimalText, Model


class Sureness(Model):
    """How intervals and probabilities were computed (docs/uncertainty.md).

    区间与概率的计算方法。
    """

    method: str = Field(description="Name and number of the method. 方法及版本。")
    level: DecimalText = Field(description="Of every interval: 0.95 is 95 %. 置信水平。")


class RankInterval(Model):
    """Both places included; it holds the published rank.

    名次区间。
    """

    from_: int = Field(alias="from")
    to: int


class ScoreInterval(Model):
    """What the sample of the unit alone supports; adjustments are certain.

    得分区间。
    """

    from_: DecimalText = Field(alias="from")
    to: DecimalText


class Surely(Model):
    """How sure a place is; nulls without a place."""

    rank_interval: RankInterval | None = Field(
        None, description="Where the unit may truly stand. 名次区间。"
    )
    score_interval: ScoreInterval | None = Field(
        None, description="What its score may truly be. 得分区间。"
    )
    bottom_probability: DecimalText | None = Field(
        None,
        description="Of being truly among the bottom N, 4 decimals; null also where the list has "
        "no bottom. 真实处于末位的概率。",
    )
