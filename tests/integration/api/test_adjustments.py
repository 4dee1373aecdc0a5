"""The register of adjustments, and the rankings that count it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any, Final

import pytest

from schemas.instants import MINUTE, format_instant
from tests.integration.api.city import NOW, STREETS, City, city_events, open_city
from tests.integration.api.client import Client, Json, connect, problem
from tests.integration.api.test_scorings import RICH

UNIT: Final = STREETS[0].code
OTHER: Final = STREETS[1].code


@pytest.fixture
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("adjusted") / "engine", text=RICH) as found:
        found.store(city_events(streets=6))
        yield found


@pytest.fixture
async def client(city: City) -> AsyncIterator[Client]:
    async with connect(city) as found:
        yield found


def adjustment(id_: str, points: str = "1.5", **more: str) -> Json:
    return {
        "id": id_,
        "unit": UNIT,
        "cycle": "2026-11",
        "points": points,
        "ground": "innovation",
        "approver": "1101",
        "decided_at": "2026-11-09T10:00:00+08:00",
    } | more


def withdrawal(id_: str) -> Json:
    return {
        "id": id_,
        "ground": "error",
        "approver": "1101",
        "decided_at": "2026-11-10T09:00:00+08:00",
    }


async def record(client: Client, body: Json, status: int = 201) -> Json:
    response = await client.http.post("/v1/adjustments", json=body)
    assert response.status_code == status, response.text
    found: Json = response.json()
    return found


async def line(client: Client, **query: str | int) -> Json:
    ranking = await client.get("/v1/rankings", **query)
    found: Json = next(each for each in ranking["ranked"] if each["unit"]["code"] == UNIT)
    return found


def pass_time(city: City) -> str:
    """Let the shards' clocks move on, as they do by themselves; the instant they were at."""
    before = format_instant(city.now)
    city.now += MINUTE
    city.store([])
    return before


async def test_points_count_once_the_clocks_have_passed_them(city: City, client: Client) -> None:
    before = await line(client)
    recorded = await record(client, adjustment("a"))
    assert (recorded["points"], recorded["counts"]) == ("1.5", True)
    assert await line(client) == before
    pass_time(city)
    after = await line(client)
    assert after["score_before"] == before["score"]
    assert Decimal(after["score"]) == Decimal(before["score"]) + Decimal("1.5")
    assert (after["adjustment"], after["adjusted_by"]) == ("1.5", ["a"])
    own = await client.get(f"/v1/units/{UNIT}/rates")
    shown = ("score", "score_before", "adjustment", "adjusted_by", "rank")
    assert {name: own[name] for name in shown} == {name: after[name] for name in shown}


async def test_an_instant_before_the_recording_has_the_same_number_as_ever(
    city: City, client: Client
) -> None:
    before = await line(client)
    await record(client, adjustment("a", "-3", ground="late_report"))
    at = pass_time(city)
    assert (await line(client, as_of=at))["score"] == before["score"]
    with_points = await line(client)
    at = pass_time(city)
    response = await client.http.post("/v1/adjustments/a/withdrawal", json=withdrawal("w"))
    assert response.status_code == 201
    pass_time(city)
    assert (await line(client))["score"] == before["score"]
    assert (await line(client, as_of=at))["score"] == with_points["score"] != before["score"]


async def test_an_unchanged_ranking_is_another_after_an_adjustment(
    city: City, client: Client
) -> None:
    first = await client.http.get("/v1/rankings")
    headers = {"If-None-Match": first.headers["etag"]}
    assert (await client.http.get("/v1/rankings", headers=headers)).status_code == 304
    await record(client, adjustment("a"))
    pass_time(city)
    assert (await client.http.get("/v1/rankings", headers=headers)).status_code == 200


async def test_only_the_cycle_is_adjusted_and_only_up_to_the_caps(
    city: City, client: Client
) -> None:
    for id_, points in (("a", "1.5"), ("b", "1.5"), ("c", "-4"), ("d", "-4")):
        await record(client, adjustment(id_, points))
    await record(client, adjustment("next", cycle="2026-12"))
    pass_time(city)
    cycle = await line(client)
    assert (cycle["adjustment"], cycle["adjusted_by"]) == ("-3", ["a", "b", "c", "d"])
    same_days = await line(
        client, from_="2026-10-19T00:00:00+08:00", to="2026-11-19T00:00:00+08:00"
    )
    assert (same_days["adjustment"], same_days["adjusted_by"]) == ("0", [])
    assert same_days["score"] == same_days["score_before"] == cycle["score_before"]


async def test_a_list_whose_score_knows_no_adjustments_counts_none(
    city: City, client: Client
) -> None:
    await record(client, adjustment("a"))
    pass_time(city)
    assert (await line(client, group="core"))["adjusted_by"] == []
    assert (await line(client))["adjusted_by"] == ["a"]


async def test_the_register_lists_what_became_of_every_entry(city: City, client: Client) -> None:
    for id_ in ("a", "b"):
        await record(client, adjustment(id_))
    at = pass_time(city)
    await client.http.post("/v1/adjustments/a/withdrawal", json=withdrawal("w"))
    await record(client, adjustment("c", unit=OTHER))
    found = await client.get("/v1/adjustments")
    assert found["cycle"] == "2026-11"
    fates = {e["id"]: (e["kind"], e["counts"], e["withdrawn_by"]) for e in found["adjustments"]}
    assert fates == {
        "a": ("adjustment", False, "w"),
        "b": ("adjustment", True, None),
        "w": ("withdrawal", False, None),
        "c": ("adjustment", True, None),
    }
    mine = await client.get("/v1/adjustments", cycle="2026-11", unit=OTHER)
    assert [entry["id"] for entry in mine["adjustments"]] == ["c"]
    assert (await client.get("/v1/adjustments", cycle="2026-12"))["adjustments"] == []
    assert (await client.get("/v1/adjustments", as_of=at))["adjustments"] == []
    withdrawn = found["adjustments"][2]
    assert (withdrawn["points"], withdrawn["withdraws"], withdrawn["unit"]) == (None, "a", UNIT)


async def test_an_entry_sent_again_is_one_and_is_never_changed(city: City, client: Client) -> None:
    first = await record(client, adjustment("a"))
    city.now += MINUTE
    assert await record(client, adjustment("a", "1.50"), status=200) == first
    response = await client.http.post("/v1/adjustments", json=adjustment("a", "2"))
    problem(response, 409, "adjustment_conflict")
    path = "/v1/adjustments/a/withdrawal"
    assert (await client.http.post(path, json=withdrawal("w"))).status_code == 201
    assert (await client.http.post(path, json=withdrawal("w"))).status_code == 200
    problem(await client.http.post(path, json=withdrawal("v")), 409, "adjustment_conflict")
    problem(await client.http.post(path, json=withdrawal("a")), 409, "adjustment_conflict")
    again = await record(client, adjustment("a"), status=200)
    assert (again["withdrawn_by"], again["counts"]) == ("w", False)
    gone = await client.http.post("/v1/adjustments/w/withdrawal", json=withdrawal("x"))
    problem(gone, 404, "unknown_adjustment")


@pytest.mark.parametrize(
    ("changed", "path", "reason"),
    [
        ({"unit": "999000000"}, "/unit", "unknown_unit"),
        ({"points": "0"}, "/points", "zero_points"),
        ({"points": "-0.00"}, "/points", "zero_points"),
        ({"cycle": "2026-13"}, "/cycle", "invalid_name"),
        ({"cycle": "2026-Q4"}, "/cycle", "invalid_name"),
        ({"ground": "favour"}, "/ground", "ground_not_accepted"),
        ({"cycle": "2026-10"}, "/ground", "ground_not_accepted"),  # version 2025 has none
        ({"decided_at": format_instant(NOW + 1)}, "/decided_at", "time_in_future"),
    ],
)
async def test_an_entry_that_could_not_count_is_refused(
    client: Client, changed: dict[str, str], path: str, reason: str
) -> None:
    response = await client.http.post("/v1/adjustments", json=adjustment("a") | changed)
    found = problem(response, 422, "invalid_adjustment")
    assert [(error["path"], error["reason"]) for error in found["errors"]] == [(path, reason)]
    assert "999000000" not in response.text
    assert (await client.get("/v1/adjustments"))["adjustments"] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"points": 1.5},
        {"points": "1e3"},
        {"points": "١"},
        {"approver": "13900000000"},
        {"decided_at": "2026-11-09"},
        {"recorded_at": "2026-11-09T10:00:00Z"},
    ],
)
async def test_an_entry_of_another_form_is_refused(client: Client, changed: dict[str, Any]) -> None:
    response = await client.http.post("/v1/adjustments", json=adjustment("a") | changed)
    problem(response, 422, "invalid_request")
    assert "13900000000" not in response.text


async def test_a_withdrawal_to_come_is_refused(client: Client) -> None:
    await record(client, adjustment("a"))
    later = withdrawal("w") | {"decided_at": format_instant(NOW + 1)}
    response = await client.http.post("/v1/adjustments/a/withdrawal", json=later)
    problem(response, 422, "invalid_adjustment")
