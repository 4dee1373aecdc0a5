"""How often a key may ask, as the service answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from services.api.access.keys import StoredKeys, create
from services.cli.web_app import build_app, query_routers
from services.web.access.guard import install_access
from services.web.access.rate_limit import RateLimit
from tests.integration.api.city import City, open_city
from tests.integration.api.client import problem

BURST = 10  # of one request a second
PATH = "/v1/policy"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city without orders; its tests leave keys to each other."""
    with open_city(tmp_path_factory.mktemp("limits") / "engine") as found:
        yield found


@asynccontextmanager
async def asking(city: City, *, keys: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(query_routers(city.context()))
    doorkeeper = StoredKeys(city.database, lambda: city.now, read_every=0)
    install_access(app, doorkeeper, keys=keys, limit=RateLimit(1, lambda: 0.0))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://service"
    ) as http:
        yield http


def bearer(city: City, scope: str) -> dict[str, str]:
    _, text = create(city.database, city.now, label="test", scopes=(scope,))
    return {"authorization": f"Bearer {text}"}


async def test_a_key_that_asks_too_often_waits_and_others_do_not(city: City) -> None:
    often, other = bearer(city, "read"), bearer(city, "read")
    async with asking(city) as http:
        for _ in range(BURST):
            assert (await http.get(PATH, headers=often)).status_code == 200
        answer = await http.get(PATH, headers=often)
        assert problem(answer, 429, "too_many_requests")["detail_zh"]
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["ratelimit-policy"] == '"requests";q=10;w=10'
        assert answer.headers["ratelimit"] == '"requests";r=0;t=1'
        assert (await http.get(PATH, headers=other)).status_code == 200


async def test_guesses_are_counted_by_address_and_keys_of_that_address_are_not(city: City) -> None:
    valid = bearer(city, "read")
    async with asking(city) as http:
        for _ in range(BURST):
            problem(await http.get(PATH), 401, "unauthenticated")
        problem(await http.get(PATH), 429, "too_many_requests")
        assert (await http.get(PATH, headers=valid)).status_code == 200


async def test_senders_of_events_and_an_open_service_are_not_counted(city: City) -> None:
    sender = bearer(city, "ingest")
    async with asking(city) as http:
        answers = [await http.get("/v1/imports/orders", headers=sender) for _ in range(BURST + 5)]
        assert {answer.status_code for answer in answers} == {422}, "let in, and asked for nothing"
    async with asking(city, keys=False) as http:
        assert {(await http.get(PATH)).status_code for _ in range(BURST + 5)} == {200}
