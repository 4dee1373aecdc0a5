"""``GET /v1/alerts``: every alert once, the last first, however it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.storage import push_feed
from tests.integration.api.city import City
from tests.integration.api.client import Client, connect
from tests.integration.push.standings import OTHER, UNIT, entered, evaluate, left

GIVEN = [entered(UNIT, 1), entered(OTHER, 1), left(UNIT, 2), left(OTHER, 3), entered(UNIT, 3)]
IDS = [alert.id for alert in reversed(GIVEN)]


@pytest.fixture
async def client(city: City) -> AsyncIterator[Client]:
    async with connect(city) as found:
        yield found


async def ids(client: Client, **query: str | int) -> list[str]:
    return [alert["id"] for alert in (await client.get("/v1/alerts", **query))["alerts"]]


async def test_none_were_given(client: Client) -> None:
    assert await client.get("/v1/alerts") == {"alerts": [], "next": None}


async def test_alerts_are_chosen_and_told_as_they_are_pushed(client: Client, city: City) -> None:
    evaluate(city, 1, *GIVEN[:2])
    evaluate(city, 2, GIVEN[2])
    evaluate(city, 2, GIVEN[2])  # a retry
    evaluate(city, 3, *GIVEN[3:])
    evaluate(city, 4)

    assert await ids(client) == IDS
    assert await ids(client, unit=OTHER) == [GIVEN[3].id, GIVEN[1].id]
    assert await ids(client, unit=UNIT, rule="bottom_left") == [GIVEN[2].id]
    assert await ids(client, window_kind="cycle", window_name="2026-11") == IDS
    assert await ids(client, window_name="2026-10") == []
    assert await ids(client, window_kind="day") == []
    (first, *_) = (await client.get("/v1/alerts"))["alerts"]
    last = push_feed.alerts_after(city.database, 0, 10)[-1]
    assert first["evidence"] == last.evidence
    assert (first["unit"]["code"], first["rule"]) == (UNIT, "bottom_entered")


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
async def test_pages_meet(client: Client, city: City, limit: int) -> None:
    evaluate(city, 1, *GIVEN[:2])
    evaluate(city, 2, GIVEN[2])
    evaluate(city, 3, *GIVEN[3:])

    page = await client.get("/v1/alerts", limit=limit)
    found = page["alerts"]
    while page["next"] is not None:
        page = await client.get("/v1/alerts", limit=limit, after=page["next"])
        found += page["alerts"]

    assert [alert["id"] for alert in found] == IDS


async def test_a_mark_of_another_list_is_refused(client: Client) -> None:
    await client.refused("/v1/alerts", 422, "invalid_cursor", after="WyJ4Il0=")
