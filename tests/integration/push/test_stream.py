"""The stream over a real server: nothing is missed and nothing comes twice."""

from __future__ import annotations

import httpx

from services.api.push.options import PushOptions
from services.api.stream.client import QUEUE, Wish
from services.api.stream.hub import RESUMABLE, Hub
from tests.integration.api.city import City
from tests.integration.push.listening import listening, served
from tests.integration.push.standings import OTHER, SAFE, UNIT, entered, evaluate, left
from tests.support.orders import event

FAST = PushOptions(stream_interval=0.05)
ALL = {"topics": "rankings,rates,alerts", "units": f"{UNIT},{OTHER}"}


async def test_a_client_begins_with_the_state_and_hears_what_changes(city: City) -> None:
    city.push = FAST
    evaluate(city, 1, entered(UNIT, 1))
    async with served(city) as url, listening(url, **ALL) as client:
        first = [await client.event() for _ in range(3)]
        assert [found.topic for found in first] == ["rankings", "rates", "rates"]
        assert first[0].data["evaluation"] == 1
        assert first[0].data["ranked"][2] == {"unit": UNIT, "rank": 3, "score": "88.12"}
        assert [found.data["unit"]["code"] for found in first[1:]] == [UNIT, OTHER]
        volume = first[1].data["volume"]

        evaluate(city, 2, left(UNIT, 2), left(SAFE, 2))
        told = {found.topic: found for found in [await client.event(), await client.event()]}
        assert told["alerts"].data["id"] == left(UNIT, 2).id
        assert told["alerts"].data["unit"]["name"] == "东华门街道"
        assert told["rankings"].data["evaluation"] == 2

        new_order(city, UNIT, "新-0001")
        rates = await client.event()
        assert (rates.topic, rates.data["unit"]["code"]) == ("rates", UNIT)
        assert rates.data["volume"] == volume + 1


async def test_the_rates_are_those_of_the_unit(city: City) -> None:
    city.push = FAST
    async with served(city) as url, listening(url, topics="rates", units=UNIT) as client:
        told = (await client.event()).data
        async with httpx.AsyncClient(base_url=url) as http:
            asked = (await http.get(f"/v1/units/{UNIT}/rates")).json()

    assert {name: asked[name] for name in told} == told
    assert {"indicators", "volume", "states", "as_of", "policy", "window"} <= told.keys()


async def test_who_comes_back_misses_and_repeats_nothing(city: City) -> None:
    """Also at another process, and whatever was heard in between."""
    city.push = FAST
    evaluate(city, 1)
    heard = []
    last_id = ""
    for number in range(2, 8):
        if number > 2:
            evaluate(city, number * 10, entered(UNIT, number), left(OTHER, number))
        async with served(city) as url, listening(url, last_id, **ALL) as client:
            heard += [await client.event() for _ in range(3)]
            evaluate(city, number * 10 + 1, entered(OTHER, number))
            heard += [await client.event() for _ in range(2)]
            last_id = client.last_id

    alerts = [found.data["id"] for found in heard if found.topic == "alerts"]
    stored = city.database.query(
        "SELECT arrayJoin(`alert.id`) FROM evaluations FINAL ORDER BY number"
    )
    assert sorted(alerts) == sorted(id_ for (id_,) in stored)
    assert len(alerts) == len(set(alerts))
    evaluations = [found.data["evaluation"] for found in heard if found.topic == "rankings"]
    assert evaluations == sorted(set(evaluations))
    assert evaluations[0] == 1
    assert len(evaluations) == 12
    rates = [found.data["unit"]["code"] for found in heard if found.topic == "rates"]
    assert rates == [UNIT, OTHER]


async def test_cut_off_after_any_event_the_rest_comes(city: City) -> None:
    city.push = FAST
    evaluate(city, 1)
    async with served(city) as url:
        async with listening(url, topics="alerts,rankings") as client:
            last_id = (await client.event()).id
        for number in range(2, 6):
            evaluate(city, number, entered(UNIT, number), left(OTHER, number))
        heard = []
        for _ in range(12):  # one event a connection
            async with listening(url, last_id, topics="alerts,rankings") as client:
                found = await client.event()
                last_id = found.id
                heard.append((found.topic, found.data.get("id") or found.data["evaluation"]))

    assert len(set(heard)) == 12
    alerts = [what for topic, what in heard if topic == "alerts"]
    assert alerts == [id_ for n in range(2, 6) for id_ in (entered(UNIT, n).id, left(OTHER, n).id)]
    assert [what for topic, what in heard if topic == "rankings"] == [2, 3, 4, 5]


async def test_rates_that_changed_meanwhile_come_once(city: City) -> None:
    city.push = FAST
    async with served(city) as url:
        async with listening(url, topics="rates", units=ALL["units"]) as client:
            first = await client.event()
        new_order(city, OTHER, "新-0002")
        async with listening(url, first.id, topics="rates", units=ALL["units"]) as client:
            second = await client.event()
            new_order(city, UNIT, "新-0003")
            third = await client.event()

    codes = [found.data["unit"]["code"] for found in (first, second, third)]
    assert codes == [UNIT, OTHER, UNIT]


async def test_too_much_missed_is_a_reset(city: City) -> None:
    city.push = FAST
    evaluate(city, 1)
    async with served(city) as url, listening(url, topics="alerts,rankings") as client:
        old = (await client.event()).id
    evaluate(city, 2, *(entered(f"u{number}", 2) for number in range(RESUMABLE + 1)))
    # Another hub, which begins here: the first one might not have read it yet.
    async with (
        served(city) as url,
        listening(url, old, topics="alerts,rankings") as client,
    ):
        reset = await client.event()
        ranking = await client.event()
        evaluate(city, 3, left(UNIT, 3))
        after = [await client.event(), await client.event()]

    assert (reset.topic, reset.data) == ("reset", {"topics": ["alerts"]})
    assert (ranking.topic, ranking.data["evaluation"]) == ("rankings", 2)
    assert {found.topic for found in after} == {"alerts", "rankings"}


async def test_an_id_of_nowhere_is_a_reset(city: City) -> None:
    city.push = FAST
    evaluate(city, 1)
    async with served(city) as url:
        for last_id, lost in (
            ("x", ["alerts", "rankings"]),
            ("a1.r9999999999999999999", ["rankings"]),
        ):
            async with listening(url, last_id, topics="alerts,rankings") as client:
                found = await client.event()
                assert (found.topic, found.data) == ("reset", {"topics": lost})
                assert (await client.event()).data["evaluation"] == 1


async def test_there_is_an_end_to_clients(city: City) -> None:
    city.push = FAST._replace(stream_clients=1)
    evaluate(city, 1)
    async with served(city) as url, httpx.AsyncClient(base_url=url) as http:
        async with listening(url) as client:
            await client.event()
            refused = await http.get("/v1/stream")
            assert refused.status_code == 503
            assert refused.json()["type"] == "/problems/too_many_streams"
            assert refused.headers["Retry-After"] == "5"
        while (refused.status_code) == 503:  # until the server has noticed that the first is gone
            async with http.stream("GET", "/v1/stream") as refused:
                pass


async def test_streams_end_with_the_process(city: City) -> None:
    city.push = FAST
    evaluate(city, 1)
    async with served(city) as url:
        connection = listening(url)
        client = await connection.__aenter__()
        await client.event()
    assert await client.event_or_end() is None
    assert "the service stops: connect again, with the last id" in client.comments
    await connection.__aexit__(None, None, None)


async def test_what_there_is_not_is_refused(city: City) -> None:
    async with served(city) as url, httpx.AsyncClient(base_url=url) as http:
        for query in ({"topics": "x"}, {"topics": ","}, {"topics": "rates"},
                      {"units": ",".join(str(number) for number in range(51))}):  # fmt: skip
            refused = await http.get("/v1/stream", params=query)
            assert refused.status_code == 422
            assert refused.json()["type"] == "/problems/invalid_stream"


def new_order(city: City, unit: str, subject: str) -> None:
    """One order more, in a flush of its shard."""
    at = city.now
    city.now += 1_000_000
    city.store(
        [
            event("received", at, subject=subject, demand_type="complaint", channel="phone"),
            event("dispatched", at + 1, subject=subject, unit=unit),
        ]
    )


async def test_who_comes_from_a_process_that_has_read_more_hears_no_repetition(city: City) -> None:
    """Two processes; one of them looks into the store only when it has to."""
    evaluate(city, 1, entered(UNIT, 1))
    topics = {"topics": "alerts,rankings"}
    city.push = FAST._replace(stream_interval=60)
    async with served(city) as slow, listening(slow, **topics) as first:
        await first.event()
        city.push = FAST
        async with served(city) as quick:
            async with listening(quick, **topics) as client:
                await client.event()
                evaluate(city, 2, entered(OTHER, 2))
                heard = [await client.event(), await client.event()]
            last_id = client.last_id
            evaluate(city, 3)
        async with listening(slow, last_id, **topics) as client:
            after = await client.event()

    assert {found.topic for found in heard} == {"alerts", "rankings"}
    assert (after.topic, after.data["evaluation"]) == ("rankings", 3)


async def test_a_client_that_does_not_read_is_cut_off_and_may_resume(city: City) -> None:
    """The hub alone: over a connection the buffers of the system would have to fill first."""
    context = city.context()
    await context.pin()
    hub = Hub(context)
    evaluate(city, 1)
    wish = Wish(frozenset({"alerts"}))
    slow = await hub.join(wish, None)
    evaluate(city, 2, *(entered(f"u{number}", 2) for number in range(QUEUE + 1)))
    await hub.poll()
    evaluate(city, 3, left(UNIT, 3))
    await hub.poll()

    frames = [frame.decode() async for frame in slow.frames()]
    hub.leave(slow)
    assert frames[-1] == ": too slow: connect again, with the last id\n\n"
    events = [frame for frame in frames if frame.startswith("event")]
    assert len(events) == QUEUE + 1

    last_id = events[-1].rstrip().rpartition("\nid: ")[2]
    again = await hub.join(wish, last_id)
    hub.stop()
    (event, _) = [frame.decode() async for frame in again.frames()][1:]
    assert left(UNIT, 3).id in event
