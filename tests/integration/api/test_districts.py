"""A district has the numbers of its streets together, whatever is asked about it."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Final

import pytest

from schemas.instants import DAY, format_instant
from services.domain.registry import beijing_units
from tests.integration.api.city import CYCLE_BEGINS, NOW
from tests.integration.api.client import Client, Json, cells

PAST: Final = format_instant(CYCLE_BEGINS + 13 * DAY)
DISTRICT_OF: Final = {unit.code: unit.parent or unit.code for unit in beijing_units()}
FIGURES: Final = (
    "indicators", "volume", "states", "open", "overdue", "returned", "reopened", "incomplete",
    "valid_callback_rate",
)  # fmt: skip


def figures_in(answer: Json) -> Json:
    return {name: answer[name] for name in FIGURES}


@pytest.mark.parametrize("query", [{}, {"as_of": PAST}], ids=["live", "as of"])
async def test_every_cell_of_a_district_is_the_orders_of_its_streets(
    client: Client, query: dict[str, str]
) -> None:
    ranking = await client.get("/v1/rankings", kind="district", **query)
    lines = {line["unit"]["code"]: line for line in ranking["ranked"] + ranking["unranked"]}
    assert len(lines) == 16
    columns = {name for line in lines.values() for name, _, _ in cells(line)}
    for column in sorted(columns):
        counted: defaultdict[str, list[Json]] = defaultdict(list)
        for order in await client.orders(indicator=column, kind="district", limit=150, **query):
            for part in order["contributions"]:
                counted[DISTRICT_OF[part["unit"]]].append(part)
        for code, line in lines.items():
            shown = {name: (den, num) for name, den, num in cells(line)}
            denominator, numerator = shown.get(column, (0, None))
            assert sum(part["denominator"] for part in counted[code]) == denominator, (code, column)
            if numerator is not None:
                assert sum(Decimal(part["numerator"]) for part in counted[code]) == Decimal(
                    numerator
                ), (code, column)
    streets = await client.get("/v1/rankings", **query)
    assert ranking["totals"]["volume"] == streets["totals"]["volume"] > 300
    assert ranking["unknown_units"] == streets["unknown_units"]
    assert ranking["undispatched"] == streets["undispatched"]
    assert ranking["incomplete"] == streets["incomplete"]


async def test_the_address_of_a_cell_is_that_of_other_units(client: Client) -> None:
    line = (await client.get("/v1/rankings", kind="district"))["ranked"][0]
    code = line["unit"]["code"]
    for whose in ({"unit": code}, {"unit": code, "kind": "district"}):
        orders = await client.orders(indicator="volume", limit=1000, **whose)
        assert len(orders) == line["volume"]
        assert {DISTRICT_OF[order["contributions"][0]["unit"]] for order in orders} == {code}


async def test_every_question_about_a_district_has_the_numbers_of_its_line(client: Client) -> None:
    ranking = await client.get("/v1/rankings", kind="district")
    assert [line["unit"]["code"] for line in ranking["ranked"]]
    for line in ranking["ranked"]:
        code = line["unit"]["code"]
        rates = await client.get(f"/v1/units/{code}/rates")
        assert figures_in(rates) == figures_in(line)
        assert (rates["rank"], rates["score"]) == (line["rank"], line["score"])
        broken = await client.get("/v1/breakdowns", by="channel", unit=code)
        assert figures_in(broken["total"]) == figures_in(line)
        steps = {"step": "cycle", "from_": format_instant(NOW), "to": format_instant(NOW + 1)}
        series = await client.get(f"/v1/units/{code}/series", **steps)
        assert [figures_in(point) for point in series["points"]] == [figures_in(line)]
    together = await client.get("/v1/series", kind="district", **steps)
    assert figures_in(together["points"][0]) == figures_in(ranking["totals"])
    broken = await client.get("/v1/breakdowns", by="channel", kind="district")
    assert figures_in(broken["total"]) == figures_in(ranking["totals"])


async def test_a_district_is_compared_with_all_of_itself(client: Client) -> None:
    found = await client.get("/v1/rankings", kind="district", window="week", compare="previous")
    before = found["compared"]["previous"]
    then = await client.get(
        "/v1/rankings",
        kind="district",
        window="week",
        name=before["window"]["name"],
        as_of=before["as_of"],
    )
    volumes = {line["unit"]["code"]: line["volume"] for line in then["ranked"] + then["unranked"]}
    compared = {
        line["unit"]["code"]: line["changes"]["previous"]["volume"]
        for line in found["ranked"] + found["unranked"]
    }
    assert compared == volumes
    assert sum(volumes.values()) > 0


async def test_districts_gain(client: Client) -> None:
    """The window of a week has one before it in which both districts have a score."""
    query: dict[str, str | int] = {"kind": "district", "window": "week", "name": "2026-10-29"}
    gains = await client.get("/v1/rankings/gains", **query)
    now = await client.get("/v1/rankings", **query)
    scores = {line["unit"]["code"]: line["score"] for line in now["ranked"]}
    assert {line["unit"]["code"] for line in gains["ranked"]} <= scores.keys()
    for line in gains["ranked"]:
        assert line["score"] == scores[line["unit"]["code"]]
    assert len(gains["ranked"]) + len(gains["unranked"]) == 16
