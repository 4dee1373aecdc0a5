"""The deadlines of an order, and whether they have passed."""

from __future__ import annotations

from functools import cached_property

from schemas.instants import FOREVER, Instant, parse_instant
from schemas.records import Event
from tests.oracle.durations import Beginning, Pauses, ends_at, fits, shifted
from tests.oracle.history import History, approved, told_at


class Clocks(History):
    """A history that knows its deadlines. ``at`` is an instant no earlier than its last event."""

    @cached_property
    def _dues(self) -> dict[str, Instant | None]:
        return {}

    def due(self, step: str) -> Instant | None:
        """The deadline in force; FOREVER while its clock rests without an end."""
        if step not in self._dues:
            self._dues[step] = self._due(step)
        return self._dues[step]

    def passed(self, step: str, at: Instant) -> bool:
        due = self.due(step)
        return due is not None and due <= at

    def booked_due(self, step: str) -> Instant | None:
        """Under ``first`` a reopening or another dispatch to the unit moves no settled booking.

        None while the clock rests without an end.
        """
        if self.rules.reopening.attribution == "first" and self.tenure is not None:
            for n, event in self.of_type("reopened", "dispatched"):
                if n > self.tenure:
                    before, then = self.before(n), event.occurred_at
                    due = before.due(step)
                    done = before.done(step) is not None
                    if due not in {None, FOREVER} and (done or before.passed(step, then)):
                        return due
        due = self.due(step)
        return None if due == FOREVER else due

    # --- who set the deadline

    def _due(self, step: str) -> Instant | None:
        if self.stint is None:
            return self._platform_due(step, None)
        if step == "resolve" and self.extensions:
            return self._extended_due(self.extensions[-1][1])
        if step == "resolve" and self._handling is not None and self._handling != self.stint:
            return self._listed_due(step, self._handling)
        platform = self._platform_due(step, self.events[self.stint])
        if platform is not None:
            return shifted(self.events[self.stint].occurred_at, platform, self._pauses(step))
        return self._listed_due(step, self.stint)

    def _platform_due(self, step: str, dispatch: Event | None) -> Instant | None:
        for event in (dispatch, self.received):
            if event is not None and f"{step}_due" in event.data:
                return parse_instant(event.data[f"{step}_due"])
        return None

    def _listed_due(self, step: str, begins: int) -> Instant | None:
        """By the policy's list, from the dispatch or the reopening at this place of the list."""
        if self.received is None:
            return None
        started_at = self.events[begins].occurred_at
        begun = Beginning(self.lead, self.before(begins + 1).round, started_at)
        for entry in self.rules.deadlines:
            duration = getattr(entry, step)
            if duration is not None and fits(entry.match, self.received.data, begun, self.version):
                return ends_at(started_at, duration, self.version, self._pauses(step))
        return None

    @cached_property
    def _handling(self) -> int | None:
        """Index of the dispatch, or of the reopening that restarted the clock of resolving."""
        if self.stint is None or self.rules.reopening.clock == "stays":
            return self.stint
        return max([self.stint, *(n for n, _ in self.of_type("reopened"))])

    # --- extensions

    @cached_property
    def extensions(self) -> list[tuple[int, Event]]:
        """Those that count in the present handling."""
        begun = self._handling
        told = [(n, e) for n, e in self.of_type("extended") if begun is not None and n > begun]
        return [(n, event) for n, event in told if self.before(n).can_extend(event)]

    def can_extend(self, event: Event) -> bool:
        rules = self.rules.extensions
        if not approved(event) or not self.lead or event.data.get("unit") != self.lead:
            return False
        if "resolve_due" not in event.data:
            return False
        if rules.times is not None and len(self.extensions) >= rules.times:
            return False
        due = self.due("resolve")
        in_time = due is None or told_at(event, "decided_at") < due
        return in_time or rules.approved == "always"

    def _extended_due(self, event: Event) -> Instant:
        assert self._handling is not None
        due = parse_instant(event.data["resolve_due"])
        longest = self.rules.extensions.longest
        if longest is not None:
            due = min(due, ends_at(self.events[self._handling].occurred_at, longest, self.version))
        return shifted(event.occurred_at, due, self._pauses("resolve"))

    def _pauses(self, step: str) -> Pauses:
        """When the clock rests, as far as is known; that of resolving alone does."""
        rests = step == "resolve" and self.rules.suspensions.clock == "pauses"
        return tuple(self.rests) if rests else ()
