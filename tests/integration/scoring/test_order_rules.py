"""Single orders are told of once, by whoever ranks; signs of gaming are told like places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.instants import DAY, HOUR, MINUTE, Instant
from schemas.records import Event
from services.domain.policy import preset
from services.scoring.context import ScoringContext
from services.storage import push_feed
from services.storage.push_feed import LoggedAlert
from tests.integration.api.city import NOW, STREETS, City, open_city
from tests.integration.scoring.rankers import Ranker, rankers
from tests.support.orders import event, rated

UNIT, OTHER = (street.code for street in STREETS[:2])
POLICY = (
    preset("beijing-district")
    + """
alerts:
  - {rule: deadline_near, name: near48, hours: 48}
  - {rule: deadline_near, name: near24}
  - {rule: reopened_often}
  - {rule: transferred_often, recipients: [city]}
  - {rule: closed_unsolved, threshold: 50, minimum_sample: 2}
  - {rule: ratings_apart, threshold: 40, minimum_sample: 1}
"""
)
LATER = 15 * MINUTE


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with open_city(tmp_path / "engine", text=POLICY) as found:
        yield found


@pytest.fixture
def context(city: City) -> Iterator[ScoringContext]:
    with rankers(city) as found:
        yield found


def opened(subject: str, at: Instant, urgency: str = "normal") -> list[Event]:
    return [
        event("received", at, subject=subject, demand_type="help", urgency=urgency),
        event("dispatched", at, subject=subject, unit=UNIT),
    ]


def told(city: City, after: int = 0) -> dict[tuple[str, str], list[str]]:
    """Orders by the name of the rule and by why they were not pushed."""
    return {
        (alert.name, alert.withheld): alert.evidence["orders"]
        for alert in push_feed.alerts_after(city.database, after, 100)
        if "orders" in alert.evidence
    }


async def rank_at(ranker: Ranker, city: City, now: Instant, *events: Event) -> None:
    """All shards flush at an instant, and the ranker evaluates."""
    city.now = now
    city.store(events)
    for shard in (0, 1):
        await ranker.hears(shard)
    await ranker.ranks()


async def test_a_deadline_that_comes_near_is_told_once(city: City, context: ScoringContext) -> None:
    ranker = Ranker(city, context)
    week = 7 * DAY
    await rank_at(
        ranker,
        city,
        NOW,
        *opened("近-1", NOW - week + 48 * HOUR + 10 * MINUTE),
        *opened("近-2", NOW - week + 48 * HOUR - 10 * MINUTE),
        *opened("近-3", NOW - week + 24 * HOUR - 10 * MINUTE),
        *opened("旧-1", NOW - week + 46 * HOUR),
        *opened("过-1", NOW - week - HOUR),
        *opened("短-1", NOW - 10 * MINUTE, "urgent"),
        *opened("办-1", NOW - week + 24 * HOUR),
        event("resolved", NOW - DAY, subject="办-1", unit=UNIT),
    )
    assert told(city) == {
        ("near48", ""): ["近-2"],
        ("near48", "found_later"): ["旧-1", "近-3"],
        ("near24", ""): ["近-3"],
    }
    assert [message["ranking"] for message in ranker.outbox.sent] == ["lead", "lead"]
    newest = push_feed.newest_alert(city.database)

    # Nothing is asked before a quarter hour has passed; then only what is new is told.
    await rank_at(ranker, city, NOW + LATER - 1)
    assert told(city, newest) == {}
    await rank_at(ranker, city, NOW + LATER)
    assert told(city, newest) == {("near48", ""): ["近-1"]}

    # Whoever takes over sends the last alerts again, under the same ids, and tells nothing anew.
    other = Ranker(city, context)
    newest = push_feed.newest_alert(city.database)
    await rank_at(other, city, NOW + 2 * LATER)
    assert told(city, newest) == {}
    assert [message["id"] for message in other.outbox.sent] == [ranker.outbox.sent[-1]["id"]]


async def test_what_was_not_looked_at_for_hours_is_found_later(
    city: City, context: ScoringContext
) -> None:
    ranker = Ranker(city, context)
    await rank_at(ranker, city, NOW, *opened("近-1", NOW - 5 * DAY + HOUR))
    await rank_at(ranker, city, NOW + 3 * HOUR)
    assert told(city) == {("near48", "found_later"): ["近-1"]}


async def test_an_order_that_goes_back_and_forth_is_told_once(
    city: City, context: ScoringContext
) -> None:
    def sent(subject: str, at: Instant, unit: str) -> Event:
        return event("dispatched", at, subject=subject, unit=unit)

    def again(subject: str, at: Instant) -> Event:
        return event("reopened", at, subject=subject, unit=UNIT, ground="未解决")

    ranker = Ranker(city, context)
    old, new = NOW - 2 * DAY, NOW - 20 * MINUTE
    third, fourth = (street.code for street in STREETS[2:4])
    often = [*opened("重-1", old), *(again("重-1", old + n * HOUR) for n in (1, 2, 3, 4))]
    twice = [*opened("重-2", old), *(again("重-2", old + n * HOUR) for n in (1, 2))]
    await rank_at(
        ranker,
        city,
        NOW,
        *opened("转-1", old),
        sent("转-1", old + HOUR, OTHER),
        sent("转-1", old + 2 * HOUR, third),
        sent("转-1", new, fourth),
        *opened("转-2", old),
        sent("转-2", old + HOUR, OTHER),
        sent("转-2", new, UNIT),
        *often,
        *twice,
    )
    assert told(city) == {
        ("transferred_often", ""): ["转-1"],
        ("reopened_often", "found_later"): ["重-1"],
    }
    (transferred,) = (each for each in alerts(city) if each.rule == "transferred_often")
    assert (transferred.unit, transferred.recipients) == (fourth, ("city",))

    newest = push_feed.newest_alert(city.database)
    at = NOW + LATER - MINUTE
    await rank_at(ranker, city, NOW + LATER, *twice, again("重-2", at), *often, again("重-1", at))
    assert told(city, newest) == {("reopened_often", ""): ["重-2"]}


async def test_signs_that_orders_show_are_told_with_their_numbers_and_once(
    city: City, context: ScoringContext
) -> None:
    def closed(subject: str, *, solved: str, channel: str) -> list[Event]:
        at = NOW - DAY
        called = rated(
            NOW - 10 * MINUTE,
            "satisfied" if solved == "yes" else "dissatisfied",
            solved=solved,
            channel=channel,
            subject=subject,
        )
        return [
            *opened(subject, at),
            event("resolved", at + HOUR, subject=subject, unit=UNIT),
            called,
        ]

    ranker = Ranker(city, context)
    await rank_at(ranker, city, NOW - 20 * MINUTE)
    await rank_at(
        ranker,
        city,
        NOW,
        *closed("程-1", solved="no", channel="phone"),
        *closed("程-2", solved="yes", channel="sms"),
    )
    found = {alert.rule: alert for alert in alerts(city)}
    assert set(found) == {"closed_unsolved", "ratings_apart"}
    # The orders' events came with this flush; that they were received a day ago makes it old.
    assert {alert.withheld for alert in found.values()} == {"found_later"}
    shown = found["closed_unsolved"].evidence
    assert (shown["count"], shown["of"], shown["share"]) == (1, 2, "50.00")
    assert shown["orders"] == ["程-1", "程-2"]
    apart = found["ratings_apart"].evidence
    assert (apart["highest_source"], apart["lowest_source"]) == (
        "city-hotline sms",
        "city-hotline phone",
    )
    await rank_at(ranker, city, NOW + LATER)
    assert len(alerts(city)) == 2


async def test_the_stream_tells_rankings_and_no_evaluations_of_orders(
    city: City, context: ScoringContext
) -> None:
    ranker = Ranker(city, context)
    await rank_at(ranker, city, NOW, *opened("近-2", NOW - 5 * DAY - 10 * MINUTE))
    streamed = push_feed.evaluations_after(city.database, 0, 100)
    assert {logged.series.ranking for logged in streamed} == {"lead"}
    present = push_feed.present(city.database, city.ruleset)
    assert {logged.series.ranking for logged in present} == {"lead"}
    assert [alert.rule for alert in alerts(city)] == ["deadline_near"]


def alerts(city: City) -> list[LoggedAlert]:
    return push_feed.alerts_after(city.database, 0, 100)
