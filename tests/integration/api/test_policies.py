"""Policies over HTTP: their history, how one is put in force, and what answers do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import httpx

from schemas.records import Event
from schemas.topics import partition_of
from services.api.app import create_app
from services.domain.policy import load_policy, preset
from services.storage import rulesets
from tests.integration.api.city import PARTITIONS, City, city_events
from tests.integration.api.client import Client, Json, connect

YAML = {"content-type": "application/yaml"}
OTHER = preset("beijing-district").replace("basically_satisfied: 900", "basically_satisfied: 0")
FACTS = ("ranked", "unranked", "unknown_units", "undispatched", "totals", "incomplete", "bottom")


def under(city: City, text: str, ruleset: int) -> City:
    """The same city, evaluated by another policy."""
    return replace(city, policy=load_policy(text), ruleset=ruleset)


async def put_in_force(client: Client, text: str) -> Json:
    answer = await client.http.post("/v1/policies", content=text.encode(), headers=YAML)
    assert answer.status_code == 202, answer.text
    found: Json = answer.json()
    return found


async def until_current(client: Client, ruleset: int) -> Json:
    async with asyncio.timeout(30):
        while True:
            page = await client.get("/v1/rankings")
            if page["policy"]["ruleset"] == ruleset:
                return page


async def states(client: Client) -> list[tuple[int, str, str]]:
    listed = (await client.get("/v1/policies"))["policies"]
    return [(each["ruleset"], each["id"], each["state"]) for each in listed]


def of_shard(events: Iterable[Event], city: City, shard: int) -> None:
    """Complete one shard of a city, as its worker does at the end of a build."""
    own = [each for each in events if partition_of(each.subject, PARTITIONS) == shard]
    city.store(own, {shard: city.now})


async def test_a_policy_is_built_beside_the_one_in_force_and_then_takes_its_place(
    new_city: City,
) -> None:
    events = city_events(streets=12)
    new_city.store(events)
    async with connect(new_city) as client:
        before = await client.get("/v1/rankings")
        tag = (await client.http.get("/v1/rankings")).headers["etag"]
        assert await states(client) == [(1, "beijing-district", "current")]

        accepted = await put_in_force(client, OTHER)
        assert (accepted["ruleset"], accepted["state"]) == (2, "building")
        assert accepted["state_zh"]
        later = under(new_city, OTHER, 2)
        of_shard(events, later, 0)
        (building, current) = (await client.get("/v1/policies"))["policies"]
        assert (building["state"], current["state"], current["shards"]) == (
            "building", "current", [],
        )  # fmt: skip
        done, waiting = building["shards"]
        assert (done["complete"], done["orders"]) == (True, done["of"])
        assert (waiting["complete"], waiting["orders"]) == (False, 0)
        assert waiting["of"] > 0
        assert await client.get("/v1/rankings") == before

        of_shard(events, later, 1)
        after = await until_current(client, 2)
        assert await states(client) == [
            (2, "beijing-district", "current"), (1, "beijing-district", "past"),
        ]  # fmt: skip
        again = await client.http.get("/v1/rankings", headers={"if-none-match": tag})
        assert again.status_code == 200
        satisfaction = [
            page["totals"]["indicators"]["satisfaction"]["numerator"] for page in (before, after)
        ]
        assert satisfaction[0] != satisfaction[1]
        assert (await client.get("/v1/policy"))["ruleset"] == 2
        order = events[0].subject
        assert (await client.get(f"/v1/work-orders/{order}"))["policy"]["ruleset"] == 2


async def test_no_answer_mixes_two_rulesets_and_none_goes_back(new_city: City) -> None:
    events = city_events(streets=12)
    new_city.store(events)
    answers: list[Json] = []
    switched = asyncio.Event()

    async def read(client: Client) -> None:
        while True:
            is_last = switched.is_set()
            answers.append(await client.get("/v1/rankings"))
            if is_last and answers[-1]["policy"]["ruleset"] == 2:
                return

    async with connect(new_city) as client:
        reading = asyncio.create_task(read(client))
        await put_in_force(client, OTHER)
        later = under(new_city, OTHER, 2)
        for shard in range(PARTITIONS):
            await asyncio.to_thread(of_shard, events, later, shard)
        switched.set()
        async with asyncio.timeout(30):
            await reading
    by_number: dict[int, list[Json]] = {1: [], 2: []}
    for answer in answers:
        by_number[answer["policy"]["ruleset"]].append({fact: answer[fact] for fact in FACTS})
    assert [answer["policy"]["ruleset"] for answer in answers] == sorted(
        answer["policy"]["ruleset"] for answer in answers
    )
    for same in by_number.values():
        assert same
        assert all(each == same[0] for each in same)
    assert by_number[1][0] != by_number[2][0]


async def test_the_history_stays_and_an_earlier_policy_can_come_back(new_city: City) -> None:
    events = city_events(streets=12)
    new_city.store(events)
    own = new_city.policy.document
    async with connect(new_city) as client:
        before = await client.get("/v1/rankings")
        await put_in_force(client, OTHER)
        under(new_city, OTHER, 2).store(events)
        await until_current(client, 2)
        assert (await put_in_force(client, own))["ruleset"] == 3
        assert (await put_in_force(client, own))["ruleset"] == 3  # it is the newest already
        under(new_city, own, 3).store(events)
        back = await until_current(client, 3)
        assert [back[fact] for fact in FACTS] == [before[fact] for fact in FACTS]
        assert [state for _, _, state in await states(client)] == ["current", "past", "past"]
        past = await client.get("/v1/policies/2")
        assert (past["document"], past["state"], past["shards"]) == (OTHER, "past", [])
        assert (await client.get("/v1/policies/3"))["document"] == own
        await client.refused("/v1/policies/4", 404, "unknown_ruleset")


async def test_a_policy_inside_json_is_the_same(new_city: City) -> None:
    async with connect(new_city) as client:
        answer = await client.http.post("/v1/policies", json={"document": OTHER})
        assert (answer.status_code, answer.json()["ruleset"]) == (202, 2)
        found = rulesets.newest(new_city.database)
        assert found is not None
        assert found.document == OTHER


async def test_without_any_policy_the_answer_says_so(new_city: City) -> None:
    new_city.database.execute("TRUNCATE TABLE rulesets")
    async with connect(new_city) as client:
        await client.refused("/v1/rankings", 503, "not_ready")
        await client.refused("/readyz", 503, "not_ready")


async def test_a_policy_counts_with_the_time_zone_and_the_calendar_of_the_deployment(
    new_city: City,
) -> None:
    context = replace(new_city.context(), time_zone="Asia/Urumqi", calendar="country: weekdays\n")
    transport = httpx.ASGITransport(create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
        answer = await http.post("/v1/policies", content=preset("shandong").encode(), headers=YAML)
    assert answer.status_code == 202, answer.text
    found = rulesets.newest(new_city.database)
    assert found is not None
    policy = load_policy(found.document)
    assert policy.time_zone.key == "Asia/Urumqi"
    assert policy.unknown_years(date(2051, 1, 2), 90) == ()
    assert load_policy(preset("shandong")).unknown_years(date(2051, 1, 2), 90) == (2051,)
