"""What an order counts in an indicator: compiled once from the policy, asked for every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from schemas.instants import FOREVER, Instant
from schemas.policy.indicators import QUESTIONS, Filter, Indicator
from services.domain.filters import Test, tests_of

if TYPE_CHECKING:
    from services.domain.work_order import WorkOrder

FULL: Final = 1000  # thousandths

_Moment = Any  # an instant that is only handed on; compiled, see `timeline`

Measured = tuple[_Moment, int]
"""The instant at which an order is booked, and its thousandths."""


class Measure:
    """What orders count in one indicator."""

    __slots__ = ()

    def of(self, order: WorkOrder, at: Instant) -> Measured | None:
        """What an order counts at an instant; None while it is outside the denominator.

        Whether it is assessed, excluded or suspended is not asked here.
        """
        raise NotImplementedError


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
        code: _filtered(_measured(indicator, unanswered), indicator.filter, unit_groups)
        for code, indicator in indicators.items()
        if indicator.is_measured
    }
    return {
        code: found[code]
        if indicator.all_of is None
        else _filtered(
            _AllOf([found[part] for part in indicator.all_of]), indicator.filter, unit_groups
        )
        for code, indicator in indicators.items()
        if indicator.parts is None
    }


def _measured(indicator: Indicator, unanswered: str) -> Measure:
    grade = _grade(indicator, (indicator.unanswered or unanswered) == "leaves")
    booking = _booking(indicator)
    if indicator.denominator == "settled":
        return _Settled(booking, grade, STEPS[step_of(indicator)])
    if indicator.denominator == "assessed":
        return _Assessed(booking, grade)
    return (_Closed if indicator.denominator == "closed" else _CalledBack)(booking, grade)


def _grade(indicator: Indicator, leaves: bool) -> _Grade:
    if indicator.numerator is None:
        raise ValueError("not a measured indicator")
    source, grades = indicator.numerator.source, dict(indicator.numerator.grades)
    if source in QUESTIONS:
        return _Answered(source, grades, None if leaves else 0)
    if source == "evidence":
        return _Proven(grades["yes"], grades["no"])
    return _Timely(STEPS[_STEP_OF[source]], grades["in_time"], grades["late"])


def _booking(indicator: Indicator) -> _Booking:
    if indicator.attribution == "created":
        return _Booking()
    if indicator.attribution == "closed":
        return _BookedWhenClosed()
    if indicator.attribution == "callback":
        return _BookedWhenCalled()
    return _BookedWhenDue(STEPS[step_of(indicator)])


# The classes below are small so that each, compiled, is one direct call.


class _Grade:
    __slots__ = ()

    def of(self, order: WorkOrder) -> int | None:
        """Thousandths; None if an unanswered question leaves the denominator."""
        raise NotImplementedError


class _Answered(_Grade):
    __slots__ = ("_empty", "_grades", "_source")

    def __init__(self, source: str, grades: dict[str, int], empty: int | None) -> None:
        self._source = source
        self._grades = grades
        self._empty = empty

    def of(self, order: WorkOrder) -> int | None:
        call = order.standing
        if call is None:
            return self._empty
        return self._grades.get(call.answers.get(self._source, ""), self._empty)


class _Proven(_Grade):
    __slots__ = ("_no", "_yes")

    def __init__(self, yes: int, no: int) -> None:
        self._yes = yes
        self._no = no

    def of(self, order: WorkOrder) -> int | None:
        return self._yes if order.evidence else self._no


class _Timely(_Grade):
    __slots__ = ("_done_of", "_due_of", "_in_time", "_late")

    def __init__(self, step: Step, in_time: int, late: int) -> None:
        self._due_of, self._done_of = attrgetter(step.due), attrgetter(step.done)
        self._in_time = in_time
        self._late = late

    def of(self, order: WorkOrder) -> int | None:
        done, due = self._done_of(order), self._due_of(order)
        in_time = done is not None and due is not None and done <= due
        return self._in_time if in_time else self._late


class _Booking:
    """Where an order is booked: as it is here, at the instant at which it was received."""

    __slots__ = ()

    def of(self, order: WorkOrder) -> _Moment:
        return order.received_at


class _BookedWhenClosed(_Booking):
    __slots__ = ()

    def of(self, order: WorkOrder) -> _Moment:
        return order.closed_at


class _BookedWhenCalled(_Booking):
    __slots__ = ()

    def of(self, order: WorkOrder) -> _Moment:
        return order.called_at


class _BookedWhenDue(_Booking):
    __slots__ = ("_due_of", "_step")

    def __init__(self, step: Step) -> None:
        self._due_of = attrgetter(step.due)
        self._step = step.name

    def of(self, order: WorkOrder) -> _Moment:
        booked_at = order.booked.get(self._step)
        if booked_at is None:
            booked_at = self._due_of(order)
        return None if booked_at == FOREVER else booked_at  # the clock rests: nobody knows yet


class _Assessed(Measure):
    """Of every order."""

    __slots__ = ("_booking", "_grade")

    def __init__(self, booking: _Booking, grade: _Grade) -> None:
        self._booking = booking
        self._grade = grade

    def of(self, order: WorkOrder, at: Instant) -> Measured | None:  # noqa: ARG002 - see above
        booked_at, thousandths = self._booking.of(order), self._grade.of(order)
        return None if booked_at is None or thousandths is None else (booked_at, thousandths)


class _Closed(_Assessed):
    __slots__ = ()

    def of(self, order: WorkOrder, at: Instant) -> Measured | None:
        return None if order.closed_at is None else super().of(order, at)


class _CalledBack(_Assessed):
    __slots__ = ()

    def of(self, order: WorkOrder, at: Instant) -> Measured | None:
        return None if order.standing is None else super().of(order, at)


class _Settled(_Assessed):
    """Of orders whose step is done, or whose deadline has passed."""

    __slots__ = ("_done_of", "_due_of")

    def __init__(self, booking: _Booking, grade: _Grade, step: Step) -> None:
        super().__init__(booking, grade)
        self._due_of, self._done_of = attrgetter(step.due), attrgetter(step.done)

    def of(self, order: WorkOrder, at: Instant) -> Measured | None:
        due = self._due_of(order)
        if due is None or (at < due and self._done_of(order) is None):
            return None
        return super().of(order, at)


class _AllOf(Measure):
    __slots__ = ("_measures",)

    def __init__(self, measures: Sequence[Measure]) -> None:
        self._measures = measures

    def of(self, order: WorkOrder, at: Instant) -> Measured | None:
        found = [measure.of(order, at) for measure in self._measures]
        there = [one for one in found if one is not None]
        if len(there) < len(found):
            return None
        return there[0][0], FULL if all(one[1] == FULL for one in there) else 0


class _Filtered(Measure):
    __slots__ = ("_measure", "_tests")

    def __init__(self, measure: Measure, tests: Sequence[Test]) -> None:
        self._measure = measure
        self._tests = tests

    def of(self, order: WorkOrder, at: Instant) -> Measured | None:
        return self._measure.of(order, at) if all(test(order) for test in self._tests) else None


def _filtered(
    measure: Measure, wanted: Filter, unit_groups: Mapping[str, Sequence[str]]
) -> Measure:
    tests = tests_of(wanted, unit_groups)
    return _Filtered(measure, tests) if tests else measure
