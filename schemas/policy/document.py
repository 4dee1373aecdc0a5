"""The policy document: what an office may write, and how it becomes dated versions.

The keys of `Header` are the same for all versions. Those of `Rules` stand at the top when there
is one version; a document with ``versions`` lists several, each with the keys that are its own,
and what a version leaves out is as at the top.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from schemas.events import DemandType
from schemas.policy.alerts import AlertRule, contradictory_alerts
from schemas.policy.appeals import Appeals
from schemas.policy.deadlines import Calendar, Day, Deadline
from schemas.policy.handling import (
    Callbacks,
    Exclusion,
    Extensions,
    Reopening,
    Returns,
    Suspensions,
)
from schemas.policy.indicators import Indicator
from schemas.policy.parts import Code, Names, Part, Words, ZoneName
from schemas.policy.scores import (
    Annual,
    Classes,
    LineDepartment,
    RankingRules,
    Score,
    Scoring,
)

Path = tuple[int | str, ...]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Cycle(Part):
    """How business time is cut. All in the policy's zone.

    The assessment cycle is a ``month`` that starts on ``start_day`` (of the previous month, if it
    is not the 1st), or a ``quarter`` of the calendar, at ``start_hour`` o'clock; so do versions. An operational day ends at ``day_cut``
    o'clock, 0 for calendar days. The week begins on ``week_starts``, the assessment year with
    the month ``year_starts``.
    """

    kind: Literal["month", "quarter"] = "month"
    start_day: Annotated[int, Field(ge=1, le=28)] = 1
    start_hour: Annotated[int, Field(ge=0, le=23)] = 0
    day_cut: Annotated[int, Field(ge=0, le=23)] = 12
    week_starts: Weekday = "friday"
    year_starts: Annotated[int, Field(ge=1, le=12)] = 11

    @model_validator(mode="after")
    def _fits(self) -> Cycle:
        if self.kind == "quarter" and self.start_day != 1:
            raise ValueError("a quarter starts on the 1st")
        return self


class Effective(Part):
    """[from, to): the version judges what is attributed to this time. Left out: for ever.

    Local days, which begin at the hour at which a cycle does.
    """

    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None

    @model_validator(mode="after")
    def _lasts(self) -> Effective:
        if self.from_ is not None and self.to is not None and self.from_ >= self.to:
            raise ValueError("a version ends after it begins")
        return self


class Header(Part):
    """What all versions of a policy share. ``unit_groups`` name units by their codes."""

    id: Code
    names: Names
    time_zone: ZoneName
    cycle: Cycle
    calendar: Calendar = Calendar()
    unit_groups: Mapping[Code, Words] = Field(default_factory=dict)


class Rules(Part):
    """One version. ``assessed_types`` lists the demand types that are assessed, or is ``all``."""

    version: Annotated[str, StringConstraints(min_length=1, max_length=50)]
    effective: Effective = Effective()
    assessed_types: Literal["all"] | Annotated[list[DemandType], Field(min_length=1)]
    callbacks: Callbacks = Callbacks()
    deadlines: list[Deadline] = Field(default_factory=list)
    extensions: Extensions = Extensions()
    returns: Returns = Returns()
    suspensions: Suspensions = Suspensions()
    reopening: Reopening = Reopening()
    exclusions: Annotated[list[Exclusion], Field(min_length=1)] | None = None
    appeals: Appeals = Appeals()
    indicators: Annotated[Mapping[Code, Indicator], Field(min_length=1)]
    score: Score
    ranking: RankingRules
    rankings: list[Scoring] = Field(default_factory=list)
    line_departments: list[LineDepartment] = Field(default_factory=list)
    classes: Classes = Classes()
    annual: Annual | None = None
    alerts: list[AlertRule] = Field(
        [AlertRule(rule="bottom_entered"), AlertRule(rule="bottom_left")]
    )


def contradictions(header: Header, rules: Rules) -> Iterator[tuple[Path, str]]:
    """What one version says that does not fit together: where, and why."""
    yield from _unknown_parts(rules.indicators)
    yield from _unknown_groups(header, rules)
    scores: list[tuple[Path, Score]] = [(("score",), rules.score)]
    scores += [
        (("rankings", place, "score"), entry.score)
        for place, entry in enumerate(rules.rankings)
        if entry.score is not None
    ]
    for path, score in scores:
        key = "points" if score.points else "weights"
        yield from _unknown_indicators((*path, key), score.codes, rules)
    yield from _shadowed(rules.rankings)
    yield from contradictory_alerts(rules.alerts, rules.indicators)
    for place, exclusion in enumerate(rules.exclusions or ()):
        if exclusion.indicators != "all":
            path = ("exclusions", place, "indicators")
            yield from _unknown_indicators(path, exclusion.indicators, rules)
    if rules.exclusions is not None:
        accepted = {exclusion.ground for exclusion in rules.exclusions}
        for ground in rules.appeals.grounds or ():
            if ground not in accepted:
                yield ("appeals", "grounds"), f"{ground} is no ground of exclusions"


def _shadowed(rankings: Sequence[Scoring]) -> Iterator[tuple[Path, str]]:
    """Entries that never count: the first one that fits does."""
    for place, entry in enumerate(rankings):
        before = {(each.kind, each.group) for each in rankings[:place]}
        if before & {(entry.kind, entry.group), (entry.kind, None)}:
            yield (
                ("rankings", place),
                "never counts: an entry before it fits all that this one does",
            )


def _unknown_indicators(
    path: Path, codes: Iterable[str], rules: Rules
) -> Iterator[tuple[Path, str]]:
    for code in codes:
        if code not in rules.indicators:
            yield path, f"{code} is no indicator"


def _unknown_parts(known: Mapping[str, Indicator]) -> Iterator[tuple[Path, str]]:
    for code, indicator in known.items():
        for part in indicator.all_of or ():
            if part not in known or not known[part].is_measured:
                yield ("indicators", code, "all_of"), f"{part} is no measured indicator"
        for part in indicator.parts or ():
            if part not in known or known[part].parts is not None:
                yield ("indicators", code, "parts"), f"{part} is no indicator without parts"


def _unknown_groups(header: Header, rules: Rules) -> Iterator[tuple[Path, str]]:
    named: list[tuple[Path, Sequence[str]]] = [
        (("indicators", code, "filter", "unit_group"), indicator.filter.unit_group or ())
        for code, indicator in rules.indicators.items()
    ]
    named += [
        (("deadlines", place, "match", "unit_group"), deadline.match.unit_group or ())
        for place, deadline in enumerate(rules.deadlines)
    ]
    for path, groups in named:
        for group in groups:
            if group not in header.unit_groups:
                yield path, f"unit_groups names no group {group}"
