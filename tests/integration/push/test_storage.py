"""What pushes rest on in the store: places of evaluations and alerts, and who delivers."""

from __future__ import annotations

from services.api.push.lease import Lease
from services.storage import beats, push_feed
from tests.integration.api.city import City
from tests.integration.push.standings import OTHER, UNIT, entered, evaluate, left


def test_alerts_have_places_in_the_order_of_their_evaluations(city: City) -> None:
    assert push_feed.newest_evaluation(city.database) == 0
    assert push_feed.alerts_after(city.database, 0, 10) == []
    given = [entered(UNIT, 1), entered(OTHER, 1), left(UNIT, 2)]
    evaluate(city, 1, *given[:2])
    between = push_feed.newest_alert(city.database)
    evaluate(city, 2, given[2])
    evaluate(city, 3)

    found = push_feed.alerts_after(city.database, 0, 10)

    assert [alert.id for alert in found] == [alert.id for alert in given]
    assert [alert.sequence for alert in found] == sorted({alert.sequence for alert in found})
    after = push_feed.alerts_after(city.database, found[0].sequence, 10)
    assert after == found[1:]
    assert push_feed.alerts_after(city.database, between, 10) == found[2:]
    assert push_feed.alerts_after(city.database, push_feed.newest_alert(city.database), 10) == []


def test_an_evaluation_stored_twice_keeps_its_first_place(city: City) -> None:
    evaluate(city, 1, entered(UNIT, 1))
    first = push_feed.alerts_after(city.database, 0, 10)
    evaluate(city, 1, entered(UNIT, 1))

    assert push_feed.alerts_after(city.database, 0, 10) == first
    assert push_feed.alerts_after(city.database, first[0].sequence, 10) == []
    (logged,) = push_feed.evaluations_after(city.database, 0, 10)
    assert push_feed.evaluations_after(city.database, logged.sequence, 10) == []


def test_pages_meet(city: City) -> None:
    for number in range(1, 8):
        evaluate(city, number, entered(UNIT, number))
    places, place = [], 0
    while page := push_feed.evaluations_after(city.database, place, 3):
        places += [logged.number for logged in page]
        place = page[-1].sequence

    assert places == list(range(1, 8))
    (now,) = push_feed.present(city.database, city.ruleset)
    assert (now.number, now.sequence) == (7, place)
    assert push_feed.present(city.database, city.ruleset + 1) == []


def test_evidence_is_the_distance_to_the_other_side_of_the_line(city: City) -> None:
    evaluate(city, 1, entered(UNIT, 1), left("110101003", 1), left("nobody", 1))

    inside, outside, unranked = push_feed.alerts_after(city.database, 0, 10)

    assert inside.evidence == {"rank": 3, "score": "88.12", "margin": "-6.88"}
    assert outside.evidence == {"rank": 1, "score": "95.00", "margin": "6.85"}
    assert unranked.evidence == {}


def test_the_first_of_those_alive_delivers(city: City) -> None:
    assert beats.beat(city.database, "first")
    assert not beats.beat(city.database, "second")
    assert beats.beat(city.database, "first")

    city.database.execute("TRUNCATE TABLE push_beats")
    assert beats.beat(city.database, "second")
    assert not beats.beat(city.database, "first")
    assert beats.beat(city.database, "second")


def test_who_was_silent_for_too_long_is_succeeded(city: City) -> None:
    city.database.execute(
        "INSERT INTO push_beats SELECT 'first', at, at FROM"
        " (SELECT now64(6, 'UTC') - toIntervalSecond({lease:UInt32} + 1) AS at)",
        {"lease": beats.LEASE_SECONDS},
    )
    assert beats.beat(city.database, "second")
    assert beats.beat(city.database, "first")  # it comes back, and began earlier
    assert not beats.beat(city.database, "second")


async def test_a_lease_holds_for_some_seconds_after_its_beat(city: City) -> None:
    seconds = [0.0]
    first = Lease(city.database, lambda: seconds[0])
    second = Lease(city.database, lambda: seconds[0])
    assert not first.holds()

    assert await first.leads()
    assert not await second.leads()
    assert first.holds()
    seconds[0] = float(beats.LEASE_SECONDS)  # paused
    assert not first.holds()
    assert await first.leads()  # it beats again; by the store's clock no time has passed
    assert not await second.leads()
