"""Where the deadline of a step comes from: who set it, and all that was counted (docs/explain.md)."""

from __future__ import annotations

from typing import Literal, NamedTuple

from schemas.instants import Instant
from schemas.policy.deadlines import Duration
from services.domain.clocks import Clock
from services.domain.corrections import instant_of
from services.domain.deadlines import Counted, Interval, Pause, SkippedDay
from services.domain.measures import Step
from services.domain.work_order import WorkOrder

SetBy = Literal["platform", "extension", "rule"]


class Deadline(NamedTuple):
    """A deadline in force, and how it came about.

    ``rule`` is the place of the entry in the version's list, from 1, and ``duration`` what it
    gives; both None where the platform or an extension set the deadline, at ``set_at``.
    ``extensions`` are those that counted in this handling. ``ends_at`` is FOREVER while the clock
    rests without an end.
    """

    step: str
    version: str
    set_by: SetBy
    rule: int | None
    duration: Duration | None
    started_at: Instant
    set_at: Instant
    ends_at: Instant
    intervals: tuple[Interval, ...]
    skipped: tuple[SkippedDay, ...]
    pauses: tuple[Pause, ...]
    extensions: int


class TracedOrder(WorkOrder):
    """The same fold; it can also say where its deadlines come from."""

    __slots__ = ()

    @property
    def attempts(self) -> int:
        """How many times the citizen was called, as far as these calls still count."""
        return 0 if self.ratings is None else self.ratings.attempts

    @property
    def extended_to(self) -> Instant | None:
        """The deadline that the last extension of this handling set, pauses left out."""
        return self.clock.set_due if self.clock and self.clock.extensions else None

    def deadline(self, step: Step) -> Deadline | None:
        """Where the deadline of a step comes from, asked right after an event that may set it.

        Raises:
            CalendarError: it needs a year whose working days are not known.
        """
        ends_at: Instant | None = getattr(self, step.due)
        if ends_at is None:
            return None
        clock = self.clock if step.name == "resolve" else None
        started_at = self.handlers.get(self.lead) if clock is None else clock.started_at
        if clock is not None and clock.set_due is not None:
            return self._moved(step, clock, ends_at)
        if clock is None and (found := self._told(step)):
            told, set_at = found
            begun = set_at if started_at is None else started_at
            interval = Interval(begun, told) if begun < told else None
            return Deadline(
                step.name, self.rules.version, "platform", None, None, begun, set_at, ends_at,
                () if interval is None else (interval,), (), (), 0,
            )  # fmt: skip
        facts = self.facts() if clock is None else clock.facts
        pauses = () if clock is None else clock.pauses
        if facts is None or started_at is None:
            return None
        counted = self.rules.deadlines.counted(step.name, facts, started_at, tuple(pauses))
        return None if counted is None else self._counted(step, counted, ends_at)

    def _told(self, step: Step) -> tuple[Instant, Instant] | None:
        """The deadline that the platform set, and when."""
        own = self.dispatched.get(step.field) if self.lead else None
        text = own or self.received.get(step.field)
        if not text:
            return None
        by_dispatch = self.handlers.get(self.lead) if own else None
        received_at = self.first_at if self.received_at is None else self.received_at
        return instant_of(text), received_at if by_dispatch is None else by_dispatch

    def _moved(self, step: Step, clock: Clock, ends_at: Instant) -> Deadline:
        """A deadline that was set, with the pauses that moved it since."""
        pauses = tuple(
            (max(begins_at, clock.set_at), until)
            for begins_at, until in clock.pauses
            if max(begins_at, clock.set_at) < min(until, ends_at)
        )
        return Deadline(
            step.name, self.rules.version, "extension" if clock.extensions else "platform",
            None, None, clock.started_at, clock.set_at, ends_at,
            _between(clock.started_at, ends_at, pauses), (), pauses, clock.extensions,
        )  # fmt: skip

    def _counted(self, step: Step, counted: Counted, ends_at: Instant) -> Deadline:
        rule = counted.rule or 0
        duration: Duration | None = getattr(self.rules.document.deadlines[rule], step.name)
        return Deadline(
            step.name, self.rules.version, "rule", rule + 1, duration,
            counted.started_at, counted.started_at, ends_at,
            counted.intervals, counted.skipped, counted.pauses, 0,
        )  # fmt: skip


def _between(
    begins_at: Instant, ends_at: Instant, pauses: tuple[Pause, ...]
) -> tuple[Interval, ...]:
    """What runs on the wall clock between two instants, without the pauses."""
    found = []
    for from_, to in (*pauses, (ends_at, ends_at)):
        if begins_at < from_:
            found.append(Interval(begins_at, min(from_, ends_at)))
        begins_at = max(begins_at, to)
    return tuple(found)
