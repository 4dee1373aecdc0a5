"""From rates to a score, from scores to a ranking, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from schemas.policy.parts import WEIGHTS_TOTAL, Code, Exact, Part, Percent, Word

Decimals = Annotated[int, Field(ge=0, le=4)]
Points = Annotated[Exact, Field(ge=0)]
Class = Literal["governed", "rectifying", "leading", "improving"]
Cap = Annotated[Exact, Field(gt=0)]


class Threshold(Part):
    """``maximum`` points, less ``per_point`` for each percentage point below ``threshold``.

    Fractions of a point count. Never less than ``minimum``.
    """

    maximum: Annotated[Exact, Field(gt=0)]
    threshold: Percent
    per_point: Annotated[Exact, Field(gt=0)]
    minimum: Points = Decimal(0)

    @model_validator(mode="after")
    def _in_order(self) -> Threshold:
        if self.minimum >= self.maximum:
            raise ValueError("minimum must be less than maximum")
        return self


class Adjustments(Part):
    """Bonuses and deductions (加减分): at most so many points a cycle; without a cap no limit.

    ``grounds``: the accepted ones, any if left out.
    """

    bonus_cap: Cap | None = None
    deduction_cap: Cap | None = None
    grounds: Annotated[list[Word], Field(min_length=1)] | None = None


class Score(Part):
    """``weights`` that add up to ``total``, or ``points`` whose maxima do.

    ``rate_decimals``: the rates are rounded so before they enter; left out, they enter as exact
    fractions. ``point_decimals``: the same for the points of each indicator. ``decimals``: of the
    score. Everything is rounded half up. Without ``adjustments`` there are none.
    """

    weights: Annotated[Mapping[Code, Annotated[Exact, Field(gt=0)]], Field(min_length=1)] | None = (
        None
    )
    points: Annotated[Mapping[Code, Threshold], Field(min_length=1)] | None = None
    total: Annotated[Exact, Field(gt=0)] = Decimal(WEIGHTS_TOTAL)
    decimals: Decimals
    rate_decimals: Decimals | None = None
    point_decimals: Decimals | None = None
    adjustments: Adjustments | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The indicators that make the score."""
        return tuple(self.weights or self.points or ())

    @model_validator(mode="after")
    def _whole(self) -> Score:
        if (self.weights is None) == (self.points is None):
            raise ValueError("a score has either weights or points")
        if self.weights is not None and sum(self.weights.values()) != self.total:
            raise ValueError(f"weights must add up to {self.total}")
        if self.points is not None and sum(p.maximum for p in self.points.values()) != self.total:
            raise ValueError(f"the maxima of points must add up to {self.total}")
        return self


class RankingRules(Part):
    """``ties``: the larger volume first, or one rank shared. ``bottom``: how many are called in.

    Units with fewer than ``minimum_sample`` orders behind one of the indicators of their score
    are listed apart. No bottom is listed before ``listed_from`` units are ranked (default: twice
    ``bottom``).
    """

    ties: Literal["volume", "shared"]
    bottom: Annotated[int, Field(ge=0)]
    minimum_sample: Annotated[int, Field(ge=1)]
    listed_from: Annotated[int, Field(ge=0)] | None = None


class Scoring(Part):
    """Another score or ranking for one kind of units, or one of its peer groups.

    ``basis``: ``lead`` ranks units by the orders they lead, ``line`` departments by the orders of
    their field. The first entry that fits counts; what it leaves out is as at the top.
    """

    kind: Word
    group: Word | None = None
    basis: Literal["lead", "line"] = "lead"
    score: Score | None = None
    ranking: RankingRules | None = None


class LineDepartment(Part):
    """The department of a field (行业部门): orders of this category count for it too.

    They do so in the ranking ``line``. The first entry that fits counts.
    """

    category: Word
    unit: Word


class Classes(Part):
    """The four classes of units: how many lead, improve (by gain) and rectify.

    One class a unit, in the ``order`` given; governed (治理类) is a dated list.
    """

    leading: Annotated[int, Field(ge=0)] = 10
    improving: Annotated[int, Field(ge=0)] = 10
    rectifying: Annotated[int, Field(ge=0)] = 10
    order: list[Class] = Field(list(get_args(Class)))


class Annual(Part):
    """The year's score: the mean of the frozen monthly scores by ``monthly_share`` percent.

    Other results, each out of 100, enter by their shares. All shares add up to 100.
    """

    monthly_share: Annotated[Percent, Field(gt=0)]
    others: Mapping[Code, Annotated[Percent, Field(gt=0)]] = Field(default_factory=dict)
    decimals: Decimals

    @model_validator(mode="after")
    def _whole(self) -> Annual:
        if self.monthly_share + sum(self.others.values()) != WEIGHTS_TOTAL:
            raise ValueError(f"the shares must add up to {WEIGHTS_TOTAL}")
        return self
