"""What each event does to an order (docs/rules.md).

What a unit does counts only while it leads the order; what is requested or refused has no effect.
An event that changes nothing says why, by one of the words below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from schemas.instants import FOREVER, Instant
from schemas.records import Event
from services.domain.clocks import Clock
from services.domain.corrections import instant_of
from services.domain.deadlines import ends_at
from services.domain.ratings import Ratings
from services.domain.work_order import Occurrence, WorkOrder

APPROVED: Final = "approved"

# Why an event changed nothing.
NOT_APPROVED: Final = "not_approved"
NOT_LEAD: Final = "not_lead"
REPEATED: Final = "repeated"
NOT_RESPONSIBLE: Final = "not_responsible"
TOO_LATE: Final = "too_late"
TOO_OFTEN: Final = "too_often"
NO_DEADLINE: Final = "no_deadline"
GROUND_NOT_ACCEPTED: Final = "ground_not_accepted"
NOT_EXCLUDED: Final = "not_excluded"
NOT_SUSPENDED: Final = "not_suspended"
EARLY: Final = "early"  # it will count from the first dispatch on


def received(order: WorkOrder, event: Event) -> str | None:
    """The order exists from here on, and keeps this instant."""
    if order.received_at is not None:  # a second one, from another platform
        return REPEATED
    order.received_at = event.occurred_at
    order.received = event.data
    order.source = event.source
    order.set_dues()
    return None


def dispatched(order: WorkOrder, event: Event) -> str | None:
    """A unit leads, and its clock starts: never at sign-off."""
    unit, at = event.data.get("unit", ""), event.occurred_at
    if unit == order.lead:
        order.book(at)
    else:
        order.lead = unit
        order.suspended_until = None
        order.closed_at = None
        order.booked = {}
    if unit:  # a correction may have emptied it: then no unit leads, and no clock runs
        order.handlers[unit] = at
    order.handling = event.data.get("round", 1)
    order.signed_at = order.contacted_at = order.resolved_at = None
    order.evidence = False
    order.dispatched = event.data
    order.started_at = order.handlers.get(unit)
    order.clock = None
    order.set_dues()
    if order.suspended_until is not None:
        order.rest(at, order.suspended_until)
    # Clocks of two systems differ by seconds: a report may precede the first dispatch.
    early, order.early = order.early, None
    for report in early or ():
        if report.data.get("unit") == unit:
            EFFECTS[report.type](order, report)
    return None


def signed(order: WorkOrder, event: Event) -> str | None:
    """The lead has taken it over."""
    if refused := _refuse_report(order, event, order.signed_at):
        return refused
    order.signed_at = event.occurred_at
    return None


def contacted(order: WorkOrder, event: Event) -> str | None:
    """The lead says that it spoke to the citizen; that adds nothing to the response rate."""
    proves = _take_evidence(order, event)
    if refused := _refuse_report(order, event, order.contacted_at):
        return None if proves else refused
    order.contacted_at = event.occurred_at
    return None


def resolved(order: WorkOrder, event: Event) -> str | None:
    """Only the lead's report closes the order, the first one since it was sent to it."""
    proves = _take_evidence(order, event)
    if refused := _refuse_report(order, event, order.resolved_at):
        return None if proves else refused
    order.resolved_at = event.occurred_at
    if order.closed_at is None:
        order.closed_at = event.occurred_at
    return None


def callback(order: WorkOrder, event: Event) -> str | None:
    """One more attempt to ask the citizen."""
    if order.ratings is None:
        order.ratings = Ratings(order.rules)
    order.ratings.take(event, order.lead)
    order.weigh()
    return None


def returned(order: WorkOrder, event: Event) -> str | None:
    """An accepted return counts, and the unit no longer answers for the order (2.17)."""
    unit = event.data.get("unit", "")
    if event.data.get("decision") != APPROVED:
        return NOT_APPROVED
    # The unit it names may have been replaced already, by a dispatch of the same second.
    if unit not in order.handlers:
        return NOT_RESPONSIBLE
    rules, within = order.rules, order.rules.document.returns.within
    if within is not None:
        requested_at = _instant(event, "requested_at")
        if requested_at > ends_at(order.handlers[unit], within, rules.zone, rules.working_days):
            return TOO_LATE
    del order.handlers[unit]
    order.occurrences.append(Occurrence("returned", unit, event.occurred_at))
    if order.ratings is not None and rules.document.returns.callbacks == "dropped":
        # They rated the handling of a unit that was not responsible.
        order.ratings = order.ratings.without(unit)
        order.weigh()
    if unit == order.lead:
        order.lead = ""
        order.signed_at = order.contacted_at = order.resolved_at = order.closed_at = None
        order.evidence = False
        order.suspended_until = None
        order.booked = {}
        order.started_at = order.clock = None
        order.set_dues()
    return None


def extended(order: WorkOrder, event: Event) -> str | None:
    """An approved extension moves the deadline; by default only one approved before expiry."""
    if refused := _refuse_decision(order, event):
        return refused
    clock, rules = order.ready_clock(), order.rules.document.extensions
    if clock is None or event.data.get("resolve_due") is None:
        return NO_DEADLINE
    due = FOREVER if order.resolve_due is None else order.resolve_due
    if rules.approved == "before_expiry" and _instant(event, "decided_at") >= due:
        return TOO_LATE
    if rules.times is not None and clock.extensions >= rules.times:
        return TOO_OFTEN
    clock.extend(instant_of(event.data["resolve_due"]), event.occurred_at)
    order.resolve_due = clock.due()
    return None


def suspended(order: WorkOrder, event: Event) -> str | None:
    """The order rests until it is resumed, its time is over or another unit leads (2.14)."""
    if refused := _refuse_decision(order, event):
        return refused
    until = event.data.get("until")
    order.suspended_until = FOREVER if until is None else instant_of(until)
    order.rest(event.occurred_at, order.suspended_until)
    return None


def resumed(order: WorkOrder, event: Event) -> str | None:
    """The suspended order is taken up again."""
    if not order.is_lead(event):
        return NOT_LEAD
    if order.suspended_until is None or order.suspended_until <= event.occurred_at:
        return NOT_SUSPENDED
    order.suspended_until = None
    order.rest(event.occurred_at, event.occurred_at)
    return None


def excluded(order: WorkOrder, event: Event) -> str | None:
    """The order leaves the denominators of some or all indicators."""
    ground = event.data.get("ground", "")
    grounds = order.rules.grounds
    accepted = None if grounds is None else grounds.get(ground)
    if grounds is not None and accepted is None:
        return GROUND_NOT_ACCEPTED
    for indicator in _indicators(order, event.data):
        if accepted is None or indicator in accepted:
            order.excluded.pop(indicator, None)
            order.excluded[indicator] = ground
    return None


def reinstated(order: WorkOrder, event: Event) -> str | None:
    """The exclusion from some or all indicators is taken back."""
    there = [i for i in _indicators(order, event.data) if i in order.excluded]
    for indicator in there:
        del order.excluded[indicator]
    return None if there else NOT_EXCLUDED


def reopened(order: WorkOrder, event: Event) -> str | None:
    """The order is open again."""
    at, reopening = event.occurred_at, order.rules.document.reopening
    order.book(at)
    order.resolved_at = None
    order.occurrences.append(Occurrence("reopened", event.data.get("unit", order.lead), at))
    if reopening.callbacks == "dropped":
        order.ratings = Ratings(order.rules)
        order.weigh()
    if reopening.clock == "restarts" and order.started_at is not None:
        order.handling = event.data.get("round", order.handling + 1)
        order.started_at = at
        order.clock = clock = Clock(order.rules, at, None, order.facts(), restarted=True)
        order.resolve_due = clock.due()
        if order.suspended_until is not None:
            order.rest(at, order.suspended_until)
    return None


def cancelled(order: WorkOrder, _event: Event) -> str | None:
    """The citizen withdrew the demand: not assessed any more."""
    if order.cancelled:
        return REPEATED
    order.cancelled = True
    return None


def _take_evidence(order: WorkOrder, event: Event) -> bool:
    """Whether a report of the lead brings the first evidence; it may be a repeated one."""
    if order.evidence or order.early is not None or not event.data.get("evidence"):
        return False
    order.evidence = order.is_lead(event)
    return order.evidence


def _refuse_report(order: WorkOrder, event: Event, done: Instant | None) -> str | None:
    """Why a report of a unit changes nothing; None if it does."""
    if order.early is not None:
        order.early.append(event)
        return EARLY
    if not order.is_lead(event):
        return NOT_LEAD
    return None if done is None else REPEATED


def _refuse_decision(order: WorkOrder, event: Event) -> str | None:
    if event.data.get("decision") != APPROVED:
        return NOT_APPROVED
    return None if order.is_lead(event) else NOT_LEAD


def _indicators(order: WorkOrder, data: dict[str, Any]) -> Iterable[str]:
    """The counted indicators that an event means; all of them if it lists none."""
    listed = data.get("indicators")
    if not listed:
        return order.rules.codes
    reach = order.rules.reach
    return dict.fromkeys(code for name in listed for code in reach.get(name, ()))


def _instant(event: Event, field: str) -> Instant:
    """An instant that the event tells, else its own."""
    text = event.data.get(field)
    return event.occurred_at if text is None else instant_of(text)


# appealed, reviewed, corrected and linked change nothing that is counted.
EFFECTS: Final[Mapping[str, Callable[[WorkOrder, Event], str | None]]] = {
    "received": received,
    "dispatched": dispatched,
    "signed": signed,
    "contacted": contacted,
    "resolved": resolved,
    "callback": callback,
    "returned": returned,
    "extended": extended,
    "suspended": suspended,
    "resumed": resumed,
    "excluded": excluded,
    "reinstated": reinstated,
    "reopened": reopened,
    "cancelled": cancelled,
}
