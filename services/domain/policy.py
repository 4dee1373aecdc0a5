"""A policy as the rules read it: checked, compiled once, and cut into dated versions.

`schemas.policy` says what may stand in a policy, `policy_text` reads it. Here the same becomes
sets, tuples and functions, so that evaluating an order looks nothing up twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from schemas import policy as documents
from schemas.instants import DAY, EARLIEST, FOREVER, Instant, from_datetime
from schemas.policy.deadlines import Calendar, Duration
from schemas.policy.document import Cycle
from services.domain.calendar import WorkingDays
from services.domain.deadlines import DeadlineTable
from services.domain.durations import midnight
from services.domain.exclusions import Reach, grounds_of, members_of, reach_of
from services.domain.measures import STEPS, Measure, Step, compile_measures, step_of
from services.domain.policy_text import Document, PolicyError, Text, read_document
from services.domain.scorings import Scorings, compile_scorings, misplaced_changes
from services.domain.weighing import Weighed, weighed

__all__ = ["Indicator", "Policy", "PolicyError", "Rules", "load_policy", "preset", "presets"]


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
    ``is_gated``: without a valid callback nothing is measured.
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


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """All versions of one policy, ascending and without a gap. Equal checksums: equal results."""

    id: str
    name_zh: str
    name_en: str
    checksum: str
    document: str
    header: documents.Header
    time_zone: ZoneInfo
    cycle: Cycle
    working_days: WorkingDays
    versions: tuple[Rules, ...]

    @property
    def version(self) -> str:
        """The name of the newest version."""
        return self.versions[-1].version

    def at(self, instant: Instant) -> Rules:
        """The version in force at an instant."""
        return next(rules for rules in self.versions if instant < rules.ends_at)

    def within(self, begins_at: Instant, ends_at: Instant) -> tuple[Rules, ...]:
        """The versions in force during [begins_at, ends_at)."""
        return tuple(
            rules
            for rules in self.versions
            if rules.begins_at < ends_at and begins_at < rules.ends_at
        )

    def unknown_years(self, from_day: date, days_ahead: int) -> tuple[int, ...]:
        """Years whose working days nobody knows, though orders of the coming days need them.

        Asked beforehand, so that no order has to be refused for want of a calendar.

        Args:
            from_day: The first local day of a dispatch.
            days_ahead: How many days later the last one may be.
        """
        begins_at = midnight(from_day, self.time_zone)
        needed = [
            duration.working_days
            for rules in self.within(begins_at, begins_at + (days_ahead + 1) * DAY)
            for duration in _durations(rules.document)
            if duration.working_days is not None
        ]
        if not needed:
            return ()
        return self.working_days.unknown_years(from_day, days_ahead, max(needed))


def preset(name: str) -> str:
    """The text of a policy that ships with the project (`presets`).

    Raises:
        PolicyError: there is no such policy.
    """
    known = presets()
    if name not in known:
        raise PolicyError(f"no such policy; there are {', '.join(known)}")
    return (files("schemas") / "policies" / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def presets() -> tuple[str, ...]:
    """The names that `preset` knows."""
    entries = (entry.name for entry in (files("schemas") / "policies").iterdir())
    return tuple(sorted(name[:-5] for name in entries if name.endswith(".yaml")))


def load_policy(text: str, *, time_zone: str | None = None, calendar: str | None = None) -> Policy:
    """Read a policy.

    Args:
        text: The document.
        time_zone: Replaces the document's own.
        calendar: A calendar file (YAML, `schemas.policy.deadlines.Calendar`), which replaces the
            document's own. What replaces stands in `Policy.document` too.

    Raises:
        PolicyError: naming line and path of every mistake.
    """
    if calendar is not None:
        return load_policy(_with_key(text, "calendar", _calendar(calendar)), time_zone=time_zone)
    if time_zone is not None:
        return load_policy(_with_key(text, "time_zone", json.dumps(time_zone)))
    found, source = read_document(text)
    if misplaced := misplaced_changes(found.header, found.versions):
        raise source.error(
            [
                (("versions", place, "effective"), f"{key} may change only where a cycle starts")
                for place, key in misplaced
            ]
        )
    return _compile(found, text)


def _with_key(text: str, key: str, value: str) -> str:
    """The text with another value of a key at the top, on the lines of the old one."""
    found = Text(text).span(key)
    if found is None:
        return f"{text.rstrip()}\n{key}: {value}\n"
    lines = text[found.start : found.end].count("\n")
    return f"{text[: found.start]}{value}{chr(10) * lines}{text[found.end :]}"


def _calendar(text: str) -> str:
    """A calendar file as one value of YAML.

    Raises:
        PolicyError: naming the mistakes of the file.
    """
    source = Text(text)
    try:
        found = Calendar.model_validate(source.value())
    except ValidationError as error:
        raise source.error(
            [(found["loc"], f"{found['msg']} (calendar file)") for found in error.errors()]
        ) from None
    return found.model_dump_json(exclude_defaults=True)


def _compile(found: Document, text: str) -> Policy:
    header = found.header
    zone = ZoneInfo(header.time_zone)
    working_days = WorkingDays(header.calendar)
    versions = [_rules(header, rules, zone, working_days) for rules in found.versions]
    return Policy(
        id=header.id,
        name_zh=header.names.zh,
        name_en=header.names.en,
        checksum=_checksum(found, working_days),
        document=text,
        header=header,
        time_zone=zone,
        cycle=header.cycle,
        working_days=working_days,
        versions=_without_gaps(versions),
    )


def _checksum(found: Document, working_days: WorkingDays) -> str:
    """Of all that results depend on: the document, and the days off if it counts working days."""
    parts = [found.header.model_dump_json(), *(rules.model_dump_json() for rules in found.versions)]
    if any(map(_counts_working_days, found.versions)):
        parts.append(working_days.fingerprint())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _counts_working_days(rules: documents.Rules) -> bool:
    return any(duration.working_days for duration in _durations(rules))


def _durations(rules: documents.Rules) -> list[Duration]:
    found = [rules.extensions.longest, rules.returns.within]
    for deadline in rules.deadlines:
        found += [deadline.sign, deadline.contact, deadline.resolve]
    return [duration for duration in found if duration is not None]


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
