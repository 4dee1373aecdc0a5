"""The orders behind one number, page by page."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.integration.api.city import UNKNOWN_UNIT
from tests.integration.api.client import Client


async def test_incomplete_and_unknown_are_said(client: Client) -> None:
    found = await client.get("/v1/work-orders/缺-0002")
    assert (found["incomplete"], found["known_unit"], found["state"]) == (True, False, None)
    assert found["unit"] == {
        "code": UNKNOWN_UNIT, "name": "", "kind": "", "parent": "", "group": "",
    }  # fmt: skip
    nobody = await client.get("/v1/work-orders/无人-0001")
    assert (nobody["unit"], nobody["known_unit"], nobody["incomplete"]) == (None, True, False)


async def test_pages_hold_every_order_once(client: Client) -> None:
    query: dict[str, str | int] = {"unit": UNKNOWN_UNIT, "indicator": "volume"}
    whole = await client.orders(**query, limit=1000)
    assert len(whole) == 12
    assert await client.orders(**query, limit=5) == whole
    assert [order["id"] for order in whole] == sorted(order["id"] for order in whole)


async def test_a_list_tells_what_each_order_adds(client: Client) -> None:
    orders = await client.orders(unit=UNKNOWN_UNIT, indicator="satisfaction")
    worth = {part["numerator"] for order in orders for part in order["contributions"]}
    assert {"0", "0.9", "1"} >= worth
    own = await client.get(f"/v1/units/{UNKNOWN_UNIT}/rates")
    assert own["known"] is False
    rate = own["indicators"]["satisfaction"]
    assert Decimal(rate["numerator"]) == sum(
        Decimal(part["numerator"]) for order in orders for part in order["contributions"]
    )


@pytest.mark.parametrize("order", ["nobody-knows", "热线/没有"])
async def test_an_order_that_is_not_stored(client: Client, order: str) -> None:
    await client.refused(f"/v1/work-orders/{order}", 404, "unknown_order")
