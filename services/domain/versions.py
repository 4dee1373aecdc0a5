"""The dated versions of a policy, compiled: sets, tuples and functions instead of the document.

So that evaluating an order looks nothing up twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from schemas import policy as documents
from schemas.instants import EARLIEST, FOREVER, Instant, from_datetime
from schemas.policy.document import Cycle
from services.domain.calendar import WorkingDays
from services.domain.deadlines import DeadlineTable
from services.domain.exclusions import Reach, grounds_of, members_of, reach_of
from services.domain.measures import STEPS, Measure, Step, compile_measures, step_of
from services.domain.scorings import Scorings, compile_scorings
from services.domain.weighing import Weighed, weighed


@dataclass(frozen=True, slots=True)
class Indicator:
    """One rate, and what people call it."""

    code: str
    name_zh: str
    name_en: str
    document: documents.Indicator


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """One version: it judges what is attributed to [begins_at, ends_at).

    ``codes`` are the indicators that are counted, with their ``measures``; ``indicators`` are
    all, those made of `parts` too. ``assessed_types`` is None when all types are assessed.
    ``counts_callbacks``: an indicator counts valid callbacks. ``steps``: those whose deadlines
    matter. ``skipped``: types of events that change nothing here. ``weighed``: sources and
    weighted grades by which the best of several callbacks is found. ``reach``, ``members`` (of each
    of ``codes``), ``grounds``: what exclusions mean (`exclusions`). ``measured``: the indicators
    whose exclusion is the order's. ``departments``: the line department of a category. ``suspends``: a suspended order is out of all denominators.
    ``is_gated``: without a valid callback nothing is measured. ``keeps_first``: an order stays
    booked at its first valid callback.
    """

    document: documents.Rules
    version: str
    begins_at: Instant
    ends_at: Instant
    zone: ZoneInfo
    working_days: WorkingDays
    indicators: tuple[Indicator, ...]
    codes: tuple[str, ...]
    measures: tuple[Measure, ...]
    no_rates: tuple[None, ...]
    scorings: Scorings
    assessed_types: frozenset[str] | None
    counts_callbacks: bool
    deadlines: DeadlineTable
    steps: tuple[Step, ...]
    skipped: frozenset[str]
    questions: tuple[str, ...]
    raters: frozenset[str] | None
    weighed: Weighed
    reach: Reach
    members: tuple[frozenset[str], ...]
    measured: frozenset[str]
    grounds: Mapping[str, frozenset[str]] | None
    departments: tuple[tuple[str, str], ...]
    suspends: bool
    is_gated: bool
    keeps_first: bool


def compile_versions(
    header: documents.Header,
    versions: Sequence[documents.Rules],
    zone: ZoneInfo,
    working_days: WorkingDays,
) -> tuple[Rules, ...]:
    """Compile the versions of a policy, ascending; they fill all time without a gap."""
    return _without_gaps([_rules(header, rules, zone, working_days) for rules in versions])


def _rules(
    header: documents.Header, rules: documents.Rules, zone: ZoneInfo, working_days: WorkingDays
) -> Rules:
    measures = compile_measures(rules.indicators, rules.callbacks.unanswered, header.unit_groups)
    measured = [indicator for indicator in rules.indicators.values() if indicator.is_measured]
    sources = {indicator.numerator.source for indicator in measured if indicator.numerator}
    steps = {"resolve", *(step_of(indicator) for indicator in measured)}
    skipped = {
        "signed": "sign" not in steps,
        "contacted": "contact" not in steps and "evidence" not in sources,
    }
    reach = reach_of(rules.indicators)
    types, raters = rules.assessed_types, rules.callbacks.raters
    return Rules(
        document=rules,
        version=rules.version,
        begins_at=_begin_of(rules.effective.from_, header.cycle, zone, EARLIEST),
        ends_at=_begin_of(rules.effective.to, header.cycle, zone, FOREVER),
        zone=zone,
        working_days=working_days,
        indicators=tuple(
            Indicator(code, indicator.names.zh, indicator.names.en, indicator)
            for code, indicator in rules.indicators.items()
        ),
        codes=tuple(measures),
        measures=tuple(measures.values()),
        no_rates=(None,) * len(measures),
        scorings=compile_scorings(rules),
        assessed_types=None if types == "all" else frozenset(types),
        counts_callbacks=any(i.denominator == "valid_callbacks" for i in measured),
        deadlines=DeadlineTable(rules.deadlines, header.unit_groups, zone, working_days),
        steps=tuple(step for name, step in STEPS.items() if name in steps),
        skipped=frozenset(name for name, is_skipped in skipped.items() if is_skipped),
        questions=tuple(rules.callbacks.valid),
        raters=None if raters is None else frozenset(raters),
        weighed=weighed(rules.indicators, rules.score),
        reach=reach,
        members=members_of(rules.indicators),
        measured=frozenset(code for code, i in rules.indicators.items() if i.is_measured),
        grounds=grounds_of(rules.exclusions, reach),
        departments=tuple((entry.category, entry.unit) for entry in rules.line_departments),
        suspends=rules.suspensions.denominators == "out",
        is_gated=all(i.denominator == "valid_callbacks" for i in measured),
        keeps_first=rules.reopening.attribution == "first",
    )


def _begin_of(day: date | None, cycle: Cycle, zone: ZoneInfo, otherwise: Instant) -> Instant:
    """The instant at which a cycle that starts on this day does."""
    if day is None:
        return otherwise
    return from_datetime(datetime(day.year, day.month, day.day, cycle.start_hour, tzinfo=zone))


def _without_gaps(versions: Sequence[Rules]) -> tuple[Rules, ...]:
    """Let a version end where the next begins; where none is in force, none is assessed.

    Orders are then judged by the nearest version, with no assessed type: they are in the volume.
    """
    if versions[0].begins_at > EARLIEST:
        versions = [_idle(versions[0], EARLIEST, versions[0].begins_at), *versions]
    found: list[Rules] = []
    for rules, following in pairwise([*versions, None]):
        if rules is None:
            break
        until = FOREVER if following is None else following.begins_at
        if rules.ends_at in {FOREVER, until}:
            found.append(replace(rules, ends_at=until))
        else:
            found += [rules, _idle(rules, rules.ends_at, until)]
    return tuple(found)


def _idle(rules: Rules, begins_at: Instant, ends_at: Instant) -> Rules:
    return replace(rules, begins_at=begins_at, ends_at=ends_at, assessed_types=frozenset())
