"""The query layer over a real database, asked through ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.integration.api.city import City, city_events, open_city
from tests.integration.api.client import Client, connect


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city that the tests of a module only read: a process can open one engine at a time."""
    with open_city(tmp_path_factory.mktemp("city") / "engine") as found:
        found.store(city_events())
        yield found


@pytest.fixture
async def client(city: City) -> AsyncIterator[Client]:
    """Asks about the city."""
    async with connect(city) as found:
        yield found


@pytest.fixture
def new_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """An empty city of the test's own."""
    with open_city(tmp_path_factory.mktemp("city") / "engine") as found:
        yield found
