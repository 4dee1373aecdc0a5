"""Elapsed times are those of the orders behind them, for every unit, live and at past instants."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Final

import pytest

from schemas.instants import DAY, SECOND, Instant, format_instant
from schemas.records import Event
from services.domain.elapsed import elapsed
from services.domain.outcome import contributions_at, evaluate
from tests.integration.api.city import (
    CYCLE_BEGINS,
    NOW,
    STREETS,
    UNKNOWN_UNIT,
    City,
    city_events,
)
from tests.integration.api.client import Client, Json

STEPS: Final = ("sign", "contact", "resolve")
Times = dict[str, list[int]]


def by_hand(city: City, at: Instant) -> dict[str, Times]:
    """Microseconds by unit and step, of the orders that the unit leads in the cycle, with volume."""
    found: dict[str, Times] = defaultdict(lambda: {"volume": [], **{step: [] for step in STEPS}})
    orders: dict[str, list[Event]] = defaultdict(list)
    for each in city_events():
        orders[each.subject].append(each)
    for events in orders.values():
        outcome = evaluate(events, city.policy)
        parts = contributions_at(outcome.flat, at)
        leads = [part.unit for part in parts if part.indicator == "volume"]
        assert len(leads) <= 1
        for unit in filter(None, leads):
            found[unit]["volume"].append(1)
            for time in elapsed(events, outcome):
                if time.begins_at <= at < time.ends_at:
                    found[unit][time.step].append(time.took)
    return found


def quantile(times: list[int], percent: int) -> Decimal | None:
    """The smallest time that so many percent of all times do not exceed, in seconds."""
    for time in sorted(times):
        if sum(other <= time for other in times) * 100 >= percent * len(times):
            return Decimal(time) / SECOND
    return None


def check(line: Json, times: Times) -> None:
    assert line["volume"] == len(times["volume"])
    assert line["untimed"] == 0
    for step in STEPS:
        told = line[step]
        assert told["sample"] == len(times[step])
        for percent in (50, 90):
            text = told[f"p{percent}"]
            assert (None if text is None else Decimal(text)) == quantile(times[step], percent)


def pooled(found: dict[str, Times], units: set[str]) -> Times:
    names = ("volume", *STEPS)
    return {
        name: [time for unit in units & found.keys() for time in found[unit][name]]
        for name in names
    }


@pytest.mark.parametrize("day", [13, None], ids=["as of", "live"])
async def test_each_line_has_the_times_of_its_orders(
    client: Client, city: City, day: int | None
) -> None:
    at = NOW if day is None else CYCLE_BEGINS + day * DAY
    query = {} if day is None else {"as_of": format_instant(at)}
    found = by_hand(city, at)
    answer = await client.get("/v1/elapsed", **query)
    assert answer["method"] == "nearest_rank"
    assert [line["unit"]["code"] for line in answer["units"]] == [unit.code for unit in STREETS]
    for line in answer["units"]:
        check(line, found[line["unit"]["code"]])
    check(answer["total"], pooled(found, {unit.code for unit in STREETS}))
    assert answer["total"]["sign"] == {
        "sample": answer["total"]["sign"]["sample"], "p50": "3300", "p90": "3300",
    }  # fmt: skip
    assert answer["total"]["resolve"]["sample"] > 0
    assert answer["total"]["contact"] == {"sample": 0, "p50": None, "p90": None}
    volumes = {
        line["unit"]["code"]: line["volume"]
        for ranked in [await client.get("/v1/rankings", **query)]
        for line in ranked["ranked"] + ranked["unranked"]
    }
    assert {line["unit"]["code"]: line["volume"] for line in answer["units"]} == volumes


async def test_a_district_has_the_times_of_all_its_orders(client: Client, city: City) -> None:
    found = by_hand(city, NOW)
    answer = await client.get("/v1/elapsed", kind="district")
    assert len(answer["units"]) == 16
    for line in answer["units"]:
        code = line["unit"]["code"]
        check(line, pooled(found, {unit.code for unit in STREETS if unit.parent == code}))
    code = STREETS[0].parent
    (alone,) = (await client.get("/v1/elapsed", unit=code))["units"]
    assert alone in answer["units"]
    assert alone["resolve"]["sample"] > 100


async def test_one_unit_has_the_numbers_of_its_line(client: Client, city: City) -> None:
    code = STREETS[1].code
    lines = (await client.get("/v1/elapsed", group="core"))["units"]
    alone = await client.get("/v1/elapsed", unit=code)
    assert alone["units"] == [line for line in lines if line["unit"]["code"] == code]
    assert {"unit": alone["units"][0]["unit"], **alone["total"]} == alone["units"][0]
    unknown = await client.get("/v1/elapsed", unit=UNKNOWN_UNIT)
    check(unknown["units"][0], by_hand(city, NOW)[UNKNOWN_UNIT])
    assert unknown["total"]["volume"] > 0
    empty = await client.get("/v1/elapsed", window="cycle", name="2026-09")
    assert empty["total"]["volume"] == 0
    assert empty["total"]["sign"] == {"sample": 0, "p50": None, "p90": None}


async def test_what_cannot_be_told_is_refused(client: Client) -> None:
    await client.refused("/v1/elapsed", 404, "unknown_unit", unit="nowhere")
    await client.refused("/v1/elapsed", 422, "unknown_kind", kind="house")
    await client.refused("/v1/elapsed", 422, "unknown_group", group="nowhere")
    await client.refused(
        "/v1/elapsed", 422, "unknown_kind", unit=STREETS[0].code, kind="department"
    )
    await client.refused("/v1/elapsed", 422, "invalid_request", unit="")
