"""What an answer says after something changed: units, flushes, policies. Each test has its own city."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx

from schemas.instants import DAY, format_instant
from schemas.topics import partition_of
from services.domain.policy import load_policy, preset
from tests.integration.api.city import CYCLE_BEGINS, NOW, PARTITIONS, City, city_events, open_city
from tests.integration.api.client import connect, problem
from tests.support.orders import event, local, moment


async def test_a_past_instant_equals_a_store_that_knew_no_more(tmp_path: Path) -> None:
    instant = CYCLE_BEGINS + 18 * DAY + 1
    with open_city(tmp_path / "all") as city:
        city.store(city_events(streets=12))
        async with connect(city) as client:
            past = await client.get("/v1/rankings", as_of=format_instant(instant))
    with open_city(tmp_path / "then") as city:
        city.now = instant
        city.store(each for each in city_events(streets=12) if each.occurred_at <= instant)
        async with connect(city) as client:
            live = await client.get("/v1/rankings")
    for fact in ("ranked", "unranked", "unknown_units", "undispatched", "totals", "incomplete"):
        assert live[fact] == past[fact]
    assert live["ranked"]


async def test_an_unknown_unit_counts_by_itself_once_registered(new_city: City) -> None:
    start = local("2026-11-02 09:00")
    new_city.store(
        [
            event("received", start, subject="A-1", demand_type="help"),
            event("dispatched", start, subject="A-1", unit="新/单位 1"),
        ]
    )
    path = "/v1/units/新%2F单位 1/rates"
    async with connect(new_city) as client:
        before = await client.get("/v1/rankings")
        assert before["unknown_units"][0]["code"] == "新/单位 1"
        assert before["unknown_units"][0]["figures"]["volume"] == 1
        assert (await client.get(path))["known"] is False
        unit = {"code": "新/单位 1", "name": "新街道", "kind": "street", "group": "core"}
        assert (await client.http.post("/v1/units", json=[unit])).json() == {"registered": 1}
        after = await client.get("/v1/rankings")
        assert after["unknown_units"] == []
        own = await client.get(path)
        assert (own["known"], own["volume"], own["reason"]) == (True, 1, "no_valid_callback")
        assert after["totals"]["volume"] == before["totals"]["volume"] + 1
        listed = await client.get("/v1/units", kind="street", group="core")
        assert unit | {"parent": ""} in listed["units"]


async def test_a_shard_without_a_flush_is_named(new_city: City) -> None:
    async with connect(new_city) as client:
        empty = await client.get("/v1/rankings")
        assert (empty["as_of"], empty["complete"], empty["missing_shards"]) == (None, False, [0, 1])
        new_city.store([], {1: NOW})
        half = await client.get("/v1/rankings")
        assert (half["complete"], half["missing_shards"]) == (False, [0])
        new_city.store([], {0: NOW - DAY})
        whole = await client.get("/v1/rankings")
        assert (whole["complete"], whole["missing_shards"]) == (True, [])
        assert whole["as_of"] == "2026-11-09T10:07:00+08:00"
        ahead = await client.get("/v1/rankings", as_of="2026-11-10T00:00:00+08:00")
        assert ahead["complete"] is False


async def test_an_unchanged_ranking_is_not_sent_again(new_city: City) -> None:
    new_city.store(city_events(streets=3))
    async with connect(new_city) as client:
        first = await client.http.get("/v1/rankings")
        tag = {"If-None-Match": first.headers["etag"]}
        again = await client.http.get("/v1/rankings", headers=tag)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        other = await client.http.get("/v1/rankings?group=core", headers=tag)
        assert other.status_code == 200
        new_city.store([], {0: NOW, 1: NOW})
        fresh = await client.http.get("/v1/rankings", headers=tag)
        assert fresh.status_code == 200


async def test_rates_without_callbacks_have_no_valid_callback_rate(tmp_path: Path) -> None:
    start, due = local("2026-11-02 09:00"), moment("2026-11-05 09:00")
    with open_city(tmp_path / "city", policy="on-time") as city:
        city.store(
            [
                event("received", start, subject="A-1", demand_type="help", resolve_due=due),
                event("dispatched", start, subject="A-1", unit="110101001"),
                event("resolved", start + DAY, subject="A-1", unit="110101001"),
            ]
        )
        async with connect(city) as client:
            rates = await client.get("/v1/units/110101001/rates")
    assert (rates["indicators"]["on_time"]["rate"], rates["states"]["valid"]) == ("100.00", 1)
    assert rates["valid_callback_rate"] is None


async def test_live_sums_are_exactly_those_of_the_positions_named(new_city: City) -> None:
    flushes = 25

    def work() -> None:
        for number in range(flushes):
            subject = f"A-{number}"
            received = event("received", NOW - DAY, subject=subject, demand_type="help")
            new_city.store([received], {partition_of(subject, PARTITIONS): NOW})

    new_city.store([])
    worker = threading.Thread(target=work)
    worker.start()
    seen = set()
    try:
        async with connect(new_city) as client:
            while True:
                was_running = worker.is_alive()
                ranking = await client.get("/v1/rankings", kind="company")
                stored = sum(position["offset"] + 1 for position in ranking["positions"])
                assert ranking["undispatched"]["volume"] == stored
                seen.add(stored)
                if not was_running:
                    break
    finally:
        worker.join()
    assert stored == flushes
    assert len(seen) > 3


async def test_a_year_whose_days_off_nobody_knows_is_told_before_it_is_needed(
    tmp_path: Path,
) -> None:
    december, new_year = local("2026-12-10 09:00"), local("2026-12-30 09:00")
    with open_city(tmp_path / "engine", "shandong") as city:
        city.now = december - 60 * DAY
        city.store([])
        async with connect(city) as client:
            assert (await client.get("/readyz"))["warnings"] == []
            city.now = december
            (warning,) = (await client.get("/readyz"))["warnings"]
            assert "2027" in warning
            city.now = new_year
            yaml = {"content-type": "application/yaml"}
            refused = await client.http.post(
                "/v1/policies", content=preset("shanghai-street"), headers=yaml
            )
            found = problem(refused, 422, "invalid_policy")
            assert [error["reason"] for error in found["errors"]] == ["unknown_year"]
            assert len((await client.get("/v1/policies"))["policies"]) == 1
            calendar = "years: [2027]\nholidays: [2027-01-01]\n"
            known = load_policy(preset("shanghai-street"), calendar=calendar)
            taken = await client.http.post("/v1/policies", content=known.document, headers=yaml)
            assert taken.status_code == httpx.codes.ACCEPTED
