"""Which orders count differently than in a revision, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas.instants import Instant
from schemas.records import FlushMark, LoggedEvent
from schemas.topics import partition_of
from services.api.cycles.described import read_inputs
from services.api.cycles.models import CAUSES_ZH, Cause, Counted, OrderChange
from services.api.writing import local_text, thousandths_text
from services.domain.cycle_revision import Mark, OrderPart, part_of
from services.domain.policy import Policy
from services.domain.what_if import reach
from services.storage import cycles
from services.storage.cycles import ChangedOrder, Late, StoredRevision
from services.storage.database import Database

_EXCLUSIONS: Final = frozenset({"excluded", "reinstated"})
_COUNTED_BY_NOTHING: Final = frozenset({"appealed", "reviewed", "linked"})


class Page(NamedTuple):
    """Changed orders, and from where the next page goes on; None at the end."""

    orders: list[OrderChange]
    next: str | None


def between(
    db: Database, before: StoredRevision, after: StoredRevision, since: str, limit: int
) -> Page:
    """Orders that two revisions count differently, ascending (blocking)."""
    found = cycles.changed_orders(db, before.computation, after.computation, since, limit)
    old, (new, policy, _) = read_inputs(before.inputs)[0], read_inputs(after.inputs)
    events = cycles.events_until(db, [each.subject for each in found], new.flush_marks())
    arrived = {subject: _beyond(own, subject, old.marks) for subject, own in events}
    orders = [_change(each, arrived[each.subject], policy) for each in found]
    return Page(orders, found[-1].subject if len(found) == limit else None)


def pending(
    db: Database,
    last: StoredRevision,
    marks: Mapping[int, FlushMark],
    at: Instant,
    *,
    since: str,
    limit: int,
) -> Page:
    """Orders that count otherwise at ``at`` than in the last revision (blocking).

    ``limit`` orders are looked at, those that something happened to; not all of them count
    otherwise, so a page may hold fewer, and none.
    """
    inputs, policy, of = read_inputs(last.inputs)
    late = Late(last.computation, inputs.marks, marks, reach(policy, of))
    subjects = cycles.candidates(db, late, at, since, limit)
    stored = cycles.orders(db, last.computation, subjects)
    orders = []
    for subject, logged in cycles.events_until(db, subjects, marks):
        part = part_of(subject, [each.event for each in logged], policy, of, at)
        change = ChangedOrder(subject, stored.get(subject, (0, "[]"))[1], _line(part))
        if change.before != change.after:
            orders.append(_change(change, _beyond(logged, subject, inputs.marks), policy))
    return Page(orders, subjects[-1] if len(subjects) == limit else None)


def _line(part: OrderPart | None) -> str:
    return "[]" if part is None else part.line()


def _beyond(events: Sequence[LoggedEvent], subject: str, marks: Sequence[Mark]) -> list[str]:
    """The types of the events that a revision had not stored."""
    own = partition_of(subject, len(marks))
    last = next((mark.epoch, mark.offset) for mark in marks if mark.shard == own)
    return sorted({each.event.type for each in events if each.position > last})


def _change(found: ChangedOrder, arrived: list[str], policy: Policy) -> OrderChange:
    before, after = (json.loads(text or "[]") for text in (found.before, found.after))
    causes = list(_causes(arrived))
    return OrderChange(
        order=found.subject,
        causes=causes,
        causes_zh=[CAUSES_ZH[cause] for cause in causes],
        events=arrived,
        removed=[_counted(each, policy) for each in before if each not in after],
        added=[_counted(each, policy) for each in after if each not in before],
    )


def _causes(arrived: Sequence[str]) -> Iterator[Cause]:
    counted = set(arrived) - _COUNTED_BY_NOTHING
    if counted & _EXCLUSIONS:
        yield "exclusion"
    if counted - _EXCLUSIONS:
        yield "late_event"
    if not counted:
        yield "deadline"


def _counted(found: Sequence[Any], policy: Policy) -> Counted:
    ranking, unit, indicator, attributed_at, denominator, numerator = found
    return Counted(
        ranking=ranking,
        unit=unit,
        indicator=indicator,
        attributed_at=local_text(attributed_at, policy.time_zone),
        denominator=denominator,
        numerator=thousandths_text(numerator),
    )
