"""The fold: what is known about one order after some of its events (docs/rules.md).

Events are applied in order (`corrections.in_order`). What a unit does counts only while it leads
the order; what is requested or refused has no effect. Nothing here depends on the present time:
`outcome` asks what the state means at an instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from schemas.instants import FOREVER, Instant
from schemas.records import Event, OrderSummary
from services.domain.corrections import instant_of
from services.domain.policy import Indicator, Policy
from services.domain.windows import local_day

APPROVED: Final = "approved"


class Call(NamedTuple):
    """One attempt to ask the citizen, and the unit that led the order at that time.

    ``answers`` is None if the citizen was not reached.
    """

    unit: str
    at: Instant
    answers: Mapping[str, str] | None


class Occurrence(NamedTuple):
    """Something counted each time it happens: ``returned``, ``reopened``."""

    name: str
    unit: str
    at: Instant


class WorkOrder:
    """The state of one order. ``lead`` is "" while no unit leads it.

    ``resolve_due`` is the deadline in force, ``suspended_until`` the end of a suspension (None:
    not suspended, FOREVER: until resumed). ``excluded`` maps indicators to the ground, the
    latest exclusion last. ``standing`` is the callback that counts under the policy.
    """

    __slots__ = (
        "_call_days",
        "_calls",
        "_dispatched_at",
        "_early",
        "_handlers",
        "_platform_due",
        "_policy",
        "_reached",
        "_was_dispatched",
        "cancelled",
        "excluded",
        "first_at",
        "lead",
        "occurrences",
        "received",
        "received_at",
        "resolve_due",
        "resolved_at",
        "source",
        "standing",
        "suspended_until",
        "unreachable",
    )

    def __init__(self, policy: Policy, first: Event) -> None:
        self._policy = policy
        self.first_at: Instant = first.occurred_at
        self.source: str = first.source
        self.received_at: Instant | None = None
        self.received: Mapping[str, Any] = {}
        self.lead = ""
        self.resolve_due: Instant | None = None
        self.resolved_at: Instant | None = None
        self.suspended_until: Instant | None = None
        self.excluded: dict[str, str] = {}
        self.cancelled = False
        self.standing: Call | None = None
        self.unreachable = False
        self.occurrences: list[Occurrence] = []
        self._was_dispatched = False
        self._dispatched_at: Instant | None = None
        self._platform_due: Instant | None = None
        self._handlers: set[str] = set()  # units that got the order and have not returned it
        self._early: dict[str, Instant] = {}  # reports of units before the first dispatch
        self._calls: list[Call] = []
        self._reached = False  # by any of these calls
        self._call_days: set[int] = set()

    def summary(self) -> OrderSummary:
        """The columns people filter by."""
        received = self.received
        return OrderSummary(
            self.source,
            self.lead,
            self.received_at,
            received.get("demand_type", ""),
            received.get("channel", ""),
            received.get("urgency", ""),
            tuple(received.get("category", ())),
            received.get("community", ""),
            self.resolve_due,
            self.resolved_at,
        )

    def on_received(self, event: Event) -> None:
        """The order exists from here on, and keeps this instant."""
        if self.received_at is None:  # a second one, from another platform, changes nothing
            self.received_at = event.occurred_at
            self.received = event.data
            self.source = event.source
            self.resolve_due = self._deadline()

    def on_dispatched(self, event: Event) -> None:
        """A unit leads, and its clock starts: never at sign-off."""
        unit = event.data.get("unit", "")
        if unit != self.lead:
            self.lead = unit
            self.suspended_until = None
        # Clocks of two systems differ by seconds: a report may precede the first dispatch.
        self.resolved_at = None if self._was_dispatched else self._early.get(unit)
        self._was_dispatched = True
        self._handlers.add(unit)
        self._dispatched_at = event.occurred_at
        self._platform_due = _instant(event.data, "resolve_due")
        self.resolve_due = self._deadline()

    def on_resolved(self, event: Event) -> None:
        """Only the lead's report closes the order, the first one since it was sent to it."""
        unit = event.data.get("unit", "")
        if not self._was_dispatched:
            self._early.setdefault(unit, event.occurred_at)
        elif unit and unit == self.lead and self.resolved_at is None:
            self.resolved_at = event.occurred_at

    def on_callback(self, event: Event) -> None:
        """One more attempt to ask the citizen."""
        answers = event.data.get("answers", {}) if event.data.get("reached") else None
        call = Call(self.lead, event.occurred_at, answers)
        self._calls.append(call)
        self._weigh(call)

    def on_returned(self, event: Event) -> None:
        """An accepted return counts, and the unit no longer answers for the order (2.17)."""
        unit = event.data.get("unit", "")
        # The unit it names may have been replaced already, by a dispatch of the same second.
        if event.data.get("decision") != APPROVED or unit not in self._handlers:
            return
        self._handlers.remove(unit)
        self.occurrences.append(Occurrence("returned", unit, event.occurred_at))
        if self._calls:  # they rated the handling of a unit that was not responsible
            self._calls = [call for call in self._calls if call.unit != unit]
            self.standing, self.unreachable = None, False
            self._reached, self._call_days = False, set()
            for call in self._calls:
                self._weigh(call)
        if unit == self.lead:
            self.lead = ""
            self.resolved_at = None
            self.suspended_until = None
            self._dispatched_at = self._platform_due = None
            self.resolve_due = self._deadline()

    def on_extended(self, event: Event) -> None:
        """Only an extension approved before expiry moves the deadline."""
        due = _instant(event.data, "resolve_due")
        if due is None or not self._approved_for_lead(event.data):
            return
        decided_at = _instant(event.data, "decided_at")
        if decided_at is None:
            decided_at = event.occurred_at
        if self.resolve_due is None or decided_at < self.resolve_due:
            self.resolve_due = self._platform_due = due

    def on_suspended(self, event: Event) -> None:
        """The order rests until it is resumed, its time is over or another unit leads (2.14)."""
        if self._approved_for_lead(event.data):
            until = _instant(event.data, "until")
            self.suspended_until = FOREVER if until is None else until

    def on_resumed(self, event: Event) -> None:
        """The suspended order is taken up again."""
        if event.data.get("unit") == self.lead:
            self.suspended_until = None

    def on_excluded(self, event: Event) -> None:
        """The order leaves the denominators of some or all indicators."""
        ground = event.data.get("ground", "")
        for indicator in self._indicators(event.data):
            self.excluded.pop(indicator, None)
            self.excluded[indicator] = ground

    def on_reinstated(self, event: Event) -> None:
        """The exclusion from some or all indicators is taken back."""
        for indicator in self._indicators(event.data):
            self.excluded.pop(indicator, None)

    def on_reopened(self, event: Event) -> None:
        """The order is open again; its deadline stays until a dispatch sets a new one."""
        self.resolved_at = None
        unit = event.data.get("unit", self.lead)
        self.occurrences.append(Occurrence("reopened", unit, event.occurred_at))

    def on_cancelled(self, _event: Event) -> None:
        """The citizen withdrew the demand: not assessed any more."""
        self.cancelled = True

    def _deadline(self) -> Instant | None:
        """The last dispatch's own deadline, else the order's, else the policy's, else none."""
        if self._platform_due is not None:
            return self._platform_due
        due = _instant(self.received, "resolve_due")
        if due is None and self._dispatched_at is not None and self.received_at is not None:
            due = self._policy.resolve_deadline(self.received, self._dispatched_at)
        return due

    def _approved_for_lead(self, data: Mapping[str, Any]) -> bool:
        return data.get("decision") == APPROVED and data.get("unit") == self.lead

    def _indicators(self, data: Mapping[str, Any]) -> Iterable[str]:
        """The policy's indicators that an event lists; all of them if it lists none."""
        listed = data.get("indicators")
        codes = self._policy.codes
        return codes if not listed else [code for code in codes if code in listed]

    def _weigh(self, call: Call) -> None:
        """Find the callback that counts, and whether the citizen is out of reach."""
        policy = self._policy
        if call.answers and call.answers.get("solved"):
            self.standing = _basis(self.standing, call, policy)
        self._reached = self._reached or call.answers is not None
        if not self._reached:
            self._call_days.add(local_day(call.at, policy.time_zone))
        self.unreachable = (
            not self._reached
            and len(self._calls) >= policy.attempts
            and len(self._call_days) >= policy.attempt_days
        )


def grade(indicator: Indicator, answers: Mapping[str, str]) -> int | None:
    """Thousandths for one answer; None if the question was not answered."""
    answer = answers.get(indicator.source)
    return None if answer is None else indicator.grades.get(answer, 0)


def _basis(standing: Call | None, call: Call, policy: Policy) -> Call:
    """Of two valid callbacks the one that counts; ``call`` is the later one."""
    if standing is None or policy.basis == "last":
        return call
    if policy.basis == "first":
        return standing
    return call if _points(call, policy) >= _points(standing, policy) else standing


def _points(call: Call, policy: Policy) -> int:
    answers = call.answers or {}
    return sum(i.weight * (grade(i, answers) or 0) for i in policy.weighted)


def _instant(data: Mapping[str, Any], field: str) -> Instant | None:
    text = data.get(field)
    return None if text is None else instant_of(text)


# signed, contacted, corrected, appealed, reviewed and linked change nothing that is counted yet.
EFFECTS: Final[Mapping[str, Callable[[WorkOrder, Event], None]]] = {
    "received": WorkOrder.on_received,
    "dispatched": WorkOrder.on_dispatched,
    "resolved": WorkOrder.on_resolved,
    "callback": WorkOrder.on_callback,
    "returned": WorkOrder.on_returned,
    "extended": WorkOrder.on_extended,
    "suspended": WorkOrder.on_suspended,
    "resumed": WorkOrder.on_resumed,
    "excluded": WorkOrder.on_excluded,
    "reinstated": WorkOrder.on_reinstated,
    "reopened": WorkOrder.on_reopened,
    "cancelled": WorkOrder.on_cancelled,
}
