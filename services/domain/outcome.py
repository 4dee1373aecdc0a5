"""What an order adds to the sums, at every instant: the one place where a policy is evaluated.

The fold is asked after every instant at which something happens, an event or a deadline; what it
adds between two such instants does not change (docs/architecture.md, invariants 3 and 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from schemas.instants import FOREVER, Instant
from schemas.records import Contribution, Event, FlatSpan, OrderSummary, Outcome
from services.domain.corrections import in_order, instant_of
from services.domain.effects import EFFECTS
from services.domain.measures import STEPS
from services.domain.once import Once
from services.domain.policy import Policy, Rules
from services.domain.timeline import INCOMPLETE, LINE, Rates, Timeline
from services.domain.work_order import WorkOrder

NOT_ASSESSED: Final = "state:not_assessed"
EXCLUDED: Final = "state:excluded:"  # and the ground
SUSPENDED: Final = "state:suspended"
VALID: Final = "state:valid"
UNREACHABLE: Final = "state:unreachable"
NOT_YET_DUE: Final = "state:not_yet_due"
CALLBACK_PENDING: Final = "state:callback_pending"

_Effect = Callable[[WorkOrder, Event], Any]

_OCCURRED_AT: Final = 0  # of an event, by place: asked of each, and quicker than by name
_TYPE: Final = 4

NOTHING: Final = Outcome((), (), OrderSummary("", "", None, "", "", "", (), "", None, None))


def evaluate(events: Iterable[Event], policy: Policy) -> Outcome:
    """Evaluate one order.

    The order of ``events`` and repetitions change nothing. Two events of one (source, id) with
    different content are a conflict, which the caller has settled. Every contribution is judged
    by the version in force at the instant it is attributed to.

    Raises:
        CalendarError: a deadline falls into a year whose working days are not known.
    """
    ordered = in_order(events)
    if not ordered:
        return NOTHING
    if len(policy.versions) == 1:
        return evaluate_version(ordered, policy.versions[0])
    return _merged(ordered, policy)


def evaluate_version(ordered: Sequence[Event], rules: Rules) -> Outcome:
    """Evaluate one order as if there were one version only; ``ordered`` as by `in_order`."""
    order = WorkOrder(rules, ordered[0])
    timeline = Timeline(rules.codes)
    effects: dict[str, _Effect] = effects_of(rules.skipped)
    at, changed = order.first_at, True
    for event in ordered:
        effect = effects.get(event[_TYPE])
        if effect is None:
            continue
        happens_at = event[_OCCURRED_AT]
        if happens_at != at:
            if changed:
                record(timeline, order, rules, at)
            changed = _pass_deadlines(timeline, order, rules, at, happens_at)
            at = happens_at
        if effect(order, event) is None:
            changed = True
    if changed:
        record(timeline, order, rules, at)
    _pass_deadlines(timeline, order, rules, at, FOREVER)
    for name, unit, happened_at in order.occurrences:
        timeline.occurred(happened_at, unit, name)
    spans, boundaries = timeline.close()
    if rules.departments and (department := department_of(order, rules)):
        spans = (*spans, *_for_line(spans, department, order.received_at))
    return tuple.__new__(Outcome, (spans, boundaries, order.summary()))


def contributions_at(spans: Sequence[FlatSpan], instant: Instant) -> list[Contribution]:
    """What was in force at an instant."""
    return [Contribution._make(span[2:]) for span in spans if span[0] <= instant < span[1]]


def _merged(ordered: Sequence[Event], policy: Policy) -> Outcome:
    """What each version counts of what is attributed to its own time."""
    earliest, once = earliest_of(ordered), Once()
    spans: list[FlatSpan] = []
    outcomes: dict[Rules, Outcome] = {}
    for rules in policy.versions:
        if earliest < rules.ends_at:
            outcomes[rules] = found = evaluate_version(ordered, rules)
            spans += once.of(rules, found.flat)
    received_at = found.summary.received_at  # every version says the same
    first = policy.at(ordered[0].occurred_at if received_at is None else received_at)
    spans += once.rest(policy, first, outcomes[first].flat)
    summary = outcomes[first].summary
    edges = {span[0] for span in spans} | {span[1] for span in spans}
    return Outcome(tuple(spans), tuple(sorted(edges - {FOREVER})), summary)


def earliest_of(ordered: Sequence[Event]) -> Instant:
    """Nothing is attributed to a time before this: an event, or a deadline that a platform set."""
    told = [
        event.data[step.field]
        for event in ordered
        for step in STEPS.values()
        if step.field in event.data
    ]
    return min([ordered[0].occurred_at, *map(instant_of, told)])


@cache
def effects_of(skipped: frozenset[str]) -> dict[str, _Effect]:
    """What the events do that are not skipped, by type."""
    return {name: effect for name, effect in EFFECTS.items() if name not in skipped}


def department_of(order: WorkOrder, rules: Rules) -> str:
    """The line department of the order's field; "" if it has none."""
    levels = order.received.get("category", ())
    return next((unit for category, unit in rules.departments if category in levels), "")


def _for_line(
    spans: Sequence[FlatSpan], department: str, received_at: Instant | None
) -> Iterator[FlatSpan]:
    """The same contributions for the line department, since it is known to be its field."""
    for begins_at, ends_at, _lead, _unit, name, booked_at, denominator, numerator in spans:
        known_at = begins_at if received_at is None else max(begins_at, received_at)
        if known_at < ends_at:
            yield known_at, ends_at, LINE, department, name, booked_at, denominator, numerator


def _set_aside(order: WorkOrder, rules: Rules, at: Instant) -> str | None:
    """The state that keeps an order out of all denominators, whatever was done for it."""
    assessed = rules.assessed_types
    if order.cancelled or (
        assessed is not None and order.received.get("demand_type") not in assessed
    ):
        return NOT_ASSESSED
    if order.resolve_due is None and not rules.counts_callbacks:
        return NOT_ASSESSED
    if order.excluded and rules.measured <= order.excluded.keys():
        return EXCLUDED + next(reversed(order.excluded.values()))
    until = order.suspended_until
    return SUSPENDED if until is not None and at < until and rules.suspends else None


def _progress(order: WorkOrder, rules: Rules, at: Instant) -> str:
    """The state of an order that is not set aside."""
    due = order.resolve_due
    settled = order.resolved_at is not None or (due is not None and at >= due)
    if not rules.counts_callbacks:
        return VALID if settled else NOT_YET_DUE
    if order.standing is not None:
        return VALID
    if order.unreachable:
        return UNREACHABLE
    return CALLBACK_PENDING if settled else NOT_YET_DUE


def _pass_deadlines(
    timeline: Timeline, order: WorkOrder, rules: Rules, after: Instant, until: Instant
) -> bool:
    """Record the steps strictly between two instants: deadlines at which no event happens.

    Returns whether another deadline passes at the end.
    """
    deadline = order.next_deadline(after)
    while deadline < until:
        record(timeline, order, rules, deadline)
        deadline = order.next_deadline(deadline)
    return deadline == until


def record(timeline: Timeline, order: WorkOrder, rules: Rules, at: Instant) -> None:
    """Tell the timeline what the order adds from ``at`` on."""
    unit = order.lead
    received_at = order.received_at
    if received_at is None:
        timeline.step(at, unit, order.first_at, INCOMPLETE, rules.no_rates)
        return
    aside = _set_aside(order, rules, at)
    state = aside or _progress(order, rules, at)
    is_open = order.resolved_at is None and not order.cancelled
    owed = is_open and state != NOT_ASSESSED  # what nobody is assessed for cannot be late
    is_overdue = owed and order.resolve_due is not None and at >= order.resolve_due
    counts = ("volume", state, "open" if is_open else None, "overdue" if is_overdue else None)
    unrated = aside is not None or (rules.is_gated and order.standing is None)
    timeline.step(
        at, unit, received_at, counts, rules.no_rates if unrated else _rates(order, rules, at)
    )


def _rates(order: WorkOrder, rules: Rules, at: Instant) -> Rates:
    """What an order that is not set aside has in each indicator, in the policy's order."""
    if excluded := order.excluded:
        return tuple(
            measure.of(order, at) if members.isdisjoint(excluded) else None
            for members, measure in zip(rules.members, rules.measures, strict=True)
        )
    return tuple([measure.of(order, at) for measure in rules.measures])
