"""Which events an order is folded from: in order, with corrections applied.

A `corrected` event names another event of its source by ``id`` and says what one field of it
should have been: a data field (null empties it) or ``time`` (null withdraws the event). Of two
corrections of one field the one that sorts later counts; a correction may correct an earlier
correction. A correction whose target is not there (yet) changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from schemas.instants import DAY, EPOCH, SECOND, Instant
from schemas.records import Event

CORRECTED: Final = "corrected"
TIME: Final = "time"
_ID: Final = 3  # of an event, by place: asked of each, and quicker than by name
_TYPE: Final = 4

_Key = tuple[str, str]


def in_order(events: Iterable[Event]) -> list[Event]:
    """The events to fold, sorted by content alone, without repetitions and withdrawn events.

    Corrections stay in the list: they are events of the order, and tell when it was first seen.
    """
    ordered = sorted(events)
    before = ""
    for event in ordered:
        if event[_ID] == before or event[_TYPE] == CORRECTED:  # repetitions are side by side
            return _corrected(list({(each.source, each.id): each for each in ordered}.values()))
        before = event[_ID]
    return ordered


def instant_of(text: str) -> Instant:
    """Read an instant as `schemas.instants.format_instant` writes it: always UTC, always valid."""
    since = datetime.fromisoformat(text) - EPOCH
    return since.days * DAY + since.seconds * SECOND + since.microseconds


def _corrected(ordered: list[Event]) -> list[Event]:
    changes: dict[_Key, dict[str, Any]] = {}
    settled: set[_Key] = set()
    # Backwards: when a correction is reached, what later ones say about it is known already,
    # and of two values for one field the later one is there first.
    for event in ordered[::-1]:
        if event.type != CORRECTED:
            continue
        settled.add((event.source, event.id))
        correction = _changed(event, changes)
        if correction is not None:
            target = (event.source, correction.data.get("event", ""))
            field = correction.data.get("field")
            if field is not None and target not in settled:
                changes.setdefault(target, {}).setdefault(field, correction.data.get("new"))
    effective = (_changed(event, changes) for event in ordered)
    return sorted(event for event in effective if event is not None)


def _changed(event: Event, changes: dict[_Key, dict[str, Any]]) -> Event | None:
    """The event as corrected, or None if it is withdrawn."""
    fields = changes.get((event.source, event.id))
    if not fields:
        return event
    data = {**event.data, **fields}
    moved = data.pop(TIME, event.occurred_at)
    if moved is None:
        return None
    return event._replace(
        occurred_at=moved if isinstance(moved, int) else instant_of(moved),
        data={name: value for name, value in data.items() if value is not None},
    )
