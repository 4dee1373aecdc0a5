"""What each event does to an order: returns, extensions, suspensions, exclusions, reopenings."""

from __future__ import annotations

import sys
from types import FrameType

import pytest

from schemas.instants import FOREVER, MINUTE, Instant
from schemas.records import Event
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import load_policy, preset
from tests.support.orders import event, local, moment, rated, unanswered

BEIJING = load_policy(preset("beijing-district"))
ON_TIME = load_policy(preset("on-time"))
JUNGAR = load_policy(preset("jungar"))
END = local("2027-01-01 00:00")
A, B = "110101001", "110105003"


def order(*more: Event) -> list[Event]:
    """Sent to A at 9:00 on Monday, due in seven days."""
    return [
        event("received", "2026-07-06 09:00", demand_type="complaint", urgency="normal"),
        event("dispatched", "2026-07-06 09:00", unit=A),
        *more,
    ]


def counts(events: list[Event], at: Instant | str = END) -> dict[str, set[str]]:
    """Unit ▸ names of indicators and counts."""
    found: dict[str, set[str]] = {}
    instant = local(at) if isinstance(at, str) else at
    for contribution in contributions_at(evaluate(events, BEIJING).spans, instant):
        found.setdefault(contribution.unit, set()).add(contribution.indicator)
    return found


def due(events: list[Event]) -> Instant | None:
    return evaluate(events, BEIJING).summary.resolve_due


THREE_RATES = {"response", "resolution", "satisfaction"}
DUE = local("2026-07-13 09:00")


def test_only_the_lead_resolves() -> None:
    assert "open" in counts(order(event("resolved", "2026-07-07 09:00", unit=B)))[A]
    assert "open" not in counts(order(event("resolved", "2026-07-07 09:00", unit=A)))[A]


def test_the_first_report_counts_until_the_order_is_sent_again() -> None:
    twice = order(
        event("resolved", "2026-07-07 09:00", unit=A), event("resolved", "2026-07-09 09:00", unit=A)
    )
    assert evaluate(twice, BEIJING).summary.resolved_at == local("2026-07-07 09:00")
    again = [*twice, event("dispatched", "2026-07-08 09:00", unit=A, round=2)]
    assert evaluate(again, BEIJING).summary.resolved_at == local("2026-07-09 09:00")


def test_the_platform_sets_the_deadline_before_the_policy() -> None:
    received_due, dispatch_due = moment("2026-07-20 09:00"), moment("2026-07-22 09:00")
    received = event("received", "2026-07-06 09:00", demand_type="help", resolve_due=received_due)
    plain = event("dispatched", "2026-07-06 09:00", unit=A)
    own = event("dispatched", "2026-07-07 09:00", unit=B, resolve_due=dispatch_due)
    assert due(order()) == DUE
    assert due([received, plain]) == local("2026-07-20 09:00")
    assert due([received, plain, own]) == local("2026-07-22 09:00")
    later = event("dispatched", "2026-07-08 09:00", unit=A)
    assert due([received, plain, own, later]) == local("2026-07-20 09:00")


def test_the_clock_starts_at_dispatch_even_when_received_is_told_later() -> None:
    late = [
        event("dispatched", "2026-07-06 09:00", unit=A),
        event("received", "2026-07-06 09:01", demand_type="help", urgency="urgent"),
    ]
    assert due(late) == local("2026-07-07 09:00")
    assert due(late[1:]) is None


@pytest.mark.parametrize(
    ("told_at", "decision", "decided_at", "moves"),
    [
        ("2026-07-10 09:00", "approved", None, True),
        ("2026-07-10 09:00", "requested", None, False),
        ("2026-07-10 09:00", "refused", None, False),
        ("2026-07-13 08:59", "approved", None, True),
        ("2026-07-13 09:00", "approved", None, False),
        ("2026-07-15 09:00", "approved", "2026-07-12 09:00", True),
        ("2026-07-10 09:00", "approved", "2026-07-14 09:00", False),
    ],
)
def test_only_an_extension_approved_before_expiry_moves_the_deadline(
    told_at: str, decision: str, decided_at: str | None, moves: bool
) -> None:
    decided = {"decided_at": moment(decided_at)} if decided_at else {}
    extended = event(
        "extended",
        told_at,
        unit=A,
        decision=decision,
        resolve_due=moment("2026-07-20 09:00"),
        **decided,
    )
    assert due(order(extended)) == (local("2026-07-20 09:00") if moves else DUE)


def test_an_extension_told_late_takes_the_overdue_back_from_then_on() -> None:
    events = order(
        event(
            "extended",
            "2026-07-15 09:00",
            unit=A,
            decision="approved",
            decided_at=moment("2026-07-12 09:00"),
            resolve_due=moment("2026-07-20 09:00"),
        )
    )
    assert "overdue" in counts(events, "2026-07-14 09:00")[A]
    assert "overdue" not in counts(events, "2026-07-15 09:00")[A]
    assert "overdue" in counts(events, "2026-07-20 09:00")[A]


def test_an_extension_holds_when_received_is_told_later() -> None:
    extended = event(
        "extended", "2026-07-06 09:10", unit=A, decision="approved", resolve_due=moment("2026-07-20 09:00")
    )  # fmt: skip
    received = event("received", "2026-07-06 09:30", demand_type="help", urgency="urgent")
    assert due([*order()[1:], extended, received]) == local("2026-07-20 09:00")


def test_of_two_equally_good_callbacks_the_later_stands() -> None:
    text = preset("beijing-district").replace("attribution: created", "attribution: callback")
    text = text.replace("basis: last", "basis: best")
    best = load_policy(f"{text}reopening: {{attribution: last}}\n")
    calls = [rated(f"2026-07-{day} 09:00", grade) for day, grade in
             ((13, "satisfied"), (14, "satisfied"), (15, "neutral"))]  # fmt: skip
    found = contributions_at(evaluate(order(*calls), best).spans, END)
    booked = {c.attributed_at for c in found if c.indicator in THREE_RATES}
    assert booked == {local("2026-07-14 09:00")}


def test_an_extension_of_another_unit_has_no_effect() -> None:
    extended = event(
        "extended", "2026-07-10 09:00", unit=B, decision="approved", resolve_due=moment("2026-07-20 09:00")
    )  # fmt: skip
    assert due(order(extended)) == DUE


def test_a_return_counts_when_it_is_approved() -> None:
    for decision in ("requested", "refused"):
        asked = order(event("returned", "2026-07-07 09:00", unit=A, decision=decision))
        assert set(counts(asked)) == {A}
    returned = order(event("returned", "2026-07-07 09:00", unit=A, decision="approved"))
    assert counts(returned)[A] == {"returned"}
    assert "volume" in counts(returned)[""]
    assert due(returned) is None


def test_a_unit_that_does_not_have_the_order_cannot_return_it() -> None:
    stranger = event("returned", "2026-07-07 09:00", unit=B, decision="approved")
    assert set(counts(order(stranger))) == {A}
    twice = [
        event("returned", f"2026-07-0{day} 09:00", unit=A, decision="approved") for day in (7, 8)
    ]
    spans = evaluate(order(*twice), BEIJING).spans
    assert [span.begins_at for span in spans if span.contribution.indicator == "returned"] == [
        local("2026-07-07 09:00")
    ]


def test_return_and_re_dispatch_of_one_second_sort_the_other_way_round() -> None:
    """Dispatched sorts before returned: the return closes the stint of the unit it names."""
    at = "2026-07-07 09:00"
    events = order(
        event("returned", at, unit=A, decision="approved"), event("dispatched", at, unit=B)
    )
    found = counts(events, at)
    assert found[A] == {"returned"}
    assert "volume" in found[B]
    assert due(events) == local("2026-07-14 09:00")


def test_a_unit_may_return_the_same_order_twice_after_getting_it_twice() -> None:
    events = order(
        event("returned", "2026-07-07 09:00", unit=A, decision="approved"),
        event("dispatched", "2026-07-08 09:00", unit=A),
        event("returned", "2026-07-09 09:00", unit=A, decision="approved"),
    )
    spans = [s for s in evaluate(events, BEIJING).spans if s.contribution.indicator == "returned"]
    assert [(s.begins_at, s.ends_at, s.contribution.attributed_at) for s in spans] == [
        (local(at), FOREVER, local(at)) for at in ("2026-07-07 09:00", "2026-07-09 09:00")
    ]


def test_two_reopenings_of_one_instant_are_two() -> None:
    at = local("2026-07-10 09:00")
    events = order(event("reopened", at, unit=A), event("reopened", at, unit=A))
    found = contributions_at(evaluate(events, BEIJING).spans, END)
    assert [c.indicator for c in found].count("reopened") == 2


def test_a_return_takes_the_rating_of_that_unit_with_it() -> None:
    events = order(
        rated("2026-07-13 10:00", "dissatisfied"),
        event("returned", "2026-07-14 09:00", unit=A, decision="approved"),
        event("dispatched", "2026-07-14 09:00", unit=B),
    )
    assert counts(events, "2026-07-13 12:00")[A] > THREE_RATES
    assert counts(events)[B] == {"volume", "state:callback_pending", "open", "overdue"}
    late = [*events, rated("2026-07-22 09:00")]
    assert counts(late)[B] > THREE_RATES


def test_a_rating_of_the_new_unit_survives_a_return_that_is_told_later() -> None:
    events = order(
        event("dispatched", "2026-07-07 09:00", unit=B),
        rated("2026-07-08 10:00"),
        event("returned", "2026-07-09 09:00", unit=A, decision="approved"),
    )
    assert counts(events)[B] > THREE_RATES


def test_a_suspended_order_is_out_of_all_denominators_until_it_is_resumed() -> None:
    events = order(
        rated("2026-07-10 09:00"),
        event("suspended", "2026-07-11 09:00", unit=A, decision="approved"),
        event("resumed", "2026-07-15 09:00", unit=A),
    )
    assert counts(events, "2026-07-12 09:00")[A] == {"volume", "state:suspended", "open"}
    assert counts(events)[A] > THREE_RATES


def test_a_suspension_ends_by_itself() -> None:
    suspended = event(
        "suspended", "2026-07-07 09:00", unit=A, decision="approved", until=moment("2026-07-09 09:00")
    )  # fmt: skip
    assert "state:suspended" in counts(order(suspended), local("2026-07-09 09:00") - 1)[A]
    assert "state:not_yet_due" in counts(order(suspended), "2026-07-09 09:00")[A]
    assert local("2026-07-09 09:00") in evaluate(order(suspended), BEIJING).boundaries


def test_a_suspension_that_ends_before_the_deadline() -> None:
    suspended = event(
        "suspended", "2026-07-07 09:00", unit=A, decision="approved", until=moment("2026-07-09 09:00")
    )  # fmt: skip
    events = order(suspended)
    assert evaluate(events, BEIJING).boundaries == tuple(
        local(f"2026-07-{day} 09:00") for day in ("06", "07", "09", "13")
    )
    assert "state:not_yet_due" in counts(events, DUE - 1)[A]
    assert counts(events, DUE)[A] == {"volume", "state:callback_pending", "open", "overdue"}


@pytest.mark.parametrize(
    "no_effect",
    [
        event("suspended", "2026-07-07 09:00", unit=A, decision="requested"),
        event("suspended", "2026-07-07 09:00", unit=B, decision="approved"),
    ],
)
def test_suspensions_without_effect(no_effect: Event) -> None:
    assert "state:not_yet_due" in counts(order(no_effect), "2026-07-08 09:00")[A]


def test_only_the_lead_resumes_and_another_lead_is_not_suspended() -> None:
    suspended = event("suspended", "2026-07-07 09:00", unit=A, decision="approved")
    resumed = event("resumed", "2026-07-08 09:00", unit=B)
    assert "state:suspended" in counts(order(suspended, resumed))[A]
    moved = event("dispatched", "2026-07-08 09:00", unit=B)
    assert "state:not_yet_due" in counts(order(suspended, moved), "2026-07-09 09:00")[B]


def test_an_exclusion_may_hit_one_indicator() -> None:
    events = order(
        rated("2026-07-13 10:00", "dissatisfied"),
        event("excluded", "2026-07-15 09:00", indicators=["satisfaction"], ground="unreasonable"),
    )
    assert counts(events)[A] & THREE_RATES == {"response", "resolution"}
    assert "state:valid" in counts(events)[A]


def test_excluding_every_indicator_one_by_one_excludes_the_order() -> None:
    rating = rated("2026-07-13 10:00")
    exclusions = [
        event("excluded", f"2026-07-{day} 09:00", indicators=[code], ground=f"ground_{day}")
        for day, code in ((15, "satisfaction"), (16, "response"), (17, "resolution"))
    ]
    found = counts(order(rating, *exclusions))[A]
    assert "state:excluded:ground_17" in found
    assert not found & THREE_RATES
    back = event("reinstated", "2026-07-18 09:00", indicators=["response"])
    assert counts(order(rating, *exclusions, back))[A] & THREE_RATES == {"response"}


def test_an_exclusion_from_indicators_of_another_policy_changes_nothing() -> None:
    events = order(rated("2026-07-13 10:00"))
    other = event("excluded", "2026-07-15 09:00", indicators=["on_time"], ground="unreasonable")
    assert counts([*events, other]) == counts(events)


def test_a_reopened_order_is_open_and_its_earlier_rating_stands() -> None:
    events = order(
        event("resolved", "2026-07-08 09:00", unit=A),
        rated("2026-07-09 09:00", "dissatisfied"),
        event("reopened", "2026-07-10 09:00"),
    )
    found = counts(events, "2026-07-10 09:00")[A]
    assert {"open", "reopened", "state:valid"} | THREE_RATES <= found


def test_one_call_that_reached_the_citizen_keeps_the_order_reachable() -> None:
    calls = [unanswered(f"2026-07-{day} 09:00") for day in (13, 14, 15)]
    reached = rated("2026-07-16 09:00", None, solved=None)
    assert "state:unreachable" in counts(order(*calls))[A]
    assert "state:callback_pending" in counts(order(*calls, reached))[A]


def test_silence_on_sms_and_web_is_an_attempt() -> None:
    calls = [
        event(
            "callback", f"2026-07-{day} 09:00", attempt=1, channel=channel, reached=False,
            unreached_reason="silent",
        )
        for day, channel in ((13, "sms"), (14, "web"), (15, "sms"))
    ]  # fmt: skip
    assert "state:unreachable" in counts(order(*calls))[A]


def test_a_second_received_changes_nothing() -> None:
    other = event(
        "received", "2026-07-06 10:00", source="province", demand_type="thanks", urgency="critical"
    )
    assert evaluate(order(other), BEIJING) == evaluate(order(), BEIJING)


@pytest.mark.parametrize("attribution", ["created", "due"])
def test_an_indicator_is_booked_at_the_instant_the_policy_names(attribution: str) -> None:
    policy = load_policy(
        preset("on-time").replace("attribution: created", f"attribution: {attribution}")
    )
    received = event(
        "received", "2026-07-06 09:00", demand_type="help", resolve_due=moment("2026-07-10 09:00")
    )
    events = [received, event("dispatched", "2026-07-06 09:00", unit=A)]
    found = contributions_at(evaluate(events, policy).spans, END)
    (booked,) = [c.attributed_at for c in found if c.indicator == "on_time"]
    assert booked == local({"created": "2026-07-06 09:00", "due": "2026-07-10 09:00"}[attribution])
    (volume,) = [c.attributed_at for c in found if c.indicator == "volume"]
    assert volume == local("2026-07-06 09:00")


def test_the_on_time_policy_ignores_what_citizens_say() -> None:
    events = order(rated("2026-07-13 10:00"))
    names = {c.indicator for c in contributions_at(evaluate(events, ON_TIME).spans, END)}
    assert names == {"volume", "state:not_assessed", "open"}


@pytest.mark.parametrize("type_", ["contacted", "resolved"])
def test_evidence_of_a_repeated_report_counts_from_then_on(type_: str) -> None:
    events = order(
        event("contacted", "2026-07-06 10:00", unit=A),
        event("resolved", "2026-07-07 09:00", unit=A),
        event(type_, "2026-07-08 09:00", unit=A, evidence=["photo/1"]),
    )
    spans = [s for s in evaluate(events, JUNGAR).spans if s.indicator == "photo_evidence"]
    assert [(s.begins_at, s.numerator) for s in spans] == [
        (local("2026-07-07 09:00"), 0),
        (local("2026-07-08 09:00"), 1000),
    ]


def test_thousands_of_callbacks_cost_no_more_than_thousands_of_events() -> None:
    """A faulty platform may repeat a call for ever; its order must not hold up the others."""

    def cost(*calls: Event) -> int:
        steps = 0

        def count(_frame: FrameType, _kind: str, _argument: object) -> None:
            nonlocal steps
            steps += 1

        sys.setprofile(count)
        try:
            evaluate(order(*calls), BEIJING)
        finally:
            sys.setprofile(None)
        return steps

    calls = [unanswered(local("2026-07-07 09:00") + n * MINUTE, n % 1000 + 1) for n in range(800)]
    assert cost(*calls) < 5 * cost(*calls[:200])
