"""What the ranking by gain looks like."""

from __future__ import annotations

from pydantic import Field

from services.api.compare_models import Compared
from services.api.models import DecimalText, Model, UnitModel
from services.api.ranking_models import ScoredAnswer


class Gained(Model):
    """A unit with a score in both windows."""

    rank: int
    unit: UnitModel
    gain: DecimalText = Field(description="score less previous_score. 环比增量。")
    score: DecimalText
    previous_score: DecimalText


class GainsAnswer(ScoredAnswer):
    """Units by gain, the greatest first, and those without a score in one of the windows.

    环比排名。
    """

    kind: str
    group: str = Field(description="Peer group, or empty for all. 分类组。")
    compared: Compared
    ranked: list[Gained]
    unranked: list[UnitModel]
