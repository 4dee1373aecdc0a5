"""Why an order counts in an indicator as it does, or why it does not (docs/explain.md).

Whether it counts, and how much, is read from what `outcome` found. Here the state of the order is
only asked for the cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from schemas import policy as documents
from schemas.instants import FOREVER, Instant
from schemas.policy.indicators import QUESTIONS, Filter
from services.domain.deadline_source import TracedOrder
from services.domain.filters import tests_of
from services.domain.measures import FULL, STEPS, Step, step_of
from services.domain.outcome import NOT_ASSESSED, SUSPENDED
from services.domain.policy import Indicator, Rules
from services.domain.tracing import Trace

# It counts.
ANSWERED: Final = "answered"
UNANSWERED: Final = "unanswered"
NEVER_CALLED: Final = "never_called"
IN_TIME: Final = "in_time"
LATE: Final = "late"
NEVER_DONE: Final = "never_done"
EVIDENCE: Final = "evidence"
NO_EVIDENCE: Final = "no_evidence"
ALL_HOLD: Final = "all_hold"
SOME_FAIL: Final = "some_fail"
# It does not.
NOT_RECEIVED: Final = "not_received"
CANCELLED: Final = "cancelled"
NO_VERSION: Final = "no_version"
TYPE_NOT_ASSESSED: Final = "type_not_assessed"
NO_RESOLVE_DEADLINE: Final = "no_resolve_deadline"
EXCLUDED_FROM: Final = "excluded_from"
IS_SUSPENDED: Final = "is_suspended"
FILTER: Final = "filter"
NOT_CALLED_YET: Final = "not_called_yet"
CALL_PENDING: Final = "call_pending"
NO_VALID_CALL: Final = "no_valid_call"
UNREACHABLE: Final = "unreachable"
ANSWER_LEAVES: Final = "answer_leaves"
NO_STEP_DEADLINE: Final = "no_step_deadline"
RESTING: Final = "resting"
NOT_DUE: Final = "not_due"
NOT_CLOSED: Final = "not_closed"
NOT_BOOKED: Final = "not_booked"
PART_LEFT_OUT: Final = "part_left_out"
NOT_IN_VERSION: Final = "not_in_version"
# It is made of others.
COMPOSED: Final = "composed"


class Reason(NamedTuple):
    """A cause, with what its sentence speaks of.

    ``at``: when it happened or was done; ``due``: the deadline, or the end of a suspension;
    ``word``: an answer, a ground, a key of a filter, a demand type; ``step``: sign, contact,
    resolve; ``number``: of attempts; ``codes``: indicators.
    """

    code: str
    at: Instant | None = None
    due: Instant | None = None
    word: str = ""
    step: str = ""
    number: int = 0
    codes: tuple[str, ...] = ()


def why_counted(indicator: Indicator, trace: Trace, at: Instant) -> Reason:
    """Why an order that is in the denominator has its thousandths."""
    order, document = trace.order, indicator.document
    if document.all_of is not None:
        measures = dict(zip(trace.rules.codes, trace.rules.measures, strict=True))
        found = {code: measures[code].of(order, at) for code in document.all_of}
        failing = tuple(code for code, one in found.items() if one is None or one[1] != FULL)
        return Reason(SOME_FAIL, codes=failing) if failing else Reason(ALL_HOLD)
    source = document.numerator.source if document.numerator else ""
    if source in QUESTIONS:
        return _answered(order, source)
    if source == "evidence":
        return Reason(EVIDENCE if order.evidence else NO_EVIDENCE)
    return _timely(order, STEPS[step_of(document)])


def why_left_out(
    indicator: Indicator,
    trace: Trace,
    at: Instant,
    state: str | None,
    unit_groups: Mapping[str, Sequence[str]],
) -> Reason:
    """Why an order is not in the denominator, under the version of the trace.

    Args:
        indicator: Of that version.
        trace: The order until ``at``.
        at: The instant looked at.
        state: The order's state then, under that version; None before it was received.
        unit_groups: Of the policy.
    """
    order, document = trace.order, indicator.document
    if document.parts is not None:
        return Reason(COMPOSED, codes=tuple(document.parts))
    if aside := _aside(indicator.code, trace, state):
        return aside
    if key := _unfit(document.filter, order, unit_groups):
        return Reason(FILTER, word=key)
    if document.all_of is not None:
        return _part_left_out(indicator, trace, at)
    return _outside(indicator, trace.rules, order, at)


def _aside(code: str, trace: Trace, state: str | None) -> Reason | None:
    """Why the order is set aside, or excluded from the indicator; None if it is not."""
    order, since = trace.order, trace.since
    if state is None:
        return Reason(NOT_RECEIVED)
    if state == NOT_ASSESSED:
        return _not_assessed(trace)
    if code in order.excluded:
        return Reason(EXCLUDED_FROM, at=since.get(("excluded", code)), word=order.excluded[code])
    if state == SUSPENDED:
        began_at = since.get(("suspended_until", ""))
        return Reason(IS_SUSPENDED, at=began_at, due=order.suspended_until)
    return None


def _answered(order: TracedOrder, question: str) -> Reason:
    call = order.standing
    if call is None:
        return Reason(NEVER_CALLED)
    answer = call.answers.get(question, "")
    return Reason(ANSWERED if answer else UNANSWERED, at=call.at, word=answer)


def _timely(order: TracedOrder, step: Step) -> Reason:
    done, due = _times(order, step)
    if done is None:
        return Reason(NEVER_DONE, due=due, step=step.name)
    in_time = due is not None and done <= due
    return Reason(IN_TIME if in_time else LATE, at=done, due=due, step=step.name)


def _times(order: TracedOrder, step: Step) -> tuple[Instant | None, Instant | None]:
    return getattr(order, step.done), getattr(order, step.due)


def _not_assessed(trace: Trace) -> Reason:
    order, types = trace.order, trace.rules.assessed_types
    if order.cancelled:
        return Reason(CANCELLED, at=trace.since.get(("cancelled", "")))
    if types is not None and not types:
        return Reason(NO_VERSION, at=order.received_at)
    demand_type = order.received.get("demand_type", "")
    if types is not None and demand_type not in types:
        return Reason(TYPE_NOT_ASSESSED, word=demand_type)
    return Reason(NO_RESOLVE_DEADLINE)


def _unfit(wanted: Filter, order: TracedOrder, unit_groups: Mapping[str, Sequence[str]]) -> str:
    """The first key of the filter that the order does not fit; "" if it fits all."""
    for key in sorted(wanted.model_fields_set):
        if getattr(wanted, key):
            alone = wanted.model_construct(**{key: getattr(wanted, key)})
            if not all(test(order) for test in tests_of(alone, unit_groups)):
                return key
    return ""


def _part_left_out(indicator: Indicator, trace: Trace, at: Instant) -> Reason:
    measures = dict(zip(trace.rules.codes, trace.rules.measures, strict=True))
    parts = indicator.document.all_of or ()
    excluded = trace.order.excluded
    out = tuple(
        code for code in parts if code in excluded or measures[code].of(trace.order, at) is None
    )
    return Reason(PART_LEFT_OUT, codes=out)


def _outside(indicator: Indicator, rules: Rules, order: TracedOrder, at: Instant) -> Reason:
    """Why a measure says nothing about an order that is not set aside."""
    document = indicator.document
    if document.denominator == "valid_callbacks" and order.standing is None:
        return _uncalled(rules, order, at)
    if document.denominator == "settled" and (waiting := _unsettled(document, order, at)):
        return waiting
    if document.denominator == "closed" and order.closed_at is None:
        return Reason(NOT_CLOSED)
    if document.numerator and document.numerator.source in QUESTIONS:
        call = order.standing
        if call is None or document.numerator.source not in call.answers:
            return Reason(ANSWER_LEAVES, at=call and call.at)
    step = step_of(document)
    resting = document.attribution == "due" and _times(order, STEPS[step])[1] == FOREVER
    return Reason(RESTING if resting else NOT_BOOKED, step=step)


def _unsettled(document: documents.Indicator, order: TracedOrder, at: Instant) -> Reason | None:
    """Why a step is neither done nor overdue; None if it is one of them."""
    step = STEPS[step_of(document)]
    done, due = _times(order, step)
    if due is None:
        return Reason(NO_STEP_DEADLINE, step=step.name)
    if done is None and at < due:
        return Reason(RESTING if due == FOREVER else NOT_DUE, due=due, step=step.name)
    return None


def _uncalled(rules: Rules, order: TracedOrder, at: Instant) -> Reason:
    if order.unreachable:
        return Reason(UNREACHABLE, number=order.attempts)
    if order.attempts:
        return Reason(NO_VALID_CALL, number=order.attempts)
    due = order.resolve_due
    settled = order.resolved_at is not None or (due is not None and at >= due)
    if settled or due in {None, FOREVER} or not rules.counts_callbacks:
        return Reason(CALL_PENDING)
    return Reason(NOT_CALLED_YET, due=due)
