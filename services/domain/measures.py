"""What an order counts in an indicator: compiled once from the policy, asked for every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.instants import Instant
from schemas.policy.indicators import QUESTIONS, Filter, Indicator

if TYPE_CHECKING:
    from services.domain.work_order import WorkOrder

FULL: Final = 1000  # thousandths

Measured = tuple[Instant, int]
"""Where an order is booked, and its thousandths."""
Measure = Callable[["WorkOrder", Instant], Measured | None]
"""What an order counts at an instant; None while it is outside the denominator. Whether it is
assessed, excluded or suspended is not asked here."""


class Step(NamedTuple):
    """A step of the handling.

    ``field`` is that of events in which a platform sets its deadline; ``due`` and ``done`` are the
    attributes of `WorkOrder` that hold its deadline and when it was done.
    """

    name: str
    field: str
    due: str
    done: str


STEPS: Final[Mapping[str, Step]] = {
    step.name: step
    for step in (
        Step("sign", "sign_due", "sign_due", "signed_at"),
        Step("contact", "contact_due", "contact_due", "contacted_at"),
        Step("resolve", "resolve_due", "resolve_due", "resolved_at"),
    )
}
_SINGLE: Final = ("demand_type", "channel", "urgency", "community")
_STEP_OF: Final = {"sign_time": "sign", "contact_time": "contact", "resolve_time": "resolve"}


def step_of(indicator: Indicator) -> str:
    """The step that a measured indicator is about."""
    numerator = indicator.numerator
    return _STEP_OF.get(numerator.source, "resolve") if numerator else "resolve"


def compile_measures(
    indicators: Mapping[str, Indicator],
    unanswered: str,
    unit_groups: Mapping[str, Sequence[str]],
) -> dict[str, Measure]:
    """The measures of all indicators that are counted, those with `parts` left out.

    ``unanswered`` is that of indicators that do not say their own.
    """
    found = {
        code: with_filter(_measured(indicator, unanswered), indicator.filter, unit_groups)
        for code, indicator in indicators.items()
        if indicator.is_measured
    }
    return {
        code: found[code]
        if indicator.all_of is None
        else with_filter(
            _all_of([found[part] for part in indicator.all_of]), indicator.filter, unit_groups
        )
        for code, indicator in indicators.items()
        if indicator.parts is None
    }


def _measured(indicator: Indicator, unanswered: str) -> Measure:
    grade = _grade(indicator, (indicator.unanswered or unanswered) == "leaves")
    booked = _booked(indicator)
    if indicator.denominator == "settled":
        due_of, done_of = _getters(STEPS[step_of(indicator)])

        def settled(order: WorkOrder, at: Instant) -> Measured | None:
            due = due_of(order)
            if due is None or (at < due and done_of(order) is None):
                return None
            return _pair(booked(order), grade(order))

        return settled
    if indicator.denominator == "assessed":
        return lambda order, _at: _pair(booked(order), grade(order))
    if indicator.denominator == "closed":

        def closed(order: WorkOrder, _at: Instant) -> Measured | None:
            return None if order.closed_at is None else _pair(booked(order), grade(order))

        return closed

    def called_back(order: WorkOrder, _at: Instant) -> Measured | None:
        return None if order.standing is None else _pair(booked(order), grade(order))

    return called_back


def _getters(step: Step) -> tuple[attrgetter[Instant | None], attrgetter[Instant | None]]:
    return attrgetter(step.due), attrgetter(step.done)


def _pair(booked_at: Instant | None, thousandths: int | None) -> Measured | None:
    return None if booked_at is None or thousandths is None else (booked_at, thousandths)


def _grade(indicator: Indicator, leaves: bool) -> Callable[[WorkOrder], int | None]:
    """Thousandths; None if an unanswered question leaves the denominator."""
    if indicator.numerator is None:
        raise ValueError("not a measured indicator")
    source, grades = indicator.numerator.source, dict(indicator.numerator.grades)
    if source in QUESTIONS:
        empty = None if leaves else 0

        def answered(order: WorkOrder) -> int | None:
            call = order.standing
            return empty if call is None else grades.get(call.answers.get(source, ""), empty)

        return answered
    if source == "evidence":
        yes, no = grades["yes"], grades["no"]
        return lambda order: yes if order.evidence else no
    due_of, done_of = _getters(STEPS[_STEP_OF[source]])
    in_time, late = grades["in_time"], grades["late"]

    def timely(order: WorkOrder) -> int:
        done, due = done_of(order), due_of(order)
        return in_time if done is not None and due is not None and done <= due else late

    return timely


def _booked(indicator: Indicator) -> Callable[[WorkOrder], Instant | None]:
    if indicator.attribution == "created":
        return attrgetter("received_at")
    if indicator.attribution == "closed":
        return attrgetter("closed_at")
    if indicator.attribution == "callback":
        return attrgetter("called_at")
    step = step_of(indicator)
    due_of = attrgetter(STEPS[step].due)

    def due(order: WorkOrder) -> Instant | None:
        first = order.booked.get(step)
        return due_of(order) if first is None else first

    return due


def _all_of(measures: Sequence[Measure]) -> Measure:
    def all_of(order: WorkOrder, at: Instant) -> Measured | None:
        found = [measure(order, at) for measure in measures]
        there = [one for one in found if one is not None]
        if len(there) < len(found):
            return None
        return there[0][0], FULL if all(one[1] == FULL for one in there) else 0

    return all_of


def with_filter(
    measure: Measure, wanted: Filter, unit_groups: Mapping[str, Sequence[str]]
) -> Measure:
    """The measure for orders that fit every key of the filter."""
    tests: list[Callable[[WorkOrder], bool]] = []
    single = {name: getattr(wanted, name) for name in _SINGLE}
    tests += [_is_one(field, frozenset(words)) for field, words in single.items() if words]
    several = {"category": wanted.category, "tags": wanted.tag}
    tests += [_has_one(field, frozenset(words)) for field, words in several.items() if words]
    if wanted.unit or wanted.unit_group:
        groups = (unit_groups[name] for name in wanted.unit_group or ())
        members = frozenset().union(*groups)
        if wanted.unit:
            units = frozenset(wanted.unit)
            members = members & units if wanted.unit_group else units
        tests.append(lambda order: order.lead in members)
    if not tests:
        return measure

    def filtered(order: WorkOrder, at: Instant) -> Measured | None:
        return measure(order, at) if all(test(order) for test in tests) else None

    return filtered


def _is_one(field: str, words: frozenset[str]) -> Callable[[WorkOrder], bool]:
    return lambda order: order.received.get(field) in words


def _has_one(field: str, words: frozenset[str]) -> Callable[[WorkOrder], bool]:
    return lambda order: not words.isdisjoint(order.received.get(field, ()))
