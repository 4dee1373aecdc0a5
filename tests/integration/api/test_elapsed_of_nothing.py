"""Elapsed times where nothing is stored yet, and of an order that nobody leads."""

from __future__ import annotations

from schemas.instants import DAY
from tests.integration.api.city import NOW, City
from tests.integration.api.client import connect
from tests.support.orders import event


async def test_nothing_is_known_before_the_first_flush_nor_of_what_nobody_leads(
    new_city: City,
) -> None:
    async with connect(new_city) as client:
        empty = await client.get("/v1/elapsed")
        assert empty["total"]["volume"] == 0
        assert len(empty["units"]) == 343
        new_city.store([event("received", NOW - DAY, demand_type="help")])
        assert (await client.get("/v1/elapsed"))["total"]["volume"] == 0
