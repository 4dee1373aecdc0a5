"""What must be sent so that the service holds of an order what the file says.

An event that is not stored is sent. A stored one is never sent again with other content, for the
log is the truth: each field that differs becomes a `corrected` event. A correction's id follows
from the state that it changes, so repeating an interrupted import repeats the same events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from schemas.codec import decode_event
from schemas.envelope import PREFIX
from schemas.instants import Instant, format_instant
from schemas.records import Event
from services.domain.corrections import CORRECTED, TIME, in_order
from services.ingest.importing.spool import FileOrder


class Difference(NamedTuple):
    """For one order: what is new, what is corrected, how many events are stored as they are.

    ``other_type`` are events that are stored as another type, which nothing can correct.
    ``late`` counts corrections that had to be dated after ``exported_at``, because the service
    holds a correction of a later export.
    """

    new: tuple[Event, ...]
    corrections: tuple[Event, ...]
    unchanged: int
    other_type: tuple[Event, ...]
    late: int

    @property
    def to_send(self) -> tuple[Event, ...]:
        """New events and corrections."""
        return self.new + self.corrections


def difference(order: FileOrder, stored: Sequence[Event], exported_at: Instant) -> Difference:
    """Compare one order.

    Args:
        order: what the file says.
        stored: the order's events of this source, corrections included.
        exported_at: when the file was made.

    Raises:
        EventError: a correction would break the contract (its id would be too long).
    """
    if not stored:
        return Difference(order.events, (), 0, (), 0)
    return _Comparison(order, stored, exported_at).result()


class _Comparison:
    def __init__(self, order: FileOrder, stored: Sequence[Event], exported_at: Instant) -> None:
        self._order: Final = order
        self._exported_at: Final = exported_at
        self._stored: Final = {event.id: event for event in stored}
        self._past: Final = [event for event in stored if event.type == CORRECTED]
        self._corrections: list[Event] = []
        self._late = 0

    def result(self) -> Difference:
        new: list[Event] = []
        held: list[Event] = []
        other_type: list[Event] = []
        for event in self._order.events:
            known = self._stored.get(event.id)
            if known is None:
                new.append(event)
            else:
                (held if known.type == event.type else other_type).append(event)
        self._correct_times(held)
        self._correct_data(held)
        changed = {event.data["event"] for event in self._corrections}
        unchanged = sum(event.id not in changed for event in held)
        return Difference(
            tuple(new), tuple(self._corrections), unchanged, tuple(other_type), self._late
        )

    def _correct_times(self, held: Sequence[Event]) -> None:
        effective = self._effective()
        for event in held:
            now = effective.get(event.id)
            if now is None or now.occurred_at != event.occurred_at:
                old = None if now is None else format_instant(now.occurred_at)
                self._correct(event.id, TIME, old, format_instant(event.occurred_at))
        for name in self._order.absent:
            if name in effective:
                self._correct(name, TIME, format_instant(effective[name].occurred_at), None)

    def _correct_data(self, held: Sequence[Event]) -> None:
        effective = self._effective()  # with the times corrected, no held event is withdrawn
        for event in held:
            now = effective[event.id]
            for field in sorted(now.data.keys() | event.data.keys()):
                old, new = now.data.get(field), event.data.get(field)
                if old != new:
                    self._correct(event.id, field, old, new)

    def _effective(self) -> dict[str, Event]:
        """The stored events after all corrections, those of this import too."""
        return {event.id: event for event in in_order([*self._stored.values(), *self._corrections])}

    def _correct(self, event: str, field: str, old: Any, new: Any) -> None:
        past = [earlier for earlier in self._past if earlier.data.get("event") == event]
        number = 1 + sum(earlier.data.get("field") == field for earlier in past)
        while f"{event}/{field}/{number}" in self._stored:
            number += 1
        last = max((earlier.occurred_at for earlier in past), default=self._exported_at - 1)
        self._late += last >= self._exported_at
        correction = {
            "specversion": "1.0",
            "type": PREFIX + CORRECTED,
            "source": self._stored[event].source,
            "id": f"{event}/{field}/{number}",
            "subject": self._order.id,
            "time": format_instant(max(self._exported_at, last + 1)),
            "data": {"event": event, "field": field, "old": old, "new": new},
        }
        self._corrections.append(decode_event(correction).event)
