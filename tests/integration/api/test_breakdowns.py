"""Breakdowns: the parts of a line add up to it, and each leads to its orders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest

from schemas.instants import DAY, format_instant
from schemas.records import Event
from tests.integration.api.city import (
    CYCLE_BEGINS,
    STREETS,
    UNKNOWN_UNIT,
    City,
    city_events,
    open_city,
)
from tests.integration.api.client import Client, Json, cells, connect

COMMON = ("category", "channel", "urgency", "community", "demand_type")
PATHS = (["环境", "噪声", "施工"], ["环境", "噪声"], ["环境"], ["市政", "噪声"], None)


def told(events: list[Event]) -> list[Event]:
    """The same orders with categories, channels and communities."""
    found = []
    for place, each in enumerate(events):
        if each.type != "received":
            found.append(each)
            continue
        data = {
            **each.data,
            "category": PATHS[place % len(PATHS)],
            "channel": ("phone", "web", "wechat")[place % 3],
            "community": f"社区{place % 4}" if place % 4 else None,
        }
        found.append(each._replace(data={k: v for k, v in data.items() if v}))
    return found


@pytest.fixture(scope="module")
def told_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("city") / "engine") as found:
        found.store(told(city_events()))
        yield found


@pytest.fixture
async def asked(told_city: City) -> AsyncIterator[Client]:
    async with connect(told_city) as found:
        yield found


def numbers(line: Json) -> dict[str, tuple[int, Decimal]]:
    return {name: (den, Decimal(num or 0)) for name, den, num in cells(line) if den}


def added(lines: list[Json]) -> dict[str, tuple[int, Decimal]]:
    found: dict[str, tuple[int, Decimal]] = {}
    for line in lines:
        for name, (denominator, numerator) in numbers(line).items():
            old = found.get(name, (0, Decimal(0)))
            found[name] = (old[0] + denominator, old[1] + numerator)
    return found


@pytest.mark.parametrize("by", COMMON)
async def test_the_parts_add_up_to_the_line(asked: Client, by: str) -> None:
    past = format_instant(CYCLE_BEGINS + 13 * DAY)
    for query in ({}, {"as_of": past}):
        ranking = await asked.get("/v1/rankings", group="core", **query)
        for level in (1, 2, 5) if by == "category" else (1,):
            found = await asked.get(
                "/v1/breakdowns", by=by, level=level, kind="street", group="core", top=2, **query
            )
            rest = [found["rest"]] if found["rest"] else []
            assert numbers(found["total"]) == numbers(ranking["totals"])
            assert added(found["values"] + rest) == numbers(ranking["totals"])
            assert found["total"]["indicators"] == ranking["totals"]["indicators"]
            assert found["level"] == (level if by == "category" else None)
    volumes = [line["volume"] for line in found["values"]]
    assert volumes == sorted(volumes, reverse=True)


async def test_one_unit_known_or_not_or_nobody(asked: Client) -> None:
    ranking = await asked.get("/v1/rankings")
    line = next(
        e for e in ranking["ranked"] + ranking["unranked"] if e["unit"]["code"] == STREETS[0].code
    )
    lines = {
        STREETS[0].code: line,
        UNKNOWN_UNIT: ranking["unknown_units"][0]["figures"],
        "": ranking["undispatched"],
    }
    for unit, line in lines.items():
        found = await asked.get("/v1/breakdowns", by="channel", unit=unit)
        assert numbers(found["total"]) == numbers(line)
        assert added(found["values"]) == numbers(line)
        assert found["rest"] is None
    await asked.refused("/v1/breakdowns", 404, "unknown_unit", by="channel", unit="nowhere")
    await asked.refused(
        "/v1/breakdowns", 422, "unknown_kind", by="channel", unit=STREETS[0].code, kind="company"
    )
    await asked.refused("/v1/breakdowns", 422, "unknown_group", by="channel", group="nowhere")
    await asked.refused("/v1/breakdowns", 422, "invalid_request", by="phone")


async def test_paths_are_cut_at_the_level(asked: Client) -> None:
    found = await asked.get("/v1/breakdowns", by="category", level=2)
    assert {line["value"] for line in found["values"]} == {
        "环境/噪声", "环境", "市政/噪声", "",
    }  # fmt: skip
    coarse = await asked.get("/v1/breakdowns", by="category", level=1)
    assert {line["value"] for line in coarse["values"]} == {"环境", "市政", ""}


async def test_every_part_leads_to_its_orders(asked: Client) -> None:
    for by, more in (("category", {"category_level": 2}), ("community", {})):
        found = await asked.get("/v1/breakdowns", by=by, level=2, unit=STREETS[1].code)
        for line in found["values"]:
            for indicator, (denominator, _) in numbers(line).items():
                orders = await asked.orders(
                    unit=STREETS[1].code, indicator=indicator, **{by: line["value"]}, **more
                )
                parts = [part for order in orders for part in order["contributions"]]
                assert sum(part["denominator"] for part in parts) == denominator
    anywhere = await asked.orders(category="噪声", limit=1000)
    assert {order["category"][1] for order in anywhere} == {"噪声"}
    assert {order["category"][0] for order in anywhere} == {"环境", "市政"}
