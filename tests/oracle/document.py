"""A policy's text as the oracle reads it: validated, put together by version, nothing compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from schemas.instants import EARLIEST, FOREVER, Instant, from_datetime
from schemas.policy import Header, Rules


@dataclass(frozen=True)
class Version:
    """The rules in force during [begins_at, ends_at).

    ``assesses`` is False where no version is in force and the nearest one fills the gap.
    """

    rules: Rules
    begins_at: Instant
    ends_at: Instant
    assesses: bool
    header: Header
    zone: ZoneInfo
    is_working_day: Callable[[date], bool]

    def holds(self, at: Instant) -> bool:
        return self.begins_at <= at < self.ends_at


class _Plain(yaml.SafeLoader):
    """yes and no are words, numbers with a point are exact."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Plain.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(node.value))


def versions_of(text: str, is_working_day: Callable[[date], bool]) -> list[Version]:
    """All versions of a policy and what fills the gaps, from the beginning to the end of time."""
    raw: dict[str, Any] = yaml.load(text, Loader=_Plain)  # noqa: S506 - a SafeLoader
    header = Header.model_validate({key: raw[key] for key in Header.model_fields if key in raw})
    shared = {key: raw[key] for key in raw if key not in Header.model_fields}
    entries: list[Mapping[str, Any]] = shared.pop("versions", None) or [{}]
    documents = [Rules.model_validate({**shared, **entry}) for entry in entries]
    documents.sort(key=lambda rules: rules.effective.from_ or date.min)
    zone = ZoneInfo(header.time_zone)

    def version(rules: Rules, begins_at: Instant, ends_at: Instant, assesses: bool) -> Version:
        return Version(rules, begins_at, ends_at, assesses, header, zone, is_working_day)

    found: list[Version] = []
    covered = EARLIEST
    for number, rules in enumerate(documents):
        begins_at = _begin(rules.effective.from_, header, EARLIEST)
        ends_at = _begin(rules.effective.to, header, FOREVER)
        if number + 1 < len(documents):
            ends_at = min(ends_at, _begin(documents[number + 1].effective.from_, header, FOREVER))
        if covered < begins_at:
            found.append(version(documents[max(number - 1, 0)], covered, begins_at, False))
        found.append(version(rules, begins_at, ends_at, True))
        covered = ends_at
    if covered < FOREVER:
        found.append(version(documents[-1], covered, FOREVER, False))
    return found


def _begin(day: date | None, header: Header, otherwise: Instant) -> Instant:
    """Versions begin on their day at the hour at which a cycle does."""
    if day is None:
        return otherwise
    clock = time(header.cycle.start_hour)
    return from_datetime(datetime.combine(day, clock, ZoneInfo(header.time_zone)))
