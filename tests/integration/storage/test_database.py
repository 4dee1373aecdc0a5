from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schemas.instants import EARLIEST, FOREVER, parse_instant
from services.storage.database import Database
from services.storage.engine_path import LOCK_NAME
from services.storage.errors import StorageError, StorageUnavailable
from tests.support.clickhouse_http import clickhouse_server
from tests.support.waiting import await_that

AWKWARD = [
    "热线-260703",
    "a'b",
    'q"q',
    "back\\slash",
    "tab\there",
    "line\nbreak",
    "{x:String}",
    "%s",
    "",
]


def test_values_travel_as_parameters(bare: Database) -> None:
    for text in AWKWARD:
        assert bare.query("SELECT {text:String} AS text", {"text": text}) == [(text,)]
    assert bare.query("SELECT {texts:Array(String)} AS texts", {"texts": AWKWARD}) == [(AWKWARD,)]


def test_a_parameter_beyond_what_a_url_holds(bare: Database) -> None:
    texts = [f"热线-{number:08d}" for number in range(5_000)]
    sql = "SELECT length({texts:Array(String)}) AS length"
    assert bare.query(sql, {"texts": texts}) == [(5_000,)]


def test_instants_and_wide_integers_come_back_as_they_went(bare: Database) -> None:
    bare.execute(
        "CREATE TABLE t (n UInt8, at DateTime64(6, 'UTC'), past Nullable(DateTime64(6, 'UTC')),"
        " many Array(DateTime64(6, 'UTC')), wide UInt128, digest FixedString(16))"
        " ENGINE = MergeTree ORDER BY n"
    )
    odd = parse_instant("1969-12-31T23:59:59.999999Z")
    instants = [
        EARLIEST,
        EARLIEST + 1,
        odd,
        0,
        parse_instant("2026-07-03T07:03:07.123457+08:00"),
        FOREVER,
    ]
    wide = [0, 2**64, 2**127 - 1, 2**127, 2**128 - 2, 2**128 - 1]
    digests = [bytes([n] * 15) + b"\x00" for n in (0, 10, 39, 92, 128, 255)]
    bare.insert(
        "t",
        {
            "n": range(6),
            "at": instants,
            "past": [None, *instants[1:]],
            "many": [instants] * 6,
            "wide": wide,
            "digest": digests,
        },
    )
    found = bare.query("SELECT at, past, many, wide, digest FROM t ORDER BY n")
    expected = list(
        zip(instants, [None, *instants[1:]], [instants] * 6, wide, digests, strict=True)
    )
    assert found == expected
    sql = "SELECT n FROM t WHERE at = fromUnixTimestamp64Micro({at:Int64}, 'UTC')"
    for n, at in enumerate(instants):
        assert bare.query(sql, {"at": at}) == [(n,)]


def test_a_wrong_statement_is_no_outage(bare: Database) -> None:
    with pytest.raises(StorageError, match="UNKNOWN_TABLE"):
        bare.query("SELECT * FROM nowhere")
    with pytest.raises(StorageError, match=r"SYNTAX_ERROR"):
        bare.execute("MAKE TABLE t")
    assert bare.query("SELECT 1 AS one") == [(1,)]


def test_readers_do_not_wait_for_a_writer(bare: Database) -> None:
    bare.execute("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
    done = threading.Event()
    during: list[int] = []

    def write() -> None:
        try:
            for part in range(5):
                bare.insert("t", {"n": range(part * 200_000, (part + 1) * 200_000)})
        finally:
            done.set()

    def read() -> int:
        reads = 0
        while not done.is_set():
            ((count,),) = bare.query("SELECT count() FROM t")
            during.append(count)
            reads += 1
        return reads

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        pool.submit(write).result()
        assert all(reader.result() > 5 for reader in readers)
    assert bare.query("SELECT count(), sum(n) FROM t") == [(1_000_000, 499_999_500_000)]
    assert set(during) <= {part * 200_000 for part in range(6)}  # each insert at once or not at all


def test_inserts_are_awaited_by_their_tag(bare: Database, url: str, is_server: bool) -> None:
    """An insert that runs is seen by its tag; on a server those of other clients too."""
    watcher = Database.open(url) if is_server else bare
    bare.execute("CREATE TABLE slow (n UInt64) ENGINE = Null")
    bare.execute("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n")
    bare.execute(
        "CREATE MATERIALIZED VIEW delayed TO kept AS SELECT n FROM slow WHERE sleepEachRow(0.5) = 0"
    )
    seen: list[str] = []

    def is_awaited(query_id: str) -> bool:
        seen.append(query_id)
        return True

    with ThreadPoolExecutor(2) as pool:
        insert = pool.submit(bare.insert, "slow", {"n": [1, 2]}, tag="shard-7-16")
        await_that(
            lambda: any(name.startswith("shard-7-16-") for name in running(watcher, is_server)),
            pause=0.001,
        )
        watcher.await_inserts("shard-8-", is_awaited)  # of no interest
        assert not seen
        watcher.await_inserts("shard-7-", is_awaited)
        assert watcher.query("SELECT count() FROM kept") == [(2,)]
        assert all(name.startswith("shard-7-16-") for name in seen)
        assert seen
        insert.result()
    if watcher is not bare:
        watcher.close()


def test_waiting_for_inserts_has_an_end(bare: Database) -> None:
    bare.execute("CREATE TABLE slow (n UInt64) ENGINE = Null")
    bare.execute("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n")
    bare.execute(
        "CREATE MATERIALIZED VIEW delayed TO kept AS SELECT n FROM slow WHERE sleepEachRow(1) = 0"
    )
    with ThreadPoolExecutor(1) as pool:
        insert = pool.submit(bare.insert, "slow", {"n": [1]}, tag="shard-7-16")
        await_that(lambda: bool(bare.running_inserts()), pause=0.001)
        with pytest.raises(StorageUnavailable):
            bare.await_inserts("shard-7-", lambda _: True, seconds=0.05)
        insert.result()


def running(database: Database, is_server: bool) -> set[str]:
    if not is_server:
        return set(database.running_inserts())
    return {name for (name,) in database.query("SELECT query_id FROM system.processes")}


def test_a_closed_database_says_so(url: str) -> None:
    database = Database.open(url)
    database.close()
    database.close()
    with pytest.raises(StorageError, match="closed"):
        database.query("SELECT 1")


def test_a_directory_has_one_owner(tmp_path: Path) -> None:
    directory = tmp_path / "engine"
    first = Database.open(f"chdb://{directory}")
    with pytest.raises(StorageError, match=r"in use by process \d+") as refused:
        Database.open(f"chdb://{directory}")
    assert str(directory) in str(refused.value)
    first.close()
    again = Database.open(f"chdb://{directory}")
    assert again.query("SELECT 1 AS one") == [(1,)]
    again.close()


def test_a_lock_file_that_a_kill_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_text("999999\n")
    database = Database.open(f"chdb://{tmp_path}")
    database.close()


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        Database.open(f"chdb://{tmp_path / 'file'}/engine")


@pytest.mark.parametrize(
    "url", ["", "chdb://relative/path", "chdb:", "postgres://host/db", "http://", "/a/path"]
)
def test_an_url_of_another_kind(url: str) -> None:
    with pytest.raises(StorageError, match="chdb:///absolute/path"):
        Database.open(url)


def test_a_server_that_is_away_and_comes_back(tmp_path: Path) -> None:
    with clickhouse_server(tmp_path / "engine") as url:
        database = Database.open(url)
        database.execute("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
    port = int(url.split(":")[2].split("/")[0])
    with pytest.raises(StorageUnavailable):
        database.query("SELECT * FROM t")
    with pytest.raises(StorageUnavailable):
        database.insert("t", {"n": [1]})
    with pytest.raises(StorageUnavailable):
        Database.open(url)
    with clickhouse_server(tmp_path / "engine", port):
        database.insert("t", {"n": [1]})
        assert database.query("SELECT n FROM t") == [(1,)]
        database.close()
