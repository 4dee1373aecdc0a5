"""Alerts reach webhooks: signed, once each, again after failures, whatever others do."""

from __future__ import annotations

import time

from schemas.instants import DAY, HOUR, MINUTE, SECOND
from services.api.push.courier import STALE
from services.domain.retrying import DISABLED_AFTER, PAUSES
from services.storage import deliveries, endpoints
from services.storage.database import Database
from services.storage.deliveries import Delivery
from tests.integration.api.city import City
from tests.integration.push.post_office import Leads, courier_of, endpoint_at, one_round
from tests.integration.push.receiver import receiving
from tests.integration.push.standings import OTHER, UNIT, entered, evaluate, left


def state_of(db: Database, endpoint: str, id_: str) -> Delivery:
    found = deliveries.find(db, endpoint, id_)
    assert found is not None
    return found


async def test_a_receiver_with_the_library_accepts_every_delivery(city: City) -> None:
    city.now = time.time_ns() // 1000  # the library compares with this machine's clock
    async with receiving() as receiver:
        endpoint_at(city, receiver, "a")
        first, second = entered(UNIT, 1), left(OTHER, 1)
        evaluate(city, 1, first, second)

        await one_round(courier_of(city))

        assert receiver.ids == [first.id, second.id]
        message = receiver.verified[0][1]
        assert message["type"] == "alert.bottom_entered"
        data = message["data"]
        assert data["id"] == first.id
        assert data["unit"] == {"code": UNIT, "name": "东华门街道", "kind": "street"}
        assert data["evidence"] == {"rank": 3, "score": "88.12", "margin": "-6.88"}
        assert data["window"] == {"kind": "cycle", "name": "2026-11"}


async def test_an_alert_is_delivered_once_also_to_the_next_process(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint_at(city, receiver, "a")
        evaluation = evaluate(city, 1, entered(UNIT, 1))
        await one_round(courier_of(city))

        evaluate(city, 1, *evaluation.alerts)  # a retry of the insert
        await one_round(courier_of(city))
        evaluate(city, 2, left(UNIT, 2))
        await one_round(courier_of(city))

        assert receiver.ids == [entered(UNIT, 1).id, left(UNIT, 2).id]


async def test_one_that_was_sent_but_not_recorded_comes_again_under_its_id(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint = endpoint_at(city, receiver, "a")
        alert = entered(UNIT, 1)
        evaluate(city, 1, alert)
        await one_round(courier_of(city))
        city.database.execute(
            "ALTER TABLE push_deliveries DELETE WHERE state = 'delivered'"
            " SETTINGS mutations_sync = 1"
        )

        await one_round(courier_of(city))

        assert receiver.ids == [alert.id, alert.id]
        assert state_of(city.database, endpoint.id, alert.id).state == deliveries.DELIVERED


async def test_rules_and_units_choose(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint_at(city, receiver, "a", rules=("bottom_left",))
        endpoint_at(city, receiver, "b", units=(OTHER,))
        evaluate(city, 1, entered(UNIT, 1), left(UNIT, 1), entered(OTHER, 1))

        await one_round(courier_of(city))

        assert sorted(receiver.ids) == sorted([left(UNIT, 1).id, entered(OTHER, 1).id])
        assert sorted(receiver.paths) == ["a", "b"]


async def test_a_failure_is_repeated_after_growing_pauses_until_it_is_given_up(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint = endpoint_at(city, receiver, "a")
        alert = entered(UNIT, 1)
        evaluate(city, 1, alert)
        receiver.answers = [500] * (len(PAUSES) + 1)
        courier = courier_of(city)

        for attempt, pause in enumerate(PAUSES, start=1):
            await one_round(courier)
            found = state_of(city.database, endpoint.id, alert.id)
            assert (found.attempt, found.status, found.problem) == (attempt, 500, "refused")
            assert found.next_at == city.now + pause
            city.now += max(pause, MINUTE)
        await one_round(courier)

        assert state_of(city.database, endpoint.id, alert.id).state == deliveries.GIVEN_UP
        assert receiver.refused == [alert.id] * (len(PAUSES) + 1)
        city.now += HOUR
        await one_round(courier)
        assert receiver.verified == []


async def test_a_failure_is_not_repeated_before_its_time(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint_at(city, receiver, "a")
        evaluate(city, 1, entered(UNIT, 1))
        receiver.answers = [503, 503]
        await one_round(courier_of(city))

        city.now += PAUSES[0] - 1
        await one_round(courier_of(city))
        assert len(receiver.refused) == 1
        city.now += 1
        await one_round(courier_of(city))
        assert len(receiver.refused) == 2
        city.now += MINUTE
        await one_round(courier_of(city))
        assert receiver.ids == [entered(UNIT, 1).id]


async def test_a_dead_receiver_delays_no_other(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint_at(city, receiver, "silent")
        endpoint_at(city, receiver, "b")
        courier = courier_of(city, seconds=100)
        for number in range(1, 4):
            evaluate(city, number, entered(UNIT, number))
            while len(receiver.ids) < number:  # the other's attempt waits for its answer all along
                await courier.round()

        assert receiver.ids == [entered(UNIT, number).id for number in range(1, 4)]
        assert receiver.paths.count("silent") == 1
        receiver.silent.set()
        await courier.settled()


async def test_no_answer_in_time_is_a_failure(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint = endpoint_at(city, receiver, "silent")
        evaluate(city, 1, entered(UNIT, 1))

        await one_round(courier_of(city, seconds=0.05))

        found = state_of(city.database, endpoint.id, entered(UNIT, 1).id)
        assert (found.state, found.problem) == (deliveries.WAITING, "timeout")


async def test_nobody_there_is_a_failure(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint = endpoint_at(city, receiver, "a")
    evaluate(city, 1, entered(UNIT, 1))

    await one_round(courier_of(city))

    assert state_of(city.database, endpoint.id, entered(UNIT, 1).id).problem == "no_connection"


async def test_redirects_are_not_followed(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint = endpoint_at(city, receiver, "moved")
        evaluate(city, 1, entered(UNIT, 1))

        await one_round(courier_of(city))

        found = state_of(city.database, endpoint.id, entered(UNIT, 1).id)
        assert (found.status, found.problem) == (302, "redirect")
        assert receiver.paths == ["moved"]


async def test_private_addresses_are_refused_when_connecting(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint = endpoint_at(city, receiver, "a")
        evaluate(city, 1, entered(UNIT, 1))

        await one_round(courier_of(city, private=False))

        found = state_of(city.database, endpoint.id, entered(UNIT, 1).id)
        assert found.problem == "private_address"
        assert receiver.paths == []


async def test_gone_switches_off_at_once_and_the_others_are_told(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        gone = endpoint_at(city, receiver, "a", rules=("bottom_entered",))
        endpoint_at(city, receiver, "b", rules=("nothing",))
        evaluate(city, 1, entered(UNIT, 1))
        receiver.answers = [410]
        courier = courier_of(city)
        await one_round(courier)

        await one_round(courier)

        found = endpoints.find(city.database, gone.id)
        assert found is not None
        assert (found.state, found.reason) == ("disabled", "gone")
        ((id_, message),) = receiver.verified
        assert id_ == "disabled:wh_a:2"
        assert message["type"] == "endpoint.disabled"
        assert message["data"] == {"endpoint": "wh_a", "kind": "webhook", "reason": "gone"}


async def test_days_without_a_success_switch_off(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint = endpoint_at(city, receiver, "a")
        receiver.answers = [500] * 100
        courier, began, number = courier_of(city), city.now, 0
        while city.now < began + DISABLED_AFTER:
            number += 1
            evaluate(city, number, entered(UNIT, number))
            await one_round(courier)
            found = endpoints.find(city.database, endpoint.id)
            assert found is not None
            assert found.state == "on"
            city.now += 12 * HOUR

        await one_round(courier)

        found = endpoints.find(city.database, endpoint.id)
        assert found is not None
        assert (found.state, found.reason) == ("disabled", "failing")


async def test_a_success_begins_the_days_anew(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint = endpoint_at(city, receiver, "a")
        evaluate(city, 1, entered(UNIT, 1))
        receiver.answers = [500]
        courier = courier_of(city)
        await one_round(courier)
        city.now += 2 * DAY
        await one_round(courier)
        assert receiver.ids == [entered(UNIT, 1).id]

        city.now += 2 * DAY
        evaluate(city, 2, left(UNIT, 2))
        receiver.answers = [500]
        await one_round(courier)

        found = endpoints.find(city.database, endpoint.id)
        assert found is not None
        assert found.state == "on"


async def test_who_does_not_lead_delivers_nothing(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint_at(city, receiver, "a")
        evaluate(city, 1, entered(UNIT, 1))
        lease = Leads()
        lease.leading = False
        courier = courier_of(city, lease)

        await one_round(courier)
        assert receiver.paths == []
        lease.leading = True
        await one_round(courier)
        assert receiver.ids == [entered(UNIT, 1).id]


async def test_an_endpoint_rests_after_a_failure_whatever_waits_for_it(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint_at(city, receiver, "a")
        evaluate(city, 1, *(entered(UNIT, number) for number in range(5)))
        receiver.answers = [500]
        courier = courier_of(city)
        await one_round(courier)
        assert len(receiver.paths) == 1

        city.now += 30 * SECOND
        await one_round(courier)
        assert len(receiver.paths) == 1
        city.now += 30 * SECOND
        await one_round(courier)

        assert sorted(receiver.ids) == [entered(UNIT, number).id for number in range(5)]


async def test_alerts_of_long_ago_are_not_pushed(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint_at(city, receiver, "a")
        evaluate(city, 1, entered(UNIT, 1))
        ((stored,),) = city.database.query("SELECT max(sequence) FROM evaluation_log")
        city.now = stored + STALE + 1

        await one_round(courier_of(city))
        assert receiver.paths == []
        city.now = stored + STALE - DAY
        await one_round(courier_of(city))
        assert receiver.ids == [entered(UNIT, 1).id]


async def test_what_is_withheld_is_pushed_to_nobody(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint_at(city, receiver, "a")
        later = entered(UNIT, 1)._replace(withheld="found_later")
        cooled = entered(OTHER, 1)._replace(withheld="cool_down")
        evaluate(city, 1, later, cooled, left(UNIT, 1))

        await one_round(courier_of(city))

        assert receiver.ids == [left(UNIT, 1).id]


async def test_quiet_hours_hold_back_and_lose_nothing(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint_at(city, receiver, "a")
        held = entered(UNIT, 1)._replace(not_before=city.now + 8 * HOUR)
        evaluate(city, 1, held, left(OTHER, 1))
        await one_round(courier_of(city))
        assert receiver.ids == [left(OTHER, 1).id]

        city.now += 8 * HOUR - 1
        await one_round(courier_of(city))
        assert len(receiver.ids) == 1
        city.now += 1
        await one_round(courier_of(city))
        assert receiver.ids == [left(OTHER, 1).id, held.id]


async def test_recipients_choose(city: City) -> None:
    async with receiving(in_time=False) as receiver:
        endpoint = endpoint_at(city, receiver, "a")
        endpoints.changed(city.database, endpoint, city.now, recipients=("district",))
        mine = entered(UNIT, 1)._replace(name="a", recipients=("unit", "district"))
        other = entered(OTHER, 1)._replace(name="a", recipients=("city",))
        evaluate(city, 1, mine, other)

        await one_round(courier_of(city))

        assert receiver.ids == [mine.id]
