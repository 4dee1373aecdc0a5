"""Finds appeals: folded from the events of their orders that the shards have stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas.instants import Instant
from schemas.records import Event, FlushMark
from schemas.topics import partition_of
from services.domain.appeals import Appeal, DistrictOf, State, appeals_of
from services.domain.policy import Policy
from services.storage import appeals as stored
from services.storage import cycles
from services.storage.appeals import Asked, Filing
from services.storage.database import Database

_BATCH: Final = 200
_SCANNED: Final = 2_000  # filings that one page looks at


@dataclass(frozen=True, slots=True)
class Book:
    """What is stored when a question is asked. ``at``: a past instant; None is live."""

    database: Database
    policy: Policy
    marks: Mapping[int, FlushMark]
    district_of: DistrictOf
    now: Instant
    at: Instant | None = None

    def instant_of(self, subject: str) -> Instant:
        """When an order is looked at: live, at the stored clock of its shard."""
        if self.at is not None:
            return self.at
        mark = self.marks.get(partition_of(subject, len(self.marks))) if self.marks else None
        return mark.clock if mark else self.now

    def events_of(self, subjects: list[str]) -> dict[str, list[Event]]:
        """The stored events of orders, of a conflict the first content (blocking)."""
        if not self.marks:
            return {}
        return {
            subject: [logged.event for logged in found]
            for subject, found in cycles.events_until(self.database, subjects, self.marks)
        }

    def folded(self, events: list[Event], at: Instant | None = None) -> list[Appeal]:
        """The appeals of one order, by its events."""
        if not events:
            return []
        when = self.instant_of(events[0].subject) if at is None else at
        return appeals_of(events, self.policy, self.district_of, when)


class Found(NamedTuple):
    """An appeal, and the events of its order."""

    appeal: Appeal
    events: list[Event]


class Chosen(NamedTuple):
    """Which appeals a list holds: of a unit, in a state, filed in [from, to), with a missed term."""

    asked: Asked
    state: State | None = None
    overdue: bool | None = None

    def fits(self, appeal: Appeal) -> bool:
        """Whether an appeal is in the list."""
        asked = self.asked
        return (
            asked.unit in ("", appeal.unit)
            and (asked.begins_at is None or asked.begins_at <= appeal.filed_at)
            and (asked.ends_at is None or appeal.filed_at < asked.ends_at)
            and self.state in (None, appeal.state)
            and self.overdue in (None, bool(appeal.missed))
        )


class Page(NamedTuple):
    """Appeals, and where the next page goes on; None at the end."""

    appeals: list[Appeal]
    next: Filing | None


def find(book: Book, number: str, order: str | None = None) -> Found | None:
    """The appeal of a number, of several orders that of the first by name (blocking)."""
    subjects = [order] if order is not None else stored.orders_with(book.database, number)
    for begin in range(0, len(subjects), _BATCH):
        for events in book.events_of(subjects[begin : begin + _BATCH]).values():
            for appeal in book.folded(events):
                if appeal.number == number:
                    return Found(appeal, events)
    return None


def page(book: Book, chosen: Chosen, after: Filing | None, limit: int) -> Page:
    """A page of appeals, the last filed first (blocking)."""
    found: list[Appeal] = []
    for _ in range(_SCANNED // _BATCH):
        filings = stored.filings(book.database, chosen.asked, after, _BATCH)
        events = book.events_of(sorted({filing.subject for filing in filings}))
        by_order = {subject: book.folded(own) for subject, own in events.items()}
        for filing in filings:
            after = filing
            own = by_order.get(filing.subject, [])
            found += [each for each in own if _files(each, filing) and chosen.fits(each)]
            if len(found) == limit:
                return Page(found, after)
        if len(filings) < _BATCH:
            return Page(found, None)
    return Page(found, after)


def _files(appeal: Appeal, filing: Filing) -> bool:
    """Whether an appeal was filed by this event."""
    first = next(entry for entry in appeal.history if entry.what == "filed")
    return (first.source, first.event) == (filing.source, filing.id)
