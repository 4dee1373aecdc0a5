"""An engine of its own for each test, which workers in other processes can reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.storage.database import Database
from services.storage.migrate import migrate
from tests.integration.scoring.harness import logs_closed
from tests.support.brokers import Broker
from tests.support.engines import shared_engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    with shared_engine(tmp_path / "engine") as url:
        yield url


@pytest.fixture
def database(engine: str) -> Iterator[Database]:
    opened = Database.open(engine)
    migrate(opened)
    yield opened
    opened.close()


# A test that fails leaves no socket behind that a later one would answer for.


@pytest.fixture
def broker(broker: Broker) -> Iterator[Broker]:
    with logs_closed():
        yield broker


@pytest.fixture
def tansu(tansu: Broker) -> Iterator[Broker]:
    with logs_closed():
        yield tansu
