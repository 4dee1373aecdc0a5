"""What a breakdown looks like."""

from __future__ import annotations

from pydantic import Field

from services.api.ranking_models import Figures, ScoredAnswer
from services.storage.order_reader import Common


class BreakdownLine(Figures):
    """The numbers of the orders that have one value in common."""

    value: str = Field(
        description="Empty: orders without any. A category is the path down to `level`, joined by "
        "a slash. 取值；分类为到该级为止的路径，空为未填。"
    )


class Rest(Figures):
    """The numbers of all further values together."""

    values: int = Field(description="How many they are. 其余取值个数。")


class BreakdownAnswer(ScoredAnswer):
    """The same numbers as in a ranking, of some units together, told apart by what orders are like.

    Values and rest add up to the total, which is pooled over the units.
    分项统计：各项与其余相加等于合计。
    """

    by: Common
    level: int | None = Field(description="Of a category. 分类级别。")
    unit: str | None = Field(description="The unit asked for; null for a list. 所查单位。")
    kind: str = Field(description="Kind of the units; empty for one not registered. 单位类别。")
    group: str = Field(description="Peer group, or empty for all. 分类组。")
    values: list[BreakdownLine] = Field(description="The greatest volume first. 按工单量排列。")
    rest: Rest | None = Field(description="Null where nothing is left over. 其余。")
    total: Figures
