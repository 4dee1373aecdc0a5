"""The stand-in server: several processes share one engine, and one of them may be killed."""

from __future__ import annotations

import subprocess
import sys
from http import HTTPStatus
from pathlib import Path

import httpx

from schemas.records import Fence
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.shard_store import ShardStore
from tests.integration.storage.made import FENCE, event, owned
from tests.support.clickhouse_http import clickhouse_server

CLIENT = """
import sys
from services.storage.database import Database
from services.storage.shard_store import ShardStore
from tests.integration.storage.made import FENCE, event, owned
url, shard, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
store = owned(ShardStore(Database.open(url), shard, 1))
print("claimed", flush=True)
for number in range(rounds):
    store.write_events(FENCE, [event(f"{shard}-{number}-{n}", at=(1, number, n)) for n in range(50)])
    print(number, flush=True)
"""


def client(url: str, shard: int, rounds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CLIENT, url, str(shard), str(rounds)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )


def test_two_processes_write_at_the_same_time(tmp_path: Path) -> None:
    with clickhouse_server(tmp_path / "engine") as url:
        db = Database.open(url)
        migrate(db)
        clients = [client(url, shard, 20) for shard in range(2)]
        for each in clients:
            each.communicate(timeout=60)
            assert each.returncode == 0
        sql = "SELECT shard, count(), uniqExact(subject) FROM events GROUP BY shard ORDER BY shard"
        assert db.query(sql) == [(0, 1_000, 1_000), (1, 1_000, 1_000)]
        db.close()


def test_a_killed_client_leaves_whole_inserts_and_a_server_that_answers(tmp_path: Path) -> None:
    with clickhouse_server(tmp_path / "engine") as url:
        db = Database.open(url)
        migrate(db)
        doomed = client(url, 0, 1_000_000)
        assert doomed.stdout is not None
        for line in doomed.stdout:
            if line.strip() == "5":
                break
        doomed.kill()
        doomed.communicate(timeout=60)
        successor = owned(ShardStore(db, 0, 1), Fence(FENCE.epoch, FENCE.token + 1))
        successor.await_older_writes(Fence(FENCE.epoch, FENCE.token + 1))
        ((count,),) = db.query("SELECT count() FROM events")
        assert count >= 300
        assert count % 50 == 0
        assert db.query("SELECT count() FROM events") == [(count,)]
        db.close()


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        with clickhouse_server(tmp_path / "engine") as url:
            db = Database.open(url)
            if migrate(db):
                owned(ShardStore(db, 0, 1)).write_events(FENCE, [event("a")])
            assert ShardStore(db, 0, 1).fetch(["a"])[1] == {"a": [event("a")]}
            db.close()


def test_an_error_has_its_code(tmp_path: Path) -> None:
    with clickhouse_server(tmp_path / "engine") as url:
        assert httpx.get(url.replace("/default", "/ping")).text == "Ok.\n"
        refused = httpx.post(url, content=b"SELECT * FROM nowhere")
        assert refused.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
        assert refused.headers["X-ClickHouse-Exception-Code"] == "60"
