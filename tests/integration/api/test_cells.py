"""Each number of a ranking equals the orders behind it: every cell is followed to its list."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from schemas.instants import DAY, format_instant
from tests.integration.api.city import CYCLE_BEGINS
from tests.integration.api.client import Client, Json, cells

PAST = format_instant(CYCLE_BEGINS + 13 * DAY)


def lines_of(ranking: Json) -> dict[str, Json]:
    """Every row with cells, by the unit that its list is asked for."""
    lines = {line["unit"]["code"]: line for line in ranking["ranked"] + ranking["unranked"]}
    lines |= {entry["code"]: entry["figures"] for entry in ranking["unknown_units"]}
    return lines | {"": ranking["undispatched"]}


def added(orders: list[Json]) -> tuple[int, Decimal]:
    """What the contributions of a list come to."""
    parts = [part for order in orders for part in order["contributions"]]
    return (
        sum(part["denominator"] for part in parts),
        sum((Decimal(part["numerator"]) for part in parts), Decimal(0)),
    )


@pytest.mark.parametrize("query", [{}, {"as_of": PAST}], ids=["live", "as of"])
async def test_every_cell_of_every_row_is_its_orders(client: Client, query: dict[str, str]) -> None:
    """One list of all units for each column: rows without orders must have a zero there."""
    ranking = await client.get("/v1/rankings", **query)
    lines = lines_of(ranking)
    followed: defaultdict[str, int] = defaultdict(int)
    columns = {name for line in lines.values() for name, _, _ in cells(line)}
    for column in sorted(columns):
        counted: defaultdict[str, list[Json]] = defaultdict(list)
        for order in await client.orders(indicator=column, limit=150, **query):
            for part in order["contributions"]:
                counted[part["unit"]].append({"contributions": [part]})
        assert counted.keys() <= lines.keys(), column
        for code, line in lines.items():
            shown = {name: (den, num) for name, den, num in cells(line)}
            denominator, numerator = shown.get(column, (0, None))
            of_orders = added(counted[code])
            assert of_orders[0] == denominator, (code, column)
            if numerator is not None:
                assert of_orders[1] == Decimal(numerator), (code, column)
            followed[column] += denominator
    assert followed["volume"] > 300
    assert all(followed[column] for column in columns - {"state:suspended"} if not query)
    assert sum(bool(line["volume"]) for line in lines.values()) > 20


async def test_the_address_of_a_cell_is_made_of_its_row(client: Client) -> None:
    ranking = await client.get("/v1/rankings")
    window = {"window": ranking["window"]["kind"], "name": ranking["window"]["name"]}
    lines = {code: line for code, line in lines_of(ranking).items() if line["volume"]}
    for code, line in [*list(lines.items())[:1], *list(lines.items())[-2:]]:
        for indicator, denominator, numerator in cells(line):
            if not denominator:  # the test above looked for orders in every empty cell
                continue
            orders = await client.orders(
                unit=code, indicator=indicator, ranking=ranking["basis"], **window
            )
            assert added(orders)[0] == denominator, (code, indicator)
            assert numerator is None or added(orders)[1] == Decimal(numerator)


async def test_totals_lead_to_the_orders_of_the_list(client: Client) -> None:
    whose: dict[str, str | int] = {"kind": "street", "group": "core"}
    ranking = await client.get("/v1/rankings", **whose)
    for indicator, denominator, numerator in cells(ranking["totals"]):
        orders = await client.orders(indicator=indicator, limit=1000, **whose)
        assert added(orders)[0] == denominator, indicator
        assert numerator is None or added(orders)[1] == Decimal(numerator)


async def test_the_states_of_a_list_are_those_of_its_filter(client: Client) -> None:
    whole = await client.orders(limit=1000)
    found: list[str] = []
    states = ("not_assessed", "not_yet_due", "callback_pending", "unreachable", "valid")
    for state in (*states, "excluded", "suspended"):
        page = [order["id"] for order in await client.orders(state=state)]
        assert page, state
        found += page
    assert sorted(found) == [order["id"] for order in whole]
    by_ground = await client.orders(state="excluded:不合理诉求")
    assert [o["id"] for o in by_ground] == [o["id"] for o in await client.orders(state="excluded")]
    for name in ("open", "overdue"):
        of_count = [order["id"] for order in await client.orders(indicator=name)]
        assert [o["id"] for o in await client.orders(**{name: "true"})] == of_count
        others = [o["id"] for o in await client.orders(**{name: "false"})]
        assert sorted(of_count + others) == sorted(found)


async def test_the_last_received_come_first(client: Client) -> None:
    query: dict[str, str | int] = {"sort": "received", "limit": 50, "urgency": "urgent"}
    found = await client.orders(**query)
    at = [order["received_at"] for order in found]
    assert len(found) > 50
    assert at == sorted(at, reverse=True)
    assert {order["urgency"] for order in found} == {"urgent"}
    since = await client.orders(received_from=at[9], received_to=at[0])
    assert 0 < len(since) < len(await client.orders(received_from=at[9]))
    assert all(at[9] <= order["received_at"] < at[0] for order in since)


async def test_a_mark_of_another_list_is_refused(client: Client) -> None:
    page = await client.get("/v1/work-orders", limit=1)
    for after in (page["next"], "x", "AAAA", "WzFd"):
        await client.refused("/v1/work-orders", 422, "invalid_cursor", sort="received", after=after)
    await client.refused(
        "/v1/work-orders", 422, "invalid_window",
        received_from="2026-11-01T00:00:00Z", received_to="2026-11-01T00:00:00Z",
    )  # fmt: skip
    await client.refused("/v1/work-orders", 422, "unknown_group", group="nowhere")
