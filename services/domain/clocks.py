"""Deadlines of one handling: from a dispatch on, with extensions and pauses (docs/rules.md)."""

from __future__ import annotations

from typing import Any

from schemas.instants import FOREVER, Instant
from services.domain.deadlines import Facts, Pause, ends_at
from services.domain.policy import Rules


class Clock:
    """The resolve deadline of one handling, and what moves it.

    ``set_due`` is a deadline that the platform or an extension set, at ``set_at``; without one
    the policy's list counts it, by the ``facts``.

    Args:
        started_at: The dispatch, or the reopening that restarted the clock.
        due: A deadline that the platform set; it comes before the policy's.
        facts: By what the policy finds its own; None until the order is received.
        restarted: By a reopening: then the policy's list counts, whatever the platform set.
    """

    __slots__ = (
        "_rules",
        "extensions",
        "facts",
        "pauses",
        "restarted",
        "set_at",
        "set_due",
        "started_at",
    )

    def __init__(
        self,
        rules: Rules,
        started_at: Instant,
        due: Instant | None,
        facts: Facts | None,
        *,
        restarted: bool = False,
    ) -> None:
        self.started_at = started_at
        self.facts = facts
        self.restarted = restarted
        self.extensions = 0
        self._rules = rules
        self.set_due = due
        self.set_at = started_at
        self.pauses: list[Pause] = []

    def inform(self, facts: Facts, due: Instant | None) -> None:
        """Tell what is known since the order was received; ``due`` counts if none is set yet."""
        self.facts = facts
        if self.set_due is None and not self.restarted:
            self.set_due = due

    def due(self) -> Instant | None:
        """When the order must be resolved; FOREVER while the clock rests, None: never."""
        due = self.set_due
        if due is None:
            return self._counted()
        for began_at, ended_at in self.pauses:
            begins_at = max(began_at, self.set_at)  # what rested before does not move it
            if begins_at < min(due, ended_at):
                due = FOREVER if ended_at == FOREVER else due + ended_at - begins_at
        return due

    def extend(self, due: Instant, at: Instant) -> None:
        """Set a new deadline, cut off where the longest extension of the policy ends."""
        longest = self._rules.document.extensions.longest
        if longest is not None:
            rules = self._rules
            due = min(due, ends_at(self.started_at, longest, rules.zone, rules.working_days))
        self.set_due = due
        self.set_at = at
        self.extensions += 1

    def rest(self, begins_at: Instant, until: Instant) -> None:
        """Let the clock rest; if it rests already, until another instant."""
        pauses = self.pauses
        if pauses and begins_at < pauses[-1][1]:
            until = max(until, begins_at)  # it has rested as long as it has
            begins_at = pauses.pop()[0]
        if begins_at < until:
            pauses.append((begins_at, until))

    def _counted(self) -> Instant | None:
        """The policy's deadline; one that would pass while the clock rests passes at its end."""
        if self.facts is None:
            return None
        due = self._rules.deadlines.due("resolve", self.facts, self.started_at, self.pauses)
        if due is None:
            return None
        return next((to for from_, to in self.pauses if from_ < due < to), due)


def facts_of(received: dict[str, Any], unit: str, handling: int) -> Facts:
    """What the policy's list of deadlines asks of an order."""
    return tuple.__new__(  # as in `work_order`: the class would take twice as long
        Facts,
        (
            received.get("urgency", ""),
            received.get("channel", ""),
            received.get("demand_type", ""),
            tuple(received.get("category", ())),
            tuple(received.get("tags", ())),
            unit,
            handling,
        ),
    )
