"""What is told of single orders."""

from __future__ import annotations

from schemas.instants import HOUR, MINUTE, Instant, format_instant
from schemas.policy.alerts import AlertRule
from schemas.records import Event, LoggedEvent, Position
from services.domain.alert_texts import alert_text
from services.domain.order_alerts import Occurrence, order_turns, transfers
from tests.support.orders import event, local

START = local("2026-07-06 09:00")
NEAR = AlertRule(rule="deadline_near", hours=48)
OFTEN = AlertRule(rule="reopened_often", news_within_hours=2)


def logged(*events: Event) -> list[LoggedEvent]:
    return [LoggedEvent(each, Position(0, n), 0) for n, each in enumerate(events)]


def dispatched(unit: str, at: Instant, id_: str | None = None) -> Event:
    return event("dispatched", at, unit=unit, id_=id_)


def test_an_order_is_transferred_when_another_unit_leads_it() -> None:
    first = START + HOUR
    assert transfers(
        logged(
            event("received", START, demand_type="help"),
            dispatched("a", START),
            dispatched("b", first + HOUR),
            dispatched("a", first),  # arrives late; changes nothing, a leads already
            dispatched("b", first + 2 * HOUR),
            dispatched("c", first + 3 * HOUR),
        )
    ) == [first + HOUR, first + 3 * HOUR]


def test_one_that_comes_back_to_who_returned_it_is_not() -> None:
    given_back = event("returned", START + HOUR, unit="a", decision="approved", ground="x")
    events = [dispatched("a", START), given_back, dispatched("a", START + 2 * HOUR)]
    assert transfers(logged(*events)) == []
    elsewhere = dispatched("b", START + 3 * HOUR)
    assert transfers(logged(*events, elsewhere)) == [START + 3 * HOUR]


def test_corrected_and_contradicted_events_count_as_the_rules_have_them() -> None:
    moved = dispatched("b", START + HOUR, "2")
    unit = event("corrected", START + 2 * HOUR, event="2", field="unit", new="a")
    assert transfers(logged(dispatched("a", START), moved, unit)) == []
    other = dispatched("c", START + 3 * HOUR, "2")  # another content under a known id
    assert transfers(logged(dispatched("a", START), moved, other)) == [START + HOUR]


def test_the_orders_of_a_unit_are_told_together_and_what_is_old_apart() -> None:
    found = [
        Occurrence("热线-3", "a", START - 2 * HOUR - 1),
        Occurrence("热线-2", "a", START),
        Occurrence("热线-1", "a", START - 2 * HOUR),
        Occurrence("热线-4", "b", START),
    ]
    turns = order_turns(OFTEN, found, START, is_found_later=False)
    assert [(turn.unit, turn.withheld, turn.evidence["orders"]) for turn in turns] == [
        ("a", "", ["热线-1", "热线-2"]),
        ("a", "found_later", ["热线-3"]),
        ("b", "", ["热线-4"]),
    ]
    assert turns[0].evidence["times"] == 3
    later = order_turns(OFTEN, found, START, is_found_later=True)
    assert {turn.withheld for turn in later} == {"found_later"}


def test_the_earliest_deadline_is_told_and_so_many_orders_by_name() -> None:
    found = [
        Occurrence(f"热线-{n:03d}", "a", START, START + 48 * HOUR - n * MINUTE) for n in range(203)
    ]
    (turn,) = order_turns(NEAR, found, START, is_found_later=False)
    assert turn.evidence["hours"] == 48
    assert turn.evidence["due"] == format_instant(START + 48 * HOUR - 202 * MINUTE)
    assert len(turn.evidence["orders"]) == 200
    assert turn.evidence["more_orders"] == 3


def test_another_deadline_of_the_order_is_told_again() -> None:
    first = Occurrence("热线-1", "a", START, START + 48 * HOUR)
    assert first.key("near") == first._replace(unit="b", at=START + 1).key("near")
    assert first.key("near") != first._replace(due=START + 49 * HOUR).key("near")
    assert first.key("near") != first.key("nearer")


def test_people_read_of_it_in_chinese() -> None:
    told = alert_text(
        "deadline_near", "东华门街道", "2026-07", {"hours": 48, "due": "2026-07-08"}, "今"
    )
    assert told.title == "东华门街道：工单临近办理期限"
    assert "提前小时数 48，最早期限 2026-07-08" in told.text
