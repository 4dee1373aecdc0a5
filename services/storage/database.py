"""One way to the engine for all rooms: chDB in this process, or a ClickHouse server over HTTP.

Synchronous and thread-safe. Every call borrows a connection of its own, so that a reader does not
wait for a flush; in asynchronous code call through ``asyncio.to_thread``.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from io import RawIOBase
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error, OperationalError
from urllib3.exceptions import HTTPError

from services.storage import cluster as clusters
from services.storage.engine_path import EnginePath
from services.storage.errors import TRANSIENT_CODES, StorageError, StorageUnavailable

Rows = list[tuple[Any, ...]]

# FINAL must choose the newest version before any condition is looked at, and a skipped granule
# must not hide a newer version: some releases do otherwise by default.
SETTINGS: Final[Mapping[str, Any]] = {
    "async_insert": 0,
    "optimize_move_to_prewhere_if_final": 0,
    "use_skip_indexes_if_final": 1,
    "use_skip_indexes_if_final_exact_mode": 1,
}

# An engine in this process shares the cores with what waits for it. Merges can wait, so they step
# back; and one question leaves half of the cores to the others.
_ENGINE_OPTIONS: Final[Mapping[str, Any]] = {"os_threads_nice_value_merge_mutate": 10}
_EMBEDDED: Final[Mapping[str, Any]] = {"max_threads": max(1, (os.cpu_count() or 1) // 2)}

_FORMATS: Final = {"DateTime64*": "int"}
_POLL_SECONDS: Final = 0.02


class Database:
    """A pool of connections to one engine. Instants are read and written as int microseconds."""

    def __init__(
        self,
        connect: Callable[[], Client],
        *,
        engine_path: EnginePath | None = None,
        cluster: str = "",
    ) -> None:
        self._connect = connect
        self.cluster: Final = cluster
        self._engine_path = engine_path
        self._idle: list[Client] = []
        self._borrowed = 0
        self._closed = False
        self._changed = threading.Condition()
        self._inserts: set[str] = set()
        with self._client():
            pass  # an engine that cannot be reached shows now, not at the first event

    @classmethod
    def open(
        cls, url: str, settings: Mapping[str, Any] | None = None, *, cluster: str = ""
    ) -> Database:
        """Open ``chdb:///absolute/path`` or ``http[s]://user:password@host:port/database``.

        ``settings`` are ClickHouse settings of every statement. ``cluster`` is the name that the
        nodes of a cluster have for it; writes and reads then ask a majority of the replicas.

        Raises:
            StorageError: the URL is not understood, the chDB directory is in use, or it is to be
                a cluster.
            StorageUnavailable: the server does not answer.
        """
        parts = urlsplit(url)
        everywhere = {**SETTINGS, **(clusters.SETTINGS if cluster else {}), **(settings or {})}
        if cluster and parts.scheme == "chdb":
            raise StorageError("A cluster of ClickHouse servers needs the URL of one of them.")
        if parts.scheme == "chdb" and not parts.netloc and parts.path.startswith("/"):
            directory = Path(unquote(parts.path)).resolve()
            engine_path = EnginePath(directory)
            try:
                return cls(_chdb(directory, everywhere), engine_path=engine_path)
            except BaseException:
                engine_path.release()
                raise
        if parts.scheme in {"http", "https"} and parts.hostname:
            return cls(
                lambda: clickhouse_connect.get_client(
                    interface=parts.scheme,
                    host=parts.hostname,
                    port=parts.port or (8443 if parts.scheme == "https" else 8123),
                    username=unquote(parts.username or "default"),
                    password=unquote(parts.password or ""),
                    database=unquote(parts.path.strip("/")) or "default",
                    autogenerate_session_id=False,
                    settings=everywhere,
                ),
                cluster=cluster,
            )
        raise StorageError(
            "A database URL is chdb:///absolute/path or http://user:password@host:port/database."
        )

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> Rows:
        """Rows of a SELECT. ``params`` fill ``{name:Type}`` on the engine's side."""
        with self._client() as client:
            result = client.query(sql, parameters=dict(params or {}), query_formats=_FORMATS)
            return cast("Rows", result.result_rows)  # the driver zips columns to a list of tuples

    @contextmanager
    def stream(self, sql: str, params: Mapping[str, Any] | None = None) -> Iterator[RawIOBase]:
        """The result of a SELECT as bytes in the format TabSeparated, read as the engine makes it.

        Settings stand in the statement. Read and close it in one thread: the stream holds a
        connection of its own.
        """
        with self._client() as client:
            # Only without settings of the call does chDB hand out what it has made so far.
            found = client.raw_stream(sql, parameters=dict(params or {}), fmt="TabSeparated")
            with closing(cast("RawIOBase", found)) as opened:
                yield opened

    def insert(
        self, table: str, columns: Mapping[str, Sequence[Any]], *, tag: str = "plain"
    ) -> None:
        """Append rows, given as columns of equal length; returns when the engine holds them.

        ``tag`` begins the query id, by which `await_inserts` finds the insert while it runs.
        """
        if not any(columns.values()):
            return
        query_id = f"{tag}-{uuid4().hex}"
        with self._client() as client, self._running(query_id):
            client.insert(
                table,
                list(columns.values()),
                column_names=list(columns),
                column_oriented=True,
                settings={"query_id": query_id},
            )

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> None:
        """Run a statement that yields no rows."""
        with self._client() as client:
            client.command(sql, parameters=dict(params or {}))

    def await_inserts(
        self, prefix: str, is_awaited: Callable[[str], bool], seconds: float = 600
    ) -> None:
        """Return when no insert runs whose query id begins so and ``is_awaited``.

        Inserts of this process are known; those of others are looked up on the server, which
        offers no way to wait for them other than asking again.

        Raises:
            StorageUnavailable: they still run after ``seconds``.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            ended = self._changed.wait_for(
                lambda: (
                    not any(name.startswith(prefix) and is_awaited(name) for name in self._inserts)
                ),
                seconds,
            )
        while ended and self._engine_path is None:
            running = self._inserts_of_servers(prefix)
            if not any(is_awaited(name) for (name,) in running):
                return
            ended = time.monotonic() < deadline
            time.sleep(_POLL_SECONDS)
        if not ended:
            raise StorageUnavailable(f"Inserts {prefix}* of an earlier owner have not ended.")

    def _inserts_of_servers(self, prefix: str) -> Rows:
        """Query ids of running inserts; on a cluster of every node, which all must answer."""
        if not self.cluster:
            return self.query(
                "SELECT query_id FROM system.processes WHERE startsWith(query_id, {prefix:String})",
                {"prefix": prefix},
            )
        return self.query(
            "SELECT DISTINCT initial_query_id"
            " FROM clusterAllReplicas({cluster:String}, system.processes)"
            " WHERE startsWith(initial_query_id, {prefix:String})",
            {"cluster": self.cluster, "prefix": prefix},
        )

    def running_inserts(self) -> frozenset[str]:
        """Query ids of the inserts of this process that have not returned."""
        with self._changed:
            return frozenset(self._inserts)

    def close(self) -> None:
        """Wait for running calls, close every connection, and give the directory free."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.wait_for(lambda: not self._borrowed)
            for client in self._idle:
                client.close()
            self._idle.clear()
        if self._engine_path:
            self._engine_path.release()

    @contextmanager
    def _client(self) -> Iterator[Client]:
        with self._changed:
            if self._closed:
                raise StorageError("The database has been closed.")
            self._borrowed += 1
            client = self._idle.pop() if self._idle else None
        try:
            with _translated():
                client = client or self._connect()
                yield client
        finally:
            with self._changed:
                self._borrowed -= 1
                if client:
                    self._idle.append(client)
                self._changed.notify_all()

    @contextmanager
    def _running(self, query_id: str) -> Iterator[None]:
        with self._changed:
            self._inserts.add(query_id)
        try:
            yield
        finally:
            with self._changed:
                self._inserts.discard(query_id)
                self._changed.notify_all()


def _chdb(directory: Path, settings: Mapping[str, Any]) -> Callable[[], Client]:
    return lambda: clickhouse_connect.get_client(
        interface="chdb",
        path=str(directory),
        settings={**_EMBEDDED, **settings},
        chdb_options=dict(_ENGINE_OPTIONS),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Tell "not now" from "wrong"; the engine's own words stay in the cause."""
    try:
        yield
    except Error as error:
        if error.code is None and _is_no_answer(error):
            raise StorageUnavailable(
                "ClickHouse does not answer: is it running, and is its address right? "
                "ClickHouse 无应答，请检查地址。"
            ) from error
        refusal = f"{error.name} ({error.code})"
        if error.code in TRANSIENT_CODES:
            raise StorageUnavailable(f"ClickHouse cannot answer now: {refusal}.") from error
        raise StorageError(f"ClickHouse refused the statement: {refusal}.") from error
    except (HTTPError, ConnectionError) as error:
        raise StorageUnavailable("The connection to ClickHouse broke.") from error


def _is_no_answer(error: Error) -> bool:
    """Whether the connection broke, or a proxy answered instead of ClickHouse."""
    return isinstance(error, OperationalError) or "HTTP status 5" in str(error)
