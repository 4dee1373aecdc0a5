"""治理类: the dated list of governed units (domain.md 4.2, 4.3).

The list stands in a register to which entries are only added: a unit is added and removed by an
entry each, with ground and approver, and every cycle a note may say how it gets on. Units that
left the list stay watched for some months.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instants import FOREVER, Instant, from_datetime, to_datetime

Kind = Literal["added", "removed", "note"]
Progress = Literal["on_track", "slow"]
State = Literal["announced", "governed", "watched", "left"]

WATCHED_MONTHS: Final = 3  # DEFAULT: no public text says how long

_YEAR: Final = 12


class Entry(NamedTuple):
    """One entry. ``at``: from when on it counts; the last three but one are those of a note."""

    id: str
    kind: Kind
    unit: str
    at: Instant
    cycle: str
    progress: Progress | Literal[""]
    text: str
    ground: str
    approver: str
    recorded_at: Instant


class Stay(NamedTuple):
    """A unit's time on the list, [begins_at, ends_at); FOREVER while it stays."""

    added: Entry
    removed: Entry | None

    @property
    def begins_at(self) -> Instant:
        """When it was added."""
        return self.added.at

    @property
    def ends_at(self) -> Instant:
        """When it was removed."""
        return self.removed.at if self.removed else FOREVER

    def watched_until(self, zone: ZoneInfo) -> Instant | None:
        """The end of the after-watch: the same local day and time, clamped to the month's length."""
        if self.removed is None:
            return None
        local = to_datetime(self.removed.at).astimezone(zone)
        months = local.year * _YEAR + local.month - 1 + WATCHED_MONTHS
        year, month = months // _YEAR, months % _YEAR + 1
        day = min(local.day, monthrange(year, month)[1])
        return from_datetime(local.replace(year=year, month=month, day=day))

    def state(self, at: Instant, zone: ZoneInfo) -> State:
        """What the unit is at an instant."""
        if at < self.begins_at:
            return "announced"
        if at < self.ends_at:
            return "governed"
        until = self.watched_until(zone)
        return "watched" if until is not None and at < until else "left"


def stays(entries: Iterable[Entry]) -> list[Stay]:
    """Every unit's times on the list, by unit and beginning."""
    found: list[Stay] = []
    opened: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda each: (each.at, each.recorded_at, each.id)):
        if entry.kind == "added":
            opened.setdefault(entry.unit, entry)
        elif entry.kind == "removed" and entry.unit in opened:
            found.append(Stay(opened.pop(entry.unit), entry))
    found += [Stay(added, None) for added in opened.values()]
    return sorted(found, key=lambda stay: (stay.added.unit, stay.begins_at))


def governed_at(entries: Iterable[Entry], at: Instant) -> frozenset[str]:
    """The units on the list at an instant."""
    return frozenset(
        stay.added.unit for stay in stays(entries) if stay.begins_at <= at < stay.ends_at
    )


def contradicts(entries: Iterable[Entry], new: Entry) -> bool:
    """Whether a unit would be added twice, or removed without being on the list from before.

    Nothing may be entered before what is known of the unit already: the list of a past instant
    stays as it was read.
    """
    own = [entry for entry in entries if entry.unit == new.unit and entry.kind != "note"]
    last = max(own, key=lambda each: (each.at, each.recorded_at), default=None)
    if last is None:
        return new.kind != "added"
    return new.kind != "note" and (last.kind == new.kind or new.at <= last.at)
