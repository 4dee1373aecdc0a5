"""One hot order of a shard: its events by (source, id), and the outcome they fold to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.records import Event, LoggedEvent, Outcome

_Place = tuple[int, int, int]


class Taken(NamedTuple):
    """What one more copy of an event did to its order.

    ``new``: a content or an earlier place that the archive does not hold yet.
    ``refold``: which events count has changed. ``loser``: a copy that counts no longer, or never.
    """

    new: bool
    refold: bool
    loser: LoggedEvent | None


_DUPLICATE = Taken(new=False, refold=False, loser=None)


class OrderState:
    """The events of one order, all contents of each, and the outcome of those that count.

    Of several contents under one (source, id) the one at the lowest log position counts, so the
    result is a function of the set of copies and never of the order in which they were taken.
    """

    __slots__ = ("_copies", "outcome", "size")

    def __init__(self, archived: Iterable[LoggedEvent], outcome: Outcome | None) -> None:
        self._copies: dict[tuple[str, str], tuple[LoggedEvent, ...]] = {}
        self.outcome = outcome
        self.size = 0  # contents held
        for logged in archived:
            self.take(logged)

    def take(self, logged: LoggedEvent) -> Taken:
        """Add one copy of an event."""
        event = logged.event
        key = (event.source, event.id)
        copies = self._copies.get(key)
        if copies is None:
            self._copies[key] = (logged,)
            self.size += 1
            return Taken(new=True, refold=True, loser=None)
        known = next((copy for copy in copies if copy.event.digest == event.digest), None)
        if known is not None and _place(known) <= _place(logged):
            return _DUPLICATE if known is copies[0] else Taken(False, False, logged)
        self.size += known is None
        others = [copy for copy in copies if copy is not known]
        self._copies[key] = ranked = tuple(sorted([*others, logged], key=_place))
        refold = ranked[0].event.digest != copies[0].event.digest
        if ranked[0] is not logged:
            return Taken(new=True, refold=refold, loser=logged)
        return Taken(new=True, refold=refold, loser=copies[0] if refold else None)

    def latest(self) -> LoggedEvent:
        """Of the events that count, there is at least one, the last in the log."""
        return max((copies[0] for copies in self._copies.values()), key=_place)

    def events(self) -> list[Event]:
        """Those that count."""
        return [copies[0].event for copies in self._copies.values()]


def _place(logged: LoggedEvent) -> _Place:
    position = logged.position
    return (position.epoch, position.offset, logged.frame_index)
