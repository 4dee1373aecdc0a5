"""A policy as the rules read it: checked, with its dated versions compiled.

`schemas.policy` says what may stand in a policy, `policy_text` reads it, `versions` compiles it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from schemas import policy as documents
from schemas.instants import DAY, Instant
from schemas.policy.deadlines import Calendar, Duration
from schemas.policy.document import Cycle
from services.domain.calendar import WorkingDays
from services.domain.durations import midnight
from services.domain.policy_text import Document, PolicyError, Text, read_document
from services.domain.scorings import misplaced_changes
from services.domain.versions import Indicator, Rules, compile_versions

__all__ = ["Indicator", "Policy", "PolicyError", "Rules", "load_policy", "preset", "presets"]


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
        versions=compile_versions(header, found.versions, zone, working_days),
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
