"""What an order adds to the sums, at every instant: the one place where a policy is evaluated.

The fold is asked after every instant at which something happens, an event or a deadline; what it
adds between two such instants does not change (design.md 2.3, 2.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from schemas.instants import FOREVER, Instant
from schemas.records import Contribution, Event, OrderSummary, Outcome, Span
from services.domain.corrections import in_order
from services.domain.policy import Indicator, Policy
from services.domain.work_order import WorkOrder, grade

LEAD: Final = "lead"  # the ranking by the unit that leads the order

NOT_ASSESSED: Final = "state:not_assessed"
EXCLUDED: Final = "state:excluded:"
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
    timeline = _Timeline(policy)
    at = order.first_at
    for event in ordered:
        if event.occurred_at != at:
            timeline.record(order, at)
            timeline.pass_deadlines(order, at, event.occurred_at)
            at = event.occurred_at
        order.apply(event)
    timeline.record(order, at)
    timeline.pass_deadlines(order, at, FOREVER)
    return timeline.outcome(order)


def contributions_at(spans: Sequence[Span], instant: Instant) -> list[Contribution]:
    """What was in force at an instant."""
    return [span.contribution for span in spans if span.begins_at <= instant < span.ends_at]


def state_at(order: WorkOrder, policy: Policy, at: Instant) -> str:
    """The one of the seven states that a received order is in (domain.md 2.15)."""
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


class _Timeline:
    """Turns the contributions after each step into spans.

    Each place of ``_current`` holds one kind of contribution: volume (or incomplete), state,
    open, overdue, then the indicators in the policy's order.
    """

    __slots__ = ("_boundaries", "_counted", "_current", "_last", "_policy", "_since", "_spans")

    def __init__(self, policy: Policy) -> None:
        places = 4 + len(policy.indicators)
        self._policy = policy
        self._spans: list[Span] = []
        self._boundaries: list[Instant] = []
        self._current: list[Contribution | None] = [None] * places
        self._since: list[Instant] = [0] * places
        self._last: object = None
        self._counted = 0

    def pass_deadlines(self, order: WorkOrder, after: Instant, before: Instant) -> None:
        """Record the steps strictly between two instants, at which no event happens."""
        deadlines = []
        due = order.resolve_due
        if due is not None and order.resolved_at is None and after < due < before:
            deadlines.append(due)
        until = order.suspended_until
        if until is not None and after < until < before:
            deadlines.append(until)
        for deadline in sorted(deadlines):
            self.record(order, deadline)

    def record(self, order: WorkOrder, at: Instant) -> None:
        """The order stands like this from ``at`` on."""
        changed = False
        while self._counted < len(order.occurrences):
            count, unit, happened_at = order.occurrences[self._counted]
            self._counted += 1
            self._spans.append(Span(at, FOREVER, _count(unit, count, happened_at)))
            changed = True
        for place, contribution in enumerate(self._wanted(order, at)):
            current = self._current[place]
            if contribution != current:
                if current is not None:
                    self._spans.append(Span(self._since[place], at, current))
                self._current[place] = contribution
                self._since[place] = at
                changed = True
        if changed:
            self._boundaries.append(at)

    def outcome(self, order: WorkOrder) -> Outcome:
        """Close all spans."""
        for since, contribution in zip(self._since, self._current, strict=True):
            if contribution is not None:
                self._spans.append(Span(since, FOREVER, contribution))
        return Outcome(tuple(self._spans), tuple(self._boundaries), order.summary())

    def _wanted(self, order: WorkOrder, at: Instant) -> list[Contribution | None]:
        """What is to be in force, place by place."""
        unit = order.lead
        received_at = order.received_at
        rest: list[Contribution | None] = [None] * len(self._policy.indicators)
        if received_at is None:
            return [_count(unit, "incomplete", order.first_at), None, None, None, *rest]
        state = state_at(order, self._policy, at)
        is_open = order.resolved_at is None and not order.cancelled
        is_overdue = is_open and order.resolve_due is not None and at >= order.resolve_due
        return [
            _count(unit, "volume", received_at),
            _count(unit, state, received_at),
            _count(unit, "open", received_at) if is_open else None,
            _count(unit, "overdue", received_at) if is_overdue else None,
            *(self._rates(order, received_at) if state == VALID else rest),
        ]

    def _rates(self, order: WorkOrder, received_at: Instant) -> list[Contribution | None]:
        return [
            None if indicator.code in order.excluded else self._rate(order, indicator, received_at)
            for indicator in self._policy.indicators
        ]

    def _rate(
        self, order: WorkOrder, indicator: Indicator, received_at: Instant
    ) -> Contribution | None:
        numerator = self._numerator(order, indicator)
        attributed_at = _attributed_at(order, indicator, received_at)
        if numerator is None or attributed_at is None:
            return None
        return Contribution(LEAD, order.lead, indicator.code, attributed_at, 1, numerator)

    def _numerator(self, order: WorkOrder, indicator: Indicator) -> int | None:
        if not self._policy.counts_callbacks:
            due, resolved_at = order.resolve_due, order.resolved_at
            in_time = due is not None and resolved_at is not None and resolved_at <= due
            return indicator.grades["in_time" if in_time else "late"]
        answers = order.standing.answers if order.standing else None
        numerator = grade(indicator, answers or {})
        return 0 if numerator is None and not self._policy.unanswered_leaves else numerator


def _attributed_at(order: WorkOrder, indicator: Indicator, received_at: Instant) -> Instant | None:
    if indicator.attribution == "created":
        return received_at
    if indicator.attribution == "due":
        return order.resolve_due
    if indicator.attribution == "closed":
        return order.resolved_at
    return order.standing.at if order.standing else None


def _count(unit: str, name: str, attributed_at: Instant) -> Contribution:
    return Contribution(LEAD, unit, name, attributed_at, 1, 0)
