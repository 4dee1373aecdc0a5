"""A city whose standing ranking a test evaluates by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.api.push.options import DEFAULTS
from tests.integration.api.city import NOW, City, city_events, open_city

_TABLES = (
    "evaluations",
    "evaluation_log",
    "push_endpoints",
    "push_secrets",
    "push_deliveries",
    "push_beats",
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """One engine for the tests of a module: starting one takes longer than a test."""
    with open_city(tmp_path_factory.mktemp("city") / "engine") as found:
        found.store(city_events(streets=4))
        yield found


@pytest.fixture
def city(shared: City) -> City:
    """A city with some orders, of which nothing was evaluated and nobody told."""
    for table in _TABLES:
        shared.database.execute(f"TRUNCATE TABLE {table}")
    shared.now = NOW
    shared.push = DEFAULTS
    return shared
