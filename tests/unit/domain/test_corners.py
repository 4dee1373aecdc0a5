"""What random orders brought to light (tests/oracle): corners where rules meet."""

from __future__ import annotations

from typing import Final

from schemas.records import Event
from services.domain.outcome import contributions_at, evaluate, evaluate_version
from services.domain.policy import load_policy, preset
from tests.oracle.agreement import SYNTHETIC
from tests.support.orders import event, local, moment, rated

PAUSING: Final = load_policy((SYNTHETIC / "pausing.yaml").read_text(encoding="utf-8"))
EVERY: Final = load_policy((SYNTHETIC / "every-denominator.yaml").read_text(encoding="utf-8"))
BEIJING: Final = load_policy(preset("beijing-district"))


def order(*more: Event, received_at: str = "2025-12-01 23:00", **received: str) -> list[Event]:
    """Monday morning in New York, to A, three working days: until Thursday's end there."""
    return [
        event("received", received_at, demand_type="help", **received),
        event("dispatched", "2025-12-01 23:00", unit="A"),
        *more,
    ]


def test_three_working_days() -> None:
    assert evaluate(order(), PAUSING).summary.resolve_due == local("2025-12-05 13:00")


def test_a_second_suspension_that_was_over_before_it_began_ends_the_first_and_unmakes_no_pause() -> (
    None
):
    suspended = event("suspended", "2025-12-01 23:01", unit="A", decision="approved")
    over = event(
        "suspended",
        "2025-12-10 23:00",
        unit="A",
        decision="approved",
        until=moment("2025-12-02 12:00"),
    )
    due = evaluate(order(suspended, over), PAUSING).summary.resolve_due
    assert due == local("2025-12-13 13:00")  # Wednesday, Thursday, Friday


def test_a_clock_that_a_reopening_restarted_runs_by_the_list_when_received_is_told_later() -> None:
    told = order(
        event("reopened", "2025-12-02 23:00"),
        received_at="2025-12-03 09:00",
        resolve_due=moment("2026-01-31 12:00"),
    )
    due = evaluate(told, PAUSING).summary.resolve_due
    assert due == local("2025-12-04 13:00")  # round 2: one working day


def test_a_dispatch_whose_unit_was_withdrawn_leads_nobody_and_starts_no_clock() -> None:
    told = order()
    withdrawn = event("corrected", "2025-12-03 09:00", event=told[1].id, field="unit")
    outcome = evaluate([*told, withdrawn], BEIJING)
    assert outcome.summary.unit == ""
    assert outcome.summary.resolve_due is None


def test_versions_have_boundaries_only_where_what_counts_changes() -> None:
    outcome = evaluate(order(event("signed", "2025-12-02 23:00", unit="A")), PAUSING)
    for boundary in outcome.boundaries:
        before = contributions_at(outcome.spans, boundary - 1)
        assert sorted(before) != sorted(contributions_at(outcome.spans, boundary))


def test_a_deadline_told_before_the_order_itself_is_judged_by_the_version_of_its_time() -> None:
    told = [
        event(
            "received",
            "2026-03-09 13:00",  # under version 3
            demand_type="help",
            resolve_due=moment("2026-03-05 13:00"),  # under version 2
        )
    ]
    spans = evaluate(told, PAUSING).spans
    late = [span for span in spans if span.indicator == "finished"]
    assert [span.attributed_at for span in late] == [local("2026-03-05 13:00")]


def test_the_best_callback_is_found_by_the_parts_of_the_score_too() -> None:
    told = [
        event("received", "2025-05-01 09:00", demand_type="help"),
        rated("2025-05-02 09:00", attitude="satisfied"),
        rated("2025-05-03 09:00", attitude="dissatisfied"),
    ]
    spans = evaluate(told, EVERY).spans
    assert {span.attributed_at for span in spans if span.indicator == "response"} == {
        local("2025-05-02 09:00")
    }


def test_an_order_that_two_versions_book_in_their_own_time_counts_under_the_earlier_one() -> None:
    """Version 2 keeps the booking of the first dispatch, version 3 that of the last."""
    told = [
        event("received", "2026-03-05 13:00", demand_type="help"),
        event("dispatched", "2026-03-05 13:00", unit="A", resolve_due=moment("2026-03-05 13:10")),
        event("dispatched", "2026-03-08 13:01", unit="A"),
    ]
    booked = [(local("2026-03-05 13:10"), 2), (local("2026-03-12 12:00"), 3)]
    for at, version in booked:
        rules = PAUSING.versions[version - 1]
        spans = evaluate_version(told, rules).spans
        assert at in {span.attributed_at for span in spans if span.indicator == "finished"}
        assert rules.begins_at <= at < rules.ends_at
    found = contributions_at(evaluate(told, PAUSING).spans, local("2026-04-01 12:00"))
    assert [c.attributed_at for c in found if c.indicator == "finished"] == [booked[0][0]]


SHORTER: Final = load_policy(
    preset("on-time")
    .replace("attribution: created", "attribution: due")
    .replace('version: "1"\n', "")
    .replace("deadlines: []", "")
    + """
versions:
  - {version: "1", deadlines: [{resolve: {days: 7}}]}
  - {version: "2", effective: {from: 2026-02-01}, deadlines: [{resolve: {days: 5}}]}
"""
)


def test_an_order_that_two_versions_book_in_the_time_of_the_other_counts_once() -> None:
    def booked(day: str) -> list[int]:
        told = [
            event("received", f"{day} 09:00", demand_type="help"),
            event("dispatched", f"{day} 09:00", unit="A"),
        ]
        found = contributions_at(evaluate(told, SHORTER).flat, local("2026-03-01 00:00"))
        return [each.attributed_at for each in found if each.indicator == "on_time"]

    assert booked("2026-01-20") == [local("2026-01-27 09:00")]
    assert booked("2026-01-26") == [local("2026-02-02 09:00")]  # under 5 days on 31 January
    assert booked("2026-01-28") == [local("2026-02-02 09:00")]


def test_what_began_with_the_dispatch_is_due_by_its_round_though_received_is_told_later() -> None:
    told = [
        event("dispatched", "2025-12-01 23:00", unit="110105003"),
        event("reopened", "2025-12-02 09:00", unit="110105003"),  # round 2 signs in 50 minutes
        event("received", "2025-12-02 10:00", demand_type="help"),
    ]
    now = contributions_at(evaluate(told, EVERY).spans, local("2025-12-02 23:59"))
    assert "signed" not in [one.indicator for one in now]  # one working day: until its end


def test_what_was_done_and_reopened_while_its_clock_rested_is_booked_when_its_deadline_is_known() -> (
    None
):
    told = order(
        event("suspended", "2025-12-02 09:00", unit="A", decision="approved"),
        event("resolved", "2025-12-02 10:00", unit="A"),
        event("reopened", "2025-12-02 12:00", unit="A"),
        event("resumed", "2025-12-20 09:00", unit="A"),
    )
    outcome = evaluate(told, PAUSING)
    booked = {one.attributed_at for one in outcome.spans if one.indicator == "finished"}
    assert booked == {outcome.summary.resolve_due}
