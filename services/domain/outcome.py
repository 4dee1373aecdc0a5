"""What an order adds to the sums, at every instant: the one place where a policy is evaluated.

The fold is asked after every instant at which something happens, an event or a deadline; what it
adds between two such instants does not change (docs/architecture.md, invariants 3 and 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from schemas.instants import FOREVER, Instant
from schemas.records import Contribution, Event, OrderSummary, Outcome, Span
from services.domain.corrections import in_order
from services.domain.policy import Indicator, Policy
from services.domain.timeline import INCOMPLETE, Rates, Timeline, contribution
from services.domain.work_order import EFFECTS, WorkOrder, grade

NOT_ASSESSED: Final = "state:not_assessed"
EXCLUDED: Final = "state:excluded:"  # and the ground
SUSPENDED: Final = "state:suspended"
VALID: Final = "state:valid"
UNREACHABLE: Final = "state:unreachable"
NOT_YET_DUE: Final = "state:not_yet_due"
CALLBACK_PENDING: Final = "state:callback_pending"

NOTHING: Final = Outcome((), (), OrderSummary("", "", None, "", "", "", (), "", None, None))


def evaluate(events: Iterable[Event], policy: Policy) -> Outcome:
    """Evaluate one order.

    The order of ``events`` and repetitions change nothing. Two events of one (source, id) with
    different content are a conflict, which the caller has settled.
    """
    ordered = in_order(events)
    if not ordered:
        return NOTHING
    order = WorkOrder(policy, ordered[0])
    timeline = Timeline(len(policy.indicators))
    at = order.first_at
    for event in ordered:
        effect = EFFECTS.get(event.type)
        if effect is None:
            continue
        if event.occurred_at != at:
            _record(timeline, order, policy, at)
            _pass_deadlines(timeline, order, policy, at, event.occurred_at)
            at = event.occurred_at
        effect(order, event)
    _record(timeline, order, policy, at)
    _pass_deadlines(timeline, order, policy, at, FOREVER)
    for name, unit, happened_at in order.occurrences:
        timeline.count(happened_at, unit, name)
    spans, boundaries = timeline.close()
    return Outcome(spans, boundaries, order.summary())


def contributions_at(spans: Sequence[Span], instant: Instant) -> list[Contribution]:
    """What was in force at an instant."""
    return [span.contribution for span in spans if span.begins_at <= instant < span.ends_at]


def state_at(order: WorkOrder, policy: Policy, at: Instant) -> str:
    """The one of the seven states that a received order is in (docs/rules.md)."""
    aside = _set_aside(order, policy, at)
    if aside is not None:
        return aside
    due = order.resolve_due
    settled = order.resolved_at is not None or (due is not None and at >= due)
    valid = order.standing is not None if policy.counts_callbacks else settled
    if valid:
        return VALID
    if policy.counts_callbacks and order.unreachable:
        return UNREACHABLE
    return CALLBACK_PENDING if settled else NOT_YET_DUE


def _set_aside(order: WorkOrder, policy: Policy, at: Instant) -> str | None:
    """The state that keeps an order out of all denominators, whatever was done for it."""
    assessed = policy.assessed_types
    if order.cancelled or (
        assessed is not None and order.received.get("demand_type") not in assessed
    ):
        return NOT_ASSESSED
    if order.resolve_due is None and not policy.counts_callbacks:
        return NOT_ASSESSED
    if len(order.excluded) == len(policy.codes):
        return EXCLUDED + next(reversed(order.excluded.values()))
    if order.suspended_until is not None and at < order.suspended_until:
        return SUSPENDED
    return None


def _pass_deadlines(
    timeline: Timeline, order: WorkOrder, policy: Policy, after: Instant, before: Instant
) -> None:
    """Record the steps strictly between two instants: deadlines at which no event happens."""
    due = order.resolve_due
    until = order.suspended_until
    passed = []
    if due is not None and order.resolved_at is None and after < due < before:
        passed.append(due)
    if until is not None and after < until < before:
        passed.append(until)
    for deadline in sorted(passed):
        _record(timeline, order, policy, deadline)


def _record(timeline: Timeline, order: WorkOrder, policy: Policy, at: Instant) -> None:
    """Tell the timeline what the order adds from ``at`` on."""
    unit = order.lead
    received_at = order.received_at
    if received_at is None:
        timeline.step(at, unit, order.first_at, INCOMPLETE, policy.no_rates)
        return
    state = state_at(order, policy, at)
    is_open = order.resolved_at is None and not order.cancelled
    owed = is_open and state != NOT_ASSESSED  # what nobody is assessed for cannot be late
    is_overdue = owed and order.resolve_due is not None and at >= order.resolve_due
    labels = ("volume", state, "open" if is_open else "", "overdue" if is_overdue else "")
    rates = _rates(order, policy, received_at) if state == VALID else policy.no_rates
    timeline.step(at, unit, received_at, labels, rates)


def _rates(order: WorkOrder, policy: Policy, received_at: Instant) -> Rates:
    """The contributions of a valid order to the indicators, in the policy's order."""
    rates: list[Contribution | None] = []
    for indicator in policy.indicators:
        rate = None
        if indicator.code not in order.excluded:
            numerator = _numerator(order, policy, indicator)
            attributed_at = _attributed_at(order, indicator, received_at)
            if numerator is not None and attributed_at is not None:
                rate = contribution(order.lead, indicator.code, attributed_at, numerator)
        rates.append(rate)
    return tuple(rates)


def _numerator(order: WorkOrder, policy: Policy, indicator: Indicator) -> int | None:
    """Thousandths; None if the order leaves this denominator."""
    if not policy.counts_callbacks:
        due, resolved_at = order.resolve_due, order.resolved_at
        in_time = due is not None and resolved_at is not None and resolved_at <= due
        return indicator.grades["in_time" if in_time else "late"]
    answers = order.standing.answers if order.standing else None
    numerator = grade(indicator, answers or {})
    return 0 if numerator is None and not policy.unanswered_leaves else numerator


def _attributed_at(order: WorkOrder, indicator: Indicator, received_at: Instant) -> Instant | None:
    """The instant an indicator is booked at; None as long as there is none."""
    if indicator.attribution == "created":
        return received_at
    if indicator.attribution == "due":
        return order.resolve_due
    if indicator.attribution == "closed":
        return order.resolved_at
    return order.standing.at if order.standing else None
