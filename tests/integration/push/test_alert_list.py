"""``GET /v1/alerts``: every alert once, the last first, however it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.storage import push_feed
from tests.integration.api.city import City
from tests.integration.api.client import Client, connect, problem
from tests.integration.api.test_access import asking, made
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


async def test_what_was_not_pushed_is_told_apart(client: Client, city: City) -> None:
    later, cooled = (
        entered(UNIT, 1)._replace(name="mine", withheld="found_later", recipients=("district",)),
        entered(OTHER, 1)._replace(
            withheld="cool_down", not_before=city.now, evidence={"rank": 2, "orders": ["热线-1"]}
        ),
    )
    evaluate(city, 1, later, cooled)
    evaluate(city, 2, left(UNIT, 2))

    assert await ids(client, withheld="found_later") == [later.id]
    assert await ids(client, withheld="cool_down") == [cooled.id]
    assert await ids(client, withheld="no") == [left(UNIT, 2).id]
    _, second, first = (await client.get("/v1/alerts"))["alerts"]
    assert (first["name"], first["recipients"], first["not_before"]) == ("mine", ["district"], None)
    assert second["evidence"] == {"rank": 2, "orders": ["热线-1"]}
    assert second["not_before"] is not None


async def test_who_took_note_is_kept_and_chooses(client: Client, city: City) -> None:
    evaluate(city, 1, *GIVEN[:2])
    first = GIVEN[0].id
    path = f"/v1/alerts/{first}/acknowledgements"

    for note in ("已安排回访", "已完成"):
        answer = await client.http.post(path, json={"note": note, "by": "1101"})
        assert answer.status_code == 201
    assert [each["note"] for each in answer.json()["acknowledgements"]] == ["已安排回访", "已完成"]

    assert await ids(client, acknowledged="true") == [first]
    assert await ids(client, acknowledged="false") == [GIVEN[1].id]


async def test_a_unit_takes_note_of_its_own_alerts(city: City) -> None:
    evaluate(city, 1, *GIVEN[:2])
    body = {"note": "已阅", "by": "1101"}
    async with asking(city, made(city, "govern", units=(UNIT,))) as own:
        for alert, status in zip(GIVEN[:2], (201, 404), strict=True):
            answer = await own.post(f"/v1/alerts/{alert.id}/acknowledgements", json=body)
            assert answer.status_code == status
    async with asking(city, made(city, "read", units=(UNIT,))) as reader:
        answer = await reader.post(f"/v1/alerts/{GIVEN[0].id}/acknowledgements", json=body)
        problem(answer, 403, "missing_scope")


@pytest.mark.parametrize("id_", ["nothing", "bottom_entered:1:9", "x:99999999999999999999999"])
async def test_no_such_alert_is_a_problem(client: Client, id_: str) -> None:
    answer = await client.http.post(
        f"/v1/alerts/{id_}/acknowledgements", json={"note": "a", "by": "b"}
    )
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/unknown_alert"


async def test_alerts_stored_before_they_had_details_are_listed(client: Client, city: City) -> None:
    city.database.execute(
        "INSERT INTO evaluations (ruleset, ranking, kind, window_kind, window_name, number,"
        " `alert.id`, `alert.kind`, `alert.unit`, `alert.withheld`, `alert.detail`)"
        " VALUES ({ruleset:UInt32}, 'lead', 'street', 'cycle', '2026-11', 1,"
        " ['a:1'], ['bottom_entered'], ['x'], [''], [''])",
        {"ruleset": city.ruleset},
    )
    assert await ids(client, withheld="no") == ["a:1"]
