"""Talks over HTTP: who is called in after frozen cycles, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from schemas.instants import format_instant
from tests.integration.api.city import City, city_events, open_city
from tests.integration.api.client import Json, connect, problem
from tests.integration.api.test_access import asking, made
from tests.integration.api.test_cycles import CYCLE, FEWER, FROZEN, post


@pytest.fixture
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("talks") / "engine", text=FEWER) as found:
        found.store(city_events())
        found.now = FROZEN
        found.store([])
        yield found


async def test_who_is_called_in_and_what_came_of_it(city: City) -> None:
    at = f"/v1/cycles/{CYCLE}/talks"
    async with connect(city) as client:
        await client.refused(at, 404, "cycle_not_frozen")
        await post(client, "freeze")
        held = await client.get("/v1/rankings", name=CYCLE, revision=1)
        found = await client.get(at)
        called: dict[str, Json] = {talk["unit"]["code"]: talk for talk in found["talks"]}
        assert {code for code, talk in called.items() if "bottom" in talk["reasons"]} == set(
            held["bottom"]
        )
        volumes = sorted((line["volume"] for line in held["ranked"]), reverse=True)
        warned = {code for code, talk in called.items() if "volume_warning" in talk["reasons"]}
        assert warned == {
            line["unit"]["code"] for line in held["ranked"] if line["volume"] >= volumes[9]
        }
        districts = await client.get("/v1/rankings", name=CYCLE, revision=1, kind="district")
        last = max(line["rank"] for line in districts["ranked"])
        assert last == 2
        assert {code for code, talk in called.items() if "last_district" in talk["reasons"]} == {
            line["unit"]["code"] for line in districts["ranked"] if line["rank"] == last
        }
        assert found["cycles_of_year"] == [CYCLE]
        unit = held["bottom"][0]
        assert (called[unit]["times_this_year"], called[unit]["in_a_row"]) == (1, 1)
        assert called[unit]["statement_due"] == "2026-12-01T00:00:00+08:00"
        assert called[unit]["talked_at"] is None
        async with asking(city, made(city, "read", units=(unit,))) as own:
            assert (await own.get(at)).json() == {**found, "talks": [called[unit]]}

        async def record(status: int, code: str = "", of: str = unit, **told: str) -> Json:
            body = {"approver": "1101"} | told
            response = await client.http.post(f"{at}/{of}", json=body)
            if code:
                return problem(response, status, code)
            assert response.status_code == status, response.text
            answer: Json = response.json()
            return answer

        await record(422, "invalid_talk")
        await record(422, "invalid_talk", talked_at=format_instant(city.now + 1))
        await record(404, "unknown_talk", of="nobody", talked_at=format_instant(city.now))
        await record(201, talked_at="2026-11-20T09:00:00+08:00")
        city.now += 20 * 86_400_000_000
        late = next(talk for talk in (await client.get(at))["talks"] if talk["statement_late"])
        assert late["statement_received"] is None
        talk = await record(201, received_at="2026-11-30T09:00:00+08:00")
        assert (talk["talked_at"], talk["statement_received"], talk["statement_late"]) == (
            "2026-11-20T09:00:00+08:00", "2026-11-30T09:00:00+08:00", False,
        )  # fmt: skip
