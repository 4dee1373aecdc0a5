"""The policy document: which orders count, when, where and how much.

A policy is a YAML file that an office can read. This module says what may stand in it;
`services.domain.policy` reads the text, names the line of a mistake, and compiles it.
Every key is required unless it has a default here, and an unknown key is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from schemas.events import DemandType, Grade, Solved, Urgency, YesNo

Source = Literal["contacted", "solved", "satisfaction", "effect", "attitude", "resolved"]

# What each source of a numerator can say. A policy gives every grade its thousandths, 0 included.
GRADES: Final[Mapping[Source, tuple[str, ...]]] = {
    "contacted": get_args(YesNo),
    "solved": get_args(Solved),
    "satisfaction": get_args(Grade),
    "effect": get_args(Grade),
    "attitude": get_args(Grade),
    "resolved": ("in_time", "late"),
}

WEIGHTS_TOTAL: Final = 100


def known_zone(name: str) -> str:
    """Return the name if it is that of an IANA time zone.

    Raises:
        ValueError: it is not.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a region, such as America
        raise ValueError("not the name of an IANA time zone, such as Asia/Shanghai") from None
    return name


Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Thousandths = Annotated[int, Field(ge=0, le=1000)]
ZoneName = Annotated[str, AfterValidator(known_zone)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Names(_Part):
    """What people read."""

    zh: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    en: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Cycle(_Part):
    """The assessment cycle: a month that starts on a day of the previous one (19), or on the 1st."""

    kind: Literal["month"]
    start_day: Annotated[int, Field(ge=1, le=28)]


class Callbacks(_Part):
    """Which callback counts, and when an order is unreachable.

    ``basis``: of several valid callbacks the first, the last or the best counts.
    ``attempts`` unanswered ones on ``days`` different calendar days make an order unreachable.
    ``unanswered``: an unanswered question counts ``zero``, or ``leaves`` its own denominator.
    """

    basis: Literal["first", "last", "best"] = "last"
    attempts: Annotated[int, Field(ge=1)] = 3
    days: Annotated[int, Field(ge=1)] = 2
    unanswered: Literal["zero", "leaves"] = "zero"


class Match(_Part):
    """What `received` must say for a deadline to apply; a key left out matches everything."""

    urgency: Urgency | None = None
    channel: str | None = None
    demand_type: DemandType | None = None


class Duration(_Part):
    """Time on the wall clock from the dispatch; a day is 24 hours."""

    hours: Annotated[int, Field(ge=0)] = 0
    days: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _lasts(self) -> Duration:
        if not self.hours and not self.days:
            raise ValueError("a deadline needs hours or days")
        return self


class Deadline(_Part):
    """The first entry of the list that matches gives the deadline, unless the platform set one."""

    match: Match = Match()
    resolve: Duration


class Numerator(_Part):
    """Where the grade of an order comes from, and what each grade is worth in thousandths."""

    source: Source
    grades: Mapping[str, Thousandths]

    @model_validator(mode="after")
    def _complete(self) -> Numerator:
        if set(self.grades) != set(GRADES[self.source]):
            raise ValueError(f"grades must be exactly {', '.join(GRADES[self.source])}")
        return self


class Indicator(_Part):
    """One rate: who is in the denominator, at which instant it is booked, what counts as success.

    ``valid_callbacks``: orders whose citizen was reached and answered at least "solved?".
    ``settled``: orders with a resolve deadline that are resolved, or whose deadline has passed.
    """

    names: Names
    denominator: Literal["valid_callbacks", "settled"]
    attribution: Literal["created", "due", "closed", "callback"]
    numerator: Numerator

    @model_validator(mode="after")
    def _fits(self) -> Indicator:
        settled = self.denominator == "settled"
        if settled != (self.numerator.source == "resolved"):
            raise ValueError(
                "source resolved goes with denominator settled, answers with callbacks"
            )
        if settled and self.attribution in ("closed", "callback"):
            raise ValueError("settled orders are booked at created or due: not all of them closed")
        return self


class Score(_Part):
    """``weights`` of the indicators, adding up to 100; the score is rounded half up, once."""

    weights: Mapping[Code, Annotated[int, Field(gt=0)]]
    decimals: Annotated[int, Field(ge=0, le=4)]

    @model_validator(mode="after")
    def _whole(self) -> Score:
        if sum(self.weights.values()) != WEIGHTS_TOTAL:
            raise ValueError(f"weights must add up to {WEIGHTS_TOTAL}")
        return self


class RankingRules(_Part):
    """``ties``: the larger volume first, or one rank shared. ``bottom``: how many are called in.

    Units with fewer than ``minimum_sample`` orders behind their score are listed apart.
    """

    ties: Literal["volume", "shared"]
    bottom: Annotated[int, Field(ge=0)]
    minimum_sample: Annotated[int, Field(ge=1)]


class PolicyDocument(_Part):
    """A whole policy. ``assessed_types`` lists the demand types that are assessed, or is ``all``."""

    id: Code
    version: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    names: Names
    time_zone: ZoneName
    cycle: Cycle
    assessed_types: Literal["all"] | Annotated[list[DemandType], Field(min_length=1)]
    callbacks: Callbacks = Callbacks()
    deadlines: list[Deadline] = []
    indicators: Annotated[Mapping[Code, Indicator], Field(min_length=1)]
    score: Score
    ranking: RankingRules

    @model_validator(mode="after")
    def _consistent(self) -> PolicyDocument:
        if unknown := set(self.score.weights) - set(self.indicators):
            raise ValueError(f"weights for indicators that are not there: {sorted(unknown)}")
        if len({indicator.denominator for indicator in self.indicators.values()}) > 1:
            raise ValueError("all indicators of a policy share one kind of denominator")
        return self
