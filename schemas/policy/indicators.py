"""The rates of a policy: who is in the denominator, when, and what counts as success."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from pydantic import Field, model_validator

from schemas.events import Grade, Solved, YesNo
from schemas.policy.parts import Code, Names, Part, Percent, Thousandths, Words

Question = Literal["contacted", "solved", "satisfaction", "effect", "attitude"]
Timing = Literal["sign_time", "contact_time", "resolve_time"]
Source = Literal[
    "contacted", "solved", "satisfaction", "effect", "attitude",
    "sign_time", "contact_time", "resolve_time", "evidence",
]  # fmt: skip
Denominator = Literal["valid_callbacks", "settled", "closed", "assessed"]
Attribution = Literal["created", "due", "closed", "callback"]

QUESTIONS: Final[tuple[str, ...]] = get_args(Question)
TIMINGS: Final[tuple[str, ...]] = get_args(Timing)

_TIMELY: Final = ("in_time", "late")
# What each source of a numerator can say. A policy gives every grade its thousandths, 0 included.
GRADES: Final[Mapping[Source, tuple[str, ...]]] = {
    "contacted": get_args(YesNo),
    "solved": get_args(Solved),
    "satisfaction": get_args(Grade),
    "effect": get_args(Grade),
    "attitude": get_args(Grade),
    "sign_time": _TIMELY,
    "contact_time": _TIMELY,
    "resolve_time": _TIMELY,
    "evidence": get_args(YesNo),
}


class Numerator(Part):
    """Where the grade of an order comes from, and what each grade is worth in thousandths.

    The five questions are answered by the citizen in the callback that counts. ``sign_time``,
    ``contact_time``, ``resolve_time``: whether the lead unit did it at or before its deadline.
    ``evidence``: whether the lead's `contacted` or `resolved` refers to any (影像证明).
    """

    source: Source
    grades: Mapping[str, Thousandths]

    @model_validator(mode="after")
    def _complete(self) -> Numerator:
        if set(self.grades) != set(GRADES[self.source]):
            raise ValueError(f"grades must be exactly {', '.join(GRADES[self.source])}")
        return self


class Filter(Part):
    """Which orders an indicator is about; every key given must fit, with one of its words.

    ``category``: one of the order's levels. ``unit``, ``unit_group``: the lead unit's.
    """

    category: Words | None = None
    tag: Words | None = None
    demand_type: Words | None = None
    channel: Words | None = None
    urgency: Words | None = None
    community: Words | None = None
    unit: Words | None = None
    unit_group: Words | None = None


class Indicator(Part):
    """One rate, of one of three kinds.

    Measured, with ``denominator``, ``attribution`` and ``numerator``:

    - ``valid_callbacks``: orders with a valid callback.
    - ``settled``: orders with a deadline for the step (that of the numerator's source, else
      resolving) who have done it, or whose deadline has passed.
    - ``closed``: orders reported done (办结), those that were reopened since too.
    - ``assessed``: all orders that are assessed.

    ``all_of``: an order counts in full if it does in every indicator named, with nothing
    otherwise; it is in the denominator if it is in all of theirs, booked where the first books it.

    ``parts``: indicators with weights; the rate is the mean of their rates by weight. It is known
    only if all of theirs are.

    ``unanswered``: an unanswered question counts ``zero``, or ``leaves`` the denominator; if left
    out as under ``callbacks``. ``floor`` (底线): flagged while the rate is lower, in percent.
    """

    names: Names
    denominator: Denominator | None = None
    attribution: Attribution | None = None
    numerator: Numerator | None = None
    all_of: Annotated[list[Code], Field(min_length=2)] | None = None
    parts: Annotated[Mapping[Code, Annotated[int, Field(gt=0)]], Field(min_length=2)] | None = None
    filter: Filter = Filter()
    unanswered: Literal["zero", "leaves"] | None = None
    floor: Percent | None = None

    @property
    def is_measured(self) -> bool:
        """Whether it is neither ``all_of`` nor ``parts`` others."""
        return self.all_of is None and self.parts is None

    @model_validator(mode="after")
    def _one_kind(self) -> Indicator:
        kinds = [self.all_of is not None, self.parts is not None]
        if sum(kinds) > 1:
            raise ValueError("an indicator has all_of or parts, not both")
        measured = {"denominator", "attribution", "numerator"}
        there = {name for name in measured if getattr(self, name) is not None}
        if self.is_measured:
            if absent := sorted(measured - there):
                raise ValueError(f"an indicator needs its source: {', '.join(absent)} is missing")
        elif there or self.unanswered is not None:
            raise ValueError("an indicator made of others has no denominator or numerator")
        if self.parts is not None and self.filter != Filter():
            raise ValueError("parts have filters of their own")
        return self

    @model_validator(mode="after")
    def _fits(self) -> Indicator:
        if self.numerator is None:
            return self
        source, denominator = self.numerator.source, self.denominator
        if source in TIMINGS and denominator != "settled":
            raise ValueError(f"source {source} goes with denominator settled")
        if self.attribution == "closed" and denominator != "closed":
            raise ValueError("only closed orders are booked when they were closed: not all of them")
        if self.attribution == "callback" and denominator != "valid_callbacks":
            raise ValueError("only valid callbacks are booked at the callback: others have none")
        if self.attribution == "due" and denominator not in ("settled", "valid_callbacks"):
            raise ValueError("booked at due are settled orders or valid callbacks")
        if self.unanswered is not None and source not in QUESTIONS:
            raise ValueError("unanswered is about the questions of a callback")
        return self
