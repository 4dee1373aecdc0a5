"""What-ifs over orders that only one of the two policies counts, or cannot count."""

from __future__ import annotations

import threading

import httpx

from schemas.instants import MINUTE
from services.domain.policy import preset
from tests.integration.api.city import City, city_events
from tests.integration.api.client import connect
from tests.integration.api.server import serving
from tests.integration.api.test_what_if import ask
from tests.support.orders import event, local, rated
from tests.support.workers import workers

STREET = "110101001"
WORKING_DAYS = preset("shandong").replace("cycle: {", "cycle: {start_day: 19, ")


async def test_orders_that_cannot_be_evaluated_are_named(new_city: City) -> None:
    """Five working days from the end of a year reach into one whose days off nobody knows."""
    last = new_city.policy.working_days.known_until()
    received, other = local(f"{last} 09:00"), local(f"{last.replace(day=1)} 09:00")
    new_city.now = received + 60 * MINUTE
    new_city.store(
        [
            event("received", received, subject="末-0001", demand_type="complaint"),
            event("dispatched", received + MINUTE, subject="末-0001", unit=STREET),
            event("received", other, subject="初-0001", demand_type="help"),
            event("dispatched", other + MINUTE, subject="初-0001", unit=STREET),
            rated(other + 60 * MINUTE, "satisfied", subject="初-0001"),
        ]
    )
    cycle = f"{last:%Y-%m}" if last.day < 19 else f"{last.year + 1}-01"

    async with connect(new_city) as client:
        result = await ask(client, WORKING_DAYS, cycle=cycle)

    assert result["not_evaluable"] == 1
    assert result["not_evaluable_orders"] == ["末-0001"]


def test_a_service_that_stops_ends_its_what_if(new_city: City) -> None:
    new_city.store(city_events())
    other = preset("beijing-district").replace("basis: last", "basis: first")

    with serving(new_city) as url:
        asked = {"document": other, "cycle": "2026-11"}
        assert httpx.post(f"{url}/v1/policies/what-if", json=asked, trust_env=False).is_success

    assert workers() == []
    assert "what-if" not in {thread.name for thread in threading.enumerate()}
