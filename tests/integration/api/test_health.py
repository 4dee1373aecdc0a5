"""Readiness, an engine that is away, and dead letters. Each test has its own city."""

from __future__ import annotations

import pytest

from schemas.instants import SECOND, format_instant
from schemas.records import DeadLetter, Position
from services.storage import dead_letters
from services.storage.errors import StorageUnavailable
from tests.integration.api.city import NOW, City
from tests.integration.api.client import connect, problem


async def test_ready_only_when_every_part_is(new_city: City) -> None:
    async with connect(new_city) as client:
        assert (await client.get("/livez"))["status"] == "ok"
        found = await client.refused("/readyz", 503, "not_ready")
        assert [error["path"] for error in found["errors"]] == ["shards"]
        new_city.store([])
        assert await client.get("/readyz") == {
            "status": "ok",
            "checks": {"scoring": True, "storage": True, "shards": True},
            "warnings": [],
        }
        new_city.ready["scoring"] = False
        found = await client.refused("/readyz", 503, "not_ready")
        assert [error["path"] for error in found["errors"]] == ["scoring"]


async def test_an_engine_that_is_away_is_503_and_says_when_to_come_back(
    new_city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise StorageUnavailable("away")

    async with connect(new_city) as client:
        monkeypatch.setattr(new_city.database, "query", away)
        response = await client.http.get("/v1/rankings")
        problem(response, 503, "storage_unavailable")
        assert response.headers["retry-after"] == "1"
        found = await client.refused("/readyz", 503, "not_ready")
        assert {error["path"] for error in found["errors"]} == {"storage", "shards"}


async def test_dead_letters_by_pages_and_reasons(new_city: City) -> None:
    letters = [
        DeadLetter("work-order-events", 1, Position(1, n), 0, reason, "/time", "mend it", "s", str(n), "A-1", "received")
        for n, reason in enumerate(["time_in_future", "id_conflict", "id_conflict"])
    ]  # fmt: skip
    for number, letter in enumerate(letters):
        dead_letters.write(new_city.database, [letter], NOW + number)
    async with connect(new_city) as client:
        whole = await client.get("/v1/dead-letters")
        assert [entry["id"] for entry in whole["dead_letters"]] == ["2", "1", "0"]
        assert whole["counts"] == {"id_conflict": 2, "time_in_future": 1}
        first = await client.get("/v1/dead-letters", limit=2)
        rest = await client.get("/v1/dead-letters", limit=2, after=first["next"])
        assert first["dead_letters"] + rest["dead_letters"] == whole["dead_letters"]
        assert rest["next"] is None
        some = await client.get("/v1/dead-letters", reason="time_in_future")
        assert [entry["position"]["offset"] for entry in some["dead_letters"]] == [0]


async def test_dead_letters_of_a_time_and_of_a_place(new_city: City) -> None:
    places = [(1, 0), (1, 0), (1, 7), (0, 0)]
    for number, (partition, index) in enumerate(places):
        position = Position(1, 5)
        letter = DeadLetter("work-order-events", partition, position, index, f"r{number}", "", "")
        dead_letters.write(new_city.database, [letter], NOW + number * SECOND)
    async with connect(new_city) as client:
        between = {"from": format_instant(NOW + SECOND), "to": format_instant(NOW + 3 * SECOND)}
        some = await client.get("/v1/dead-letters", **between)
        assert [entry["reason"] for entry in some["dead_letters"]] == ["r2", "r1"]
        assert some["counts"] == {"r1": 1, "r2": 1}
        here = await client.get("/v1/dead-letters", place="1/1/5/0")
        assert [entry["reason"] for entry in here["dead_letters"]] == ["r1", "r0"]
        assert not (await client.get("/v1/dead-letters", place="1/2/5/0"))["dead_letters"]
        await client.refused("/v1/dead-letters", 422, "invalid_time", **{"from": "yesterday"})
        await client.refused("/v1/dead-letters", 422, "invalid_request", place="1/1/5")
