"""An engine of its own for each test, which workers in other processes can reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.storage.database import Database
from services.storage.migrate import migrate
from tests.support.clickhouse_http import clickhouse_server


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    with clickhouse_server(tmp_path / "engine") as url:
        yield url


@pytest.fixture
def database(engine: str) -> Iterator[Database]:
    opened = Database.open(engine)
    migrate(opened)
    yield opened
    opened.close()
