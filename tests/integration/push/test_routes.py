"""The register of webhooks and channels, as a caller uses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas.instants import HOUR, format_instant
from services.api.push.options import PushOptions
from services.storage import endpoints, push_feed
from services.storage.endpoints import WEBHOOK
from tests.integration.api.city import City
from tests.integration.api.client import Client, connect, problem
from tests.integration.push.post_office import courier_of, one_round
from tests.integration.push.receiver import receiving
from tests.integration.push.standings import OTHER, UNIT, entered, evaluate, left

URL = "https://receiver.example.org/hook"
CHANNEL = "dingtalk://t0ps3cret"


@pytest.fixture
async def client(city: City) -> AsyncIterator[Client]:
    async with connect(city) as found:
        yield found


async def created(client: Client, path: str = "/v1/webhooks", **fields: Any) -> dict[str, Any]:
    response = await client.http.post(path, json={"url": URL, **fields})
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_a_secret_is_shown_once_and_used_for_signing(client: Client, city: City) -> None:
    new = await created(client, description="大屏", rules=["bottom_entered"], units=[UNIT])

    assert new["secret"].startswith("whsec_")
    assert endpoints.secret_of(city.database, new["id"]) == new["secret"]
    listed = await client.get("/v1/webhooks")
    (shown,) = listed["endpoints"]
    assert shown == {name: value for name, value in new.items() if name != "secret"}
    assert (shown["url"], shown["state"], shown["waiting"]) == (URL, "on", 0)
    assert await client.get("/v1/channels") == {"endpoints": []}


async def test_the_url_of_a_channel_is_never_shown(client: Client, city: City) -> None:
    new = await created(client, "/v1/channels", url=CHANNEL)

    assert new["url"] == "dingtalk"
    assert "t0ps3cret" not in str(new) + str(await client.get("/v1/channels"))
    assert endpoints.secret_of(city.database, new["id"]) == CHANNEL
    stored = city.database.query("SELECT * FROM push_endpoints")
    assert "t0ps3cret" not in str(stored)


@pytest.mark.parametrize(
    ("path", "body", "where", "reason"),
    [
        ("/v1/webhooks", {"url": "http://receiver.example.org/"}, "/url", "not_https"),
        ("/v1/webhooks", {"url": "https://127.0.0.1/"}, "/url", "private_address"),
        ("/v1/webhooks", {"url": "https://a:b@example.org/"}, "/url", "url_with_credentials"),
        ("/v1/webhooks", {"url": URL, "units": [UNIT, "nowhere"]}, "/units/1", "unknown_unit"),
        ("/v1/channels", {"url": "json://127.0.0.1/13900000000"}, "/url", "unknown_channel"),
        ("/v1/channels", {"url": "dingtalk://"}, "/url", "invalid_url"),
    ],
)
async def test_what_could_never_be_told_anything_is_refused(
    client: Client, path: str, body: dict[str, Any], where: str, reason: str
) -> None:
    found = problem(await client.http.post(path, json=body), 422, "invalid_endpoint")

    (error,) = found["errors"]
    assert (error["path"], error["reason"]) == (where, reason)
    assert "13900000000" not in str(found)
    assert "nowhere" not in str(found)
    assert await client.get(path) == {"endpoints": []}


async def test_an_endpoint_is_changed_and_deleted(client: Client, city: City) -> None:
    new = await created(client)
    one = f"/v1/webhooks/{new['id']}"

    response = await client.http.patch(one, json={"units": [OTHER], "state": "off"})
    assert response.status_code == 200
    assert (response.json()["units"], response.json()["state"]) == ([OTHER], "off")
    evaluate(city, 1, entered(OTHER, 1))
    response = await client.http.patch(one, json={"state": "on"})
    assert response.json()["state"] == "on"
    found = endpoints.find(city.database, new["id"])
    assert found is not None
    assert found.since == push_feed.newest_alert(city.database)

    assert (await client.http.delete(one)).status_code == 204
    assert endpoints.secret_of(city.database, new["id"]) is None
    problem(await client.http.delete(one), 404, "unknown_endpoint")
    assert await client.get("/v1/webhooks") == {"endpoints": []}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/v1/webhooks/wh_none", {}),
        ("POST", "/v1/webhooks/wh_none/test", None),
        ("GET", "/v1/webhooks/wh_none/deliveries", None),
        ("POST", "/v1/webhooks/wh_none/deliveries/x/replay", None),
        ("POST", "/v1/webhooks/wh_none/replay", {"since": "2026-11-01T00:00:00Z"}),
        ("DELETE", "/v1/channels/ch_none", None),
    ],
)
async def test_nobody_there(client: Client, method: str, path: str, body: Any) -> None:
    problem(await client.http.request(method, path, json=body), 404, "unknown_endpoint")


async def test_a_test_message_goes_the_way_of_all(city: City) -> None:
    city.push = PushOptions(private_networks=True)
    async with receiving(in_time=False) as receiver, connect(city) as client:
        new = await created(client, url=f"{receiver.url}/a")
        receiver.secrets["a"] = new["secret"]
        one = f"/v1/webhooks/{new['id']}"
        response = await client.http.post(f"{one}/test")
        assert response.status_code == 202
        assert response.json()["state"] == "waiting"
        assert (await client.get("/v1/webhooks"))["endpoints"][0]["waiting"] == 1

        await one_round(courier_of(city))

        ((id_, message),) = receiver.verified
        assert (id_, message["type"]) == (response.json()["id"], "test")
        (delivery,) = (await client.get(f"{one}/deliveries"))["deliveries"]
        assert (delivery["state"], delivery["status"], delivery["attempts"]) == (
            "delivered",
            204,
            1,
        )
        assert delivery["message"] == message
        assert (await client.get("/v1/webhooks"))["endpoints"][0]["waiting"] == 0


async def test_replays_keep_the_id_and_reach_back_before_the_endpoint(city: City) -> None:
    city.push = PushOptions(private_networks=True)
    alerts = [entered(UNIT, 1), entered(OTHER, 1), left(UNIT, 2)]
    evaluate(city, 1, *alerts[:2])
    async with receiving(in_time=False) as receiver, connect(city) as client:
        new = await created(client, url=f"{receiver.url}/a")
        receiver.secrets["a"] = new["secret"]
        one = f"/v1/webhooks/{new['id']}"
        evaluate(city, 2, alerts[2])
        courier = courier_of(city)
        await one_round(courier)
        assert receiver.ids == [alerts[2].id]

        response = await client.http.post(f"{one}/deliveries/{alerts[2].id}/replay")
        assert response.status_code == 202
        await one_round(courier)
        assert receiver.ids == [alerts[2].id] * 2
        problem(
            await client.http.post(f"{one}/deliveries/{alerts[0].id}/replay"),
            404, "unknown_delivery",
        )  # fmt: skip

        ((first,),) = city.database.query("SELECT min(sequence) FROM evaluation_log")
        response = await client.http.post(
            f"{one}/replay", json={"since": format_instant(first - HOUR)}
        )
        assert response.json() == {"deliveries": 3}
        await one_round(courier)
        assert sorted(receiver.ids[2:]) == sorted(alert.id for alert in alerts)
        response = await client.http.post(
            f"{one}/replay", json={"since": format_instant(first + HOUR)}
        )
        assert response.json() == {"deliveries": 0}


async def test_deliveries_are_listed_in_pages(client: Client, city: City) -> None:
    new = await created(client)
    one = f"/v1/webhooks/{new['id']}"
    for _ in range(5):
        city.now += 1
        await client.http.post(f"{one}/test")
    whole = (await client.get(f"{one}/deliveries"))["deliveries"]

    pages: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await client.get(f"{one}/deliveries", **query)
        pages += page["deliveries"]
        if page["next"] is None:
            break
        query["after"] = page["next"]

    assert len(whole) == 5
    assert pages == whole
    await client.refused(f"{one}/deliveries", 422, "invalid_cursor", after="x")


async def test_there_is_an_end_to_endpoints(client: Client, city: City) -> None:
    new = await created(client)
    known = endpoints.find(city.database, new["id"])
    assert known is not None
    assert known.kind == WEBHOOK
    rows = [known._replace(id=f"wh_{number}") for number in range(199)]
    for row in rows:
        endpoints.write(city.database, row)

    problem(await client.http.post("/v1/webhooks", json={"url": URL}), 409, "too_many_endpoints")
