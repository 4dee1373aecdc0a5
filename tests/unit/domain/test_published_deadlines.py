"""Every published deadline of the field rules (domain.md 3.3), to the microsecond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.instants import MINUTE, Instant
from schemas.records import Event, Sums
from services.domain.outcome import evaluate
from services.domain.policy import Policy, load_policy, preset
from tests.support.handled import A, order
from tests.support.orders import event, local, moment, rated
from tests.support.sums import of, sums_at

B = "110105003"
TOWNS = """
unit_groups: {near_towns: ["110101001"], far_towns: ["110105003"]}
deadlines:
  - {match: {unit_group: near_towns}, sign: {minutes: 30}}
  - {match: {unit_group: far_towns}, sign: {minutes: 50}}
  - {resolve: {working_days: 5}}
"""


def in_time(code: str, orders: Sequence[Event], policy: Policy) -> int:
    """Thousandths of the one order; it must be in the denominator."""
    sums = of(A, sums_at([orders], policy))
    assert sums[code].denominator == 1
    return sums[code].numerator


@pytest.mark.parametrize(
    ("urgency", "due"),
    [
        ("critical", "2025-10-02 09:15"),  # on a holiday too
        ("urgent", "2025-10-02 09:30"),
        ("normal", "2025-10-10 00:00"),  # 1 working day: the 9th, after National Day
    ],
)
def test_tianjin_sign_off_on_a_holiday(urgency: str, due: str) -> None:
    policy = load_policy(preset("tianjin"))
    for signed, wanted in ((local(due), 1000), (local(due) + 1, 0)):
        events = order("o1", "2025-10-02 09:00", urgency=urgency, signed=signed)
        assert in_time("sign_in_time", events, policy) == wanted


def due_of(events: Sequence[Event], policy: Policy) -> Instant | None:
    return evaluate(events, policy).summary.resolve_due


# The State Council's notice for 2025: off 1 to 8 October, worked on Sunday 28 September and
# Saturday 11 October.
def test_shandong_completion_over_national_day() -> None:
    """5 working days from Monday 29 September: the 30th, 9, 10, 11 and 13 October."""
    policy = load_policy(preset("shandong"))
    due = local("2025-10-14 00:00")
    for resolved, wanted in ((due, 1000), (due + 1, 0)):
        events = order("o1", "2025-09-29 15:00", resolved=resolved)
        assert due_of(events, policy) == due
        assert in_time("on_time", events, policy) == wanted


@pytest.mark.parametrize(
    ("decided", "asked_for", "due"),
    [
        ("2025-10-13 17:00", "2025-10-16 00:00", "2025-10-16 00:00"),
        ("2025-10-13 17:00", "2025-11-30 00:00", "2025-10-21 00:00"),  # 10 working days: the 20th
        ("2025-10-14 00:00", "2025-10-16 00:00", "2025-10-14 00:00"),  # after expiry
    ],
)
def test_shandong_extension_to_at_most_10_working_days(
    decided: str, asked_for: str, due: str
) -> None:
    policy = load_policy(preset("shandong"))
    extended = event(
        "extended",
        decided,
        subject="o1",
        unit=A,
        decision="approved",
        resolve_due=moment(asked_for),
    )
    assert due_of(order("o1", "2025-09-29 15:00", extended), policy) == local(due)


@pytest.mark.parametrize(
    ("requested", "returned"),
    [("2025-10-10 00:00", True), ("2025-10-10 00:01", False)],  # the 30th and the 9th
)
def test_shandong_returns_within_2_working_days(requested: str, returned: bool) -> None:
    policy = load_policy(preset("shandong"))
    back = event(
        "returned",
        "2025-10-12 09:00",
        subject="o1",
        unit=A,
        decision="approved",
        requested_at=moment(requested),
    )
    sums = of(A, sums_at([order("o1", "2025-09-29 15:00", back)], policy))
    assert ("returned" in sums) is returned
    assert ("volume" in sums) is not returned


@pytest.mark.parametrize(
    ("preset_", "wanted"), [("shandong", (1000, 1000, 0)), ("beijing-district", (0, 0, 0))]
)
def test_partly_and_basically_solved(preset_: str, wanted: tuple[int, ...]) -> None:
    policy = load_policy(preset(preset_))
    for solved, thousandths in zip(("partly", "basically", "no"), wanted, strict=True):
        events = order("o1", "2025-11-03 09:00", rated("2025-11-12 09:00", solved=solved))
        assert in_time("resolution", events, policy) == thousandths


@pytest.mark.parametrize(
    ("urgency", "due"),
    [
        ("critical", "2025-10-01 11:00"),
        ("urgent", "2025-10-02 09:00"),
        ("normal", "2025-10-08 09:00"),
        (None, "2025-10-08 09:00"),
        ("complex", "2025-10-16 09:00"),
    ],
)
def test_beijing_completion_runs_on_the_wall_clock(urgency: str | None, due: str) -> None:
    received: dict[str, Any] = {} if urgency is None else {"urgency": urgency}
    events = order("o1", "2025-10-01 09:00", **received)
    assert due_of(events, load_policy(preset("beijing-district"))) == local(due)


@pytest.mark.parametrize(("unit", "minutes"), [(A, 30), (B, 50)])
def test_nearer_towns_sign_within_30_minutes_and_far_ones_within_50(
    unit: str, minutes: int
) -> None:
    base = preset("tianjin")
    start, end = base.index("deadlines:"), base.index("indicators:")
    policy = load_policy(base[:start] + TOWNS.lstrip() + base[end:])
    due = local("2025-10-02 09:00") + minutes * MINUTE
    for signed, wanted in ((due, 1000), (due + 1, 0)):
        events = order("o1", "2025-10-02 09:00", unit=unit, signed=signed)
        assert of(unit, sums_at([events], policy))["sign_in_time"] == Sums(1, wanted)


def test_shanghai_contact_within_1_working_day() -> None:
    """Dispatched on Friday 26 September: Sunday the 28th is worked."""
    policy = load_policy(preset("shanghai-street"))
    due = local("2025-09-29 00:00")
    for contacted, wanted in ((due, 1000), (due + 1, 0)):
        events = order("o1", "2025-09-26 15:00", contacted=contacted)
        assert in_time("contact_in_time", events, policy) == wanted


def test_shanghai_second_handling_within_3_working_days() -> None:
    policy = load_policy(preset("shanghai-street"))
    again = event("reopened", "2025-10-13 10:00", subject="o1", unit=A)
    first = order("o1", "2025-09-26 15:00", resolved="2025-10-10 18:00")
    assert due_of(first, policy) == local("2025-10-11 00:00")
    assert in_time("on_time", first, policy) == 1000
    due = local("2025-10-17 00:00")
    for resolved, wanted in ((due, 1000), (due + 1, 0)):
        events = [*first, again, event("resolved", resolved, subject="o1", unit=A)]
        assert due_of(events, policy) == due
        assert in_time("on_time", events, policy) == wanted


def test_shanghai_complex_matters_within_15_working_days_with_approval() -> None:
    policy = load_policy(preset("shanghai-street"))
    extended = event(
        "extended",
        "2025-10-10 10:00",
        subject="o1",
        unit=A,
        decision="approved",
        resolve_due=moment("2025-12-31 00:00"),
    )
    events = order("o1", "2025-09-26 15:00", extended, urgency="complex")
    assert due_of(events[:-1], policy) == local("2025-10-11 00:00")
    assert due_of(events, policy) == local("2025-10-24 00:00")


@pytest.mark.parametrize(
    ("channel", "due"), [("phone", "2025-11-11 00:00"), ("web", "2025-11-07 00:00")]
)
def test_bengbu_5_working_days_by_phone_and_3_by_web(channel: str, due: str) -> None:
    policy = load_policy(preset("bengbu"))
    for resolved, wanted in ((local(due), 1000), (local(due) + 1, 0)):
        events = order("o1", "2025-11-03 09:00", channel=channel, resolved=resolved)
        assert due_of(events, policy) == local(due)
        assert in_time("on_time", events, policy) == wanted
    overdue = of(A, sums_at([order("o1", "2025-11-03 09:00", channel=channel)], policy))
    assert overdue["on_time"] == Sums(1, 0)
