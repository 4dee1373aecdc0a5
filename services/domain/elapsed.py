"""How long the lead unit took to sign, to contact and to resolve.

A time runs from the dispatch that sent the order to its lead unit to the lead's first act since, on
the wall clock: nothing is taken off for nights, holidays, extensions or suspensions, and no policy
changes it. It is known from the act on. A dispatch to whatever unit, and an accepted return, end
all of them: the next handling has times of its own. A reopening ends that of the resolution, which
the next report gives anew, from the same dispatch on: the citizen has waited since. A report that
came before the first dispatch, by clocks of two systems, took no time.

Who leads is told by the same events as in `effects` (a test holds the two together); which returns
were accepted is asked of the outcome, since that is the policy's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from schemas.instants import FOREVER, Instant
from schemas.records import Elapsed, Event, Outcome
from services.domain.corrections import in_order
from services.domain.timeline import LEAD

ACTS: Final[Mapping[str, str]] = {"signed": "sign", "contacted": "contact", "resolved": "resolve"}
"""The steps that are timed, by the event that ends them."""


def elapsed(events: Iterable[Event], outcome: Outcome) -> tuple[Elapsed, ...]:
    """The times of one order; none before it is received, as it is in no volume then.

    ``outcome`` is what `outcome.evaluate` gives for the same events, in which the caller has
    settled conflicts.
    """
    received_at = outcome.summary.received_at
    if received_at is None:
        return ()
    handling = _Handling(received_at)
    for event in in_order(events):
        type_ = event.type
        if type_ in ACTS:
            handling.report(event)
        elif type_ == "dispatched":
            handling.dispatch(event)
        elif type_ == "reopened":
            handling.undo("resolve", event.occurred_at)
        elif type_ == "returned" and handling.is_lead(event) and _is_accepted(event, outcome):
            handling.begin("", event.occurred_at)
    return handling.close()


class _Handling:
    """What the lead has done since the order was sent to it."""

    __slots__ = ("_done", "_early", "_found", "_lead", "_received_at", "_since")

    def __init__(self, received_at: Instant) -> None:
        self._received_at = received_at
        self._lead = ""  # while nobody leads
        self._since: Instant = received_at
        self._early: list[Event] | None = []  # reports before the first dispatch; then None
        self._done: dict[str, tuple[Instant, int]] = {}  # by step: known from when on, and how long
        self._found: list[Elapsed] = []

    def is_lead(self, event: Event) -> bool:
        return bool(self._lead) and event.data.get("unit") == self._lead

    def begin(self, lead: str, at: Instant) -> None:
        for step in tuple(self._done):
            self.undo(step, at)
        self._lead, self._since = lead, at

    def dispatch(self, event: Event) -> None:
        self.begin(event.data.get("unit", ""), event.occurred_at)
        early, self._early = self._early, None
        for report in early or ():
            self.report(report)

    def report(self, event: Event) -> None:
        if self._early is not None:
            self._early.append(event)
            return
        step, at = ACTS[event.type], event.occurred_at
        if self.is_lead(event) and step not in self._done:
            known_at = max(at, self._since, self._received_at)
            self._done[step] = known_at, max(at - self._since, 0)

    def undo(self, step: str, at: Instant) -> None:
        done = self._done.pop(step, None)
        if done is not None and done[0] < at:
            self._found.append(Elapsed(done[0], at, step, done[1]))

    def close(self) -> tuple[Elapsed, ...]:
        for step in tuple(self._done):
            self.undo(step, FOREVER)
        return tuple(sorted(self._found))


def _is_accepted(returned: Event, outcome: Outcome) -> bool:
    """Whether a return counts."""
    wanted = (LEAD, returned.data.get("unit"), "returned", returned.occurred_at)
    return any(span[2:6] == wanted for span in outcome.flat)
