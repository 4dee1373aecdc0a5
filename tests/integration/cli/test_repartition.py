"""`hotline repartition`: a city moves from two partitions to three while workers run."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner, Result

from schemas.instants import HOUR, parse_instant
from schemas.topics import partition_of
from services.cli.guarded import GuardedProcess
from services.cli.main import app
from services.storage.database import Database
from services.storage.shard_store import ShardStore
from tests.integration.scoring.harness import Log, event, logs_closed
from tests.support.brokers import Broker, fresh_broker
from tests.support.engines import shared_engine
from tests.support.service import plain_environment
from tests.support.waiting import await_that

RUNNER = CliRunner()
HOTLINE = str(Path(sys.executable).with_name("hotline"))
START = parse_instant("2026-07-03T00:00:00Z")
OLD, NEW = 2, 3
NEW_DATABASE = "city_p3"
NAMED = ("--partitions", str(NEW), "--suffix", "p3", "--database", NEW_DATABASE)


@pytest.fixture
def broker() -> Iterator[Broker]:
    with fresh_broker("kafka") as running:
        yield running


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> Iterator[dict[str, str]]:
    with shared_engine(tmp_path / "engine") as url, logs_closed():
        yield {
            "HOTLINE_KAFKA_BOOTSTRAP": broker.bootstrap,
            "HOTLINE_CLICKHOUSE_URL": url,
            "HOTLINE_DATA_DIR": str(tmp_path / "data"),
            "HOTLINE_PARTITIONS": str(OLD),
            "HOTLINE_WORKER_TIMEOUT": "6",
        }


def of_the_new_side(settings: dict[str, str]) -> dict[str, str]:
    url = urlsplit(settings["HOTLINE_CLICKHOUSE_URL"])._replace(path=f"/{NEW_DATABASE}")
    return settings | {
        "HOTLINE_CLICKHOUSE_URL": url.geturl(),
        "HOTLINE_PARTITIONS": str(NEW),
        "HOTLINE_TOPIC_SUFFIX": "p3",
        "HOTLINE_EPOCH": "2",
    }


def hotline(settings: dict[str, str], *command: str) -> Result:
    return RUNNER.invoke(app, command, env={"COLUMNS": "200", **settings})


def repartition(settings: dict[str, str], step: str) -> Result:
    return hotline(settings, "repartition", step, *NAMED)


@contextmanager
def worker(settings: dict[str, str], log: Path, *options: str) -> Iterator[None]:
    process = GuardedProcess.start(
        [HOTLINE, "worker", *options],
        log=log,
        ready="ready",
        seconds=120,
        env=plain_environment() | settings,
    )
    try:
        yield
        process.send(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.stop()


@contextmanager
def opened(settings: dict[str, str]) -> Iterator[Database]:
    database = Database.open(settings["HOTLINE_CLICKHOUSE_URL"])
    try:
        yield database
    finally:
        database.close()


def orders(database: Database) -> dict[str, int]:
    """The shard of every order that is stored."""
    return dict(database.query("SELECT subject, shard FROM work_orders FINAL"))


@pytest.mark.kafka
def test_a_city_moves_to_more_partitions_and_nothing_differs(
    settings: dict[str, str], broker: Broker, tmp_path: Path
) -> None:
    assert hotline(settings, "prepare").exit_code == 0
    log = Log(broker.bootstrap, OLD, START)
    with worker(settings, tmp_path / "old.log"):
        log.orders(40, bad=True)
        log.write_raw(1, b"[")
        # The first of two contents under one id counts, and must do so there.
        conflict = "热线-000001"
        home = partition_of(conflict, OLD)
        for hours in (1, 2):
            log.write(
                home,
                [
                    event(
                        conflict,
                        "linked",
                        START + hours * HOUR,
                        order=f"热线-{hours}",
                        relation="repeat",
                    )
                ],
            )

        other = repartition(settings | {"HOTLINE_PARTITIONS": "1"}, "plan")
        assert other.exit_code == 1
        assert "(2 partitions instead of 1)" in other.stderr
        planned = repartition(settings, "plan")
        assert planned.exit_code == 0, planned.output
        assert "HOTLINE_TOPIC_SUFFIX=p3" in planned.stdout
        early = repartition(settings, "fill")
        assert early.exit_code == 0, early.output
        moved = of_the_new_side(settings)
        with worker(moved, tmp_path / "new.log", "--no-ranking"):
            log.orders(20)
            behind = repartition(settings, "verify")
            assert behind.exit_code == 1
            assert "not copied" in behind.stderr

            rest = repartition(settings, "fill")
            assert rest.stdout.splitlines()[0].endswith(": 2")  # a frame of each partition

            await_that(
                lambda: "cannot be compared" not in repartition(settings, "verify").stderr,
                seconds=200,
            )
            equal = repartition(settings, "verify")
            assert equal.exit_code == 0, equal.output
            assert "60, 一致 equal" in equal.stdout

    with opened(settings) as old, opened(moved) as new:
        places = orders(new)
        assert places.keys() == orders(old).keys()
        assert all(shard == partition_of(subject, NEW) for subject, shard in places.items())
        assert set(places.values()) == set(range(NEW))
        for database in (old, new):
            reasons = {reason for (reason,) in database.query("SELECT reason FROM dead_letters")}
            assert reasons >= {"wrong_partition", "malformed_json", "id_conflict"}
        ranked_there = (
            "SELECT number FROM evaluations WHERE arrayExists(p -> p.epoch = 2, positions)"
        )
        assert new.query(ranked_there) == []
        assert new.query("SELECT ruleset FROM rulesets") == old.query(
            "SELECT ruleset FROM rulesets"
        )
        assert ShardStore(new, 2, 1).last_flush() is not None

        new.execute(
            "ALTER TABLE work_orders UPDATE unit = '110101999' WHERE subject = '热线-000007'"
            " SETTINGS mutations_sync = 2"
        )
    differs = repartition(settings, "verify")
    assert differs.exit_code == 1
    assert "orders 热线-000007: 旧 old " in differs.stderr
