"""The governed list over HTTP, and the classes of a frozen cycle that it enters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from tests.integration.api.city import STREETS, City, city_events, open_city
from tests.integration.api.client import Client, Json, connect, problem
from tests.integration.api.test_cycles import CYCLE, FEWER, FROZEN, post

UNIT: Final = STREETS[0].code
ADDED: Final = {
    "id": "g-1",
    "kind": "added",
    "unit": UNIT,
    "at": "2026-10-01T00:00:00+08:00",
    "ground": "volume_top_ten",
    "approver": "1101",
}
REMOVED: Final = ADDED | {"id": "g-2", "kind": "removed", "at": "2026-11-10T00:00:00+08:00"}
NOTE: Final = ADDED | {
    "id": "g-3",
    "kind": "note",
    "at": "2026-11-01T00:00:00+08:00",
    "cycle": CYCLE,
    "progress": "slow",
    "text": "三项任务未完成",
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A frozen city; its tests leave the governed list to each other."""
    with open_city(tmp_path_factory.mktemp("governed") / "engine", text=FEWER) as found:
        found.store(city_events())
        found.now = FROZEN
        found.store([])
        yield found


@pytest.fixture
async def client(city: City) -> AsyncIterator[Client]:
    async with connect(city) as found:
        yield found


async def record(client: Client, body: Json, status: int = 201) -> Json:
    response = await client.http.post("/v1/governed", json=body)
    assert response.status_code == status, response.text
    found: Json = response.json()
    return found


async def refused(client: Client, body: Json, status: int, code: str) -> None:
    problem(await client.http.post("/v1/governed", json=body), status, code)


async def test_the_list_and_the_classes_of_a_frozen_cycle(city: City, client: Client) -> None:
    await refused(client, REMOVED, 409, "governed_conflict")
    await record(client, ADDED)
    assert (await record(client, ADDED, 200))["units"][0]["state"] == "governed"
    await refused(client, ADDED | {"ground": "other"}, 409, "governed_conflict")
    await refused(client, ADDED | {"id": "g-9"}, 409, "governed_conflict")
    await refused(client, ADDED | {"id": "g-9", "unit": "none"}, 422, "invalid_governed")
    await refused(client, ADDED | {"id": "g-9", "progress": "slow"}, 422, "invalid_governed")
    await refused(client, NOTE | {"cycle": "november"}, 422, "invalid_governed")
    await refused(client, NOTE | {"text": "电话13800000000"}, 422, "invalid_request")
    (unit,) = (await record(client, NOTE))["units"]
    (note,) = unit["notes"]
    assert (note["progress"], note["text"], note["cycle"]) == ("slow", NOTE["text"], CYCLE)

    await client.refused("/v1/classes", 404, "cycle_not_frozen", name=CYCLE)
    city.now = FROZEN + 1_000_000
    city.store([])
    await post(client, "freeze")
    found = await client.get("/v1/classes", name=CYCLE)
    assert (found["revision"], found["standing"], found["compared"]) == (1, "frozen", "none")
    by_class: dict[str, list[str]] = {}
    for line in found["classes"]:
        by_class.setdefault(line["name"], []).append(line["unit"]["code"])
    assert by_class["governed"] == [UNIT]
    assert by_class.keys() == {"governed", "rectifying", "leading"}
    whole = await client.get("/v1/rankings", name=CYCLE, revision=1)
    assert {*by_class["rectifying"]} == {*whole["bottom"]} - {UNIT}
    await client.refused("/v1/classes", 422, "unknown_group", name=CYCLE, group="nowhere")

    await post(client, "freeze", cycle="2026-10")  # without orders: nobody has gained
    with_gains = await client.get("/v1/classes", name=CYCLE)
    assert with_gains == found | {"compared": "frozen"}

    await record(client, REMOVED)  # is recorded after the revision's instant
    assert await client.get("/v1/classes", name=CYCLE) == with_gains
    (unit,) = (await client.get("/v1/governed"))["units"]
    assert (unit["state"], unit["watched_until"]) == ("watched", "2027-02-10T00:00:00+08:00")
