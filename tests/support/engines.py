"""An engine that several processes share: chDB behind HTTP, or a database of a real server.

With ``HOTLINE_TEST_CLICKHOUSE_URL`` (http://user:password@host:port, a user who may create
databases) it is the server, where every test has a database of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from services.storage.database import Database
from tests.support.clickhouse_http import clickhouse_server

REAL_SERVER: Final = os.environ.get("HOTLINE_TEST_CLICKHOUSE_URL", "")


@contextmanager
def shared_engine(path: Path) -> Iterator[str]:
    """Give the URL of an empty engine; ``path`` is where chDB keeps it, if there is no server."""
    if REAL_SERVER:
        with own_database(REAL_SERVER) as url:
            yield url
    else:
        with clickhouse_server(path) as url:
            yield url


@contextmanager
def own_database(server: str) -> Iterator[str]:
    """Give the URL of a new database on a server, and drop it afterwards."""
    name = f"test_{uuid4().hex}"
    everything = Database.open(server)
    try:
        everything.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            everything.execute(f"DROP DATABASE {name} SYNC")
    finally:
        everything.close()
