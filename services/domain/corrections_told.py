"""What the platforms told and what counts: the events of an order before and after corrections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from schemas.records import Event
from services.domain.corrections import CORRECTED, TIME, instant_of

Fate = Literal["", "corrects", "overruled", "no_target", "withdrawn"]


class CorrectedField(NamedTuple):
    """``time`` or a field of the data: as told, and as it counts. None: nothing."""

    field: str
    told: Any
    counts: Any


class Told(NamedTuple):
    """One event as it counts; a withdrawn one as it was told.

    ``fate`` of a correction: it ``corrects``, another one counts (``overruled``), or its event is
    not there (``no_target``); of any event: ``withdrawn``. ``target``: the event that a correction
    names, as it was told.
    """

    event: Event
    fields: tuple[CorrectedField, ...] = ()
    fate: Fate = ""
    target: Event | None = None


def compare(told: Iterable[Event], ordered: Sequence[Event]) -> list[Told]:
    """Every event once, in the order of the fold; withdrawn ones where they were told.

    Args:
        told: All events as they arrived.
        ordered: The same as `corrections.in_order` gives them.
    """
    originals = {(event.source, event.id): event for event in told}
    effective = {(event.source, event.id): event for event in ordered}
    found = [
        _as_it_counts(event, originals[event.source, event.id], originals, effective)
        for event in ordered
    ]
    withdrawn = originals.keys() - effective.keys()
    found += [Told(originals[key], fate="withdrawn") for key in withdrawn]
    return sorted(found, key=lambda each: each.event[:4])


_ByKey = Mapping[tuple[str, str], Event]


def _as_it_counts(event: Event, original: Event, originals: _ByKey, effective: _ByKey) -> Told:
    fields = tuple(_corrected_fields(original, event)) if event is not original else ()
    if event.type != CORRECTED:
        return Told(event, fields)
    key = (event.source, event.data.get("event", ""))
    target = originals.get(key)
    if target is None:
        return Told(event, fields, "no_target")
    holds = _holds(event.data.get("field", ""), event.data.get("new"), effective.get(key))
    return Told(event, fields, "corrects" if holds else "overruled", target)


def _holds(field: str, new: object, target: Event | None) -> bool:
    """Whether the target says what the correction wants."""
    if target is None:
        return field == TIME and new is None
    if field == TIME:
        return isinstance(new, str) and instant_of(new) == target.occurred_at
    return bool(target.data.get(field) == new)


def _corrected_fields(told: Event, counts: Event) -> Iterable[CorrectedField]:
    if told.occurred_at != counts.occurred_at:
        yield CorrectedField(TIME, told.occurred_at, counts.occurred_at)
    for field in dict.fromkeys((*told.data, *counts.data)):
        before, after = told.data.get(field), counts.data.get(field)
        if before != after:
            yield CorrectedField(field, before, after)
