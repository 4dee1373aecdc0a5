"""Every test of storage runs on chDB in this process and on an engine behind HTTP.

Behind HTTP is the stand-in of `tests.support.clickhouse_http`, and with
``HOTLINE_TEST_CLICKHOUSE_URL`` (http://user:password@host:port, a user who may create databases)
a real server as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.storage.database import Database
from services.storage.migrate import migrate
from tests.support.clickhouse_http import clickhouse_server
from tests.support.engines import REAL_SERVER, own_database

ENGINES = ["chdb", "http", *(["server"] if REAL_SERVER else [])]


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of chDB behind HTTP, one for all tests, each of which has its own database."""
    with clickhouse_server(tmp_path_factory.mktemp("server") / "engine") as url:
        yield url


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "chdb":
        yield f"chdb://{tmp_path / 'engine'}"
        return
    server = REAL_SERVER if request.param == "server" else request.getfixturevalue("stand_in")
    with own_database(server) as own:
        yield own


@pytest.fixture
def bare(url: str) -> Iterator[Database]:
    """An open, empty database without tables."""
    database = Database.open(url)
    yield database
    database.close()


@pytest.fixture
def db(bare: Database) -> Database:
    """An open database with all tables, in which nothing is merged behind the test's back."""
    migrate(bare)
    for table in ("events", "work_orders", "counters", "shard_flushes"):
        bare.execute(f"SYSTEM STOP MERGES {table}")
    return bare


@pytest.fixture
def is_server(url: str) -> bool:
    return url.startswith("http")
