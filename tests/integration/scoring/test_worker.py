"""The worker from the log to the ranking, through real brokers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas.documents import feed_schema
from schemas.instants import DAY, Instant
from schemas.records import Unit
from schemas.topics import DEAD_LETTERS, RANK_ALERTS
from services.scoring.faust_app import TopicsMissingError
from services.scoring.load import EpochError
from services.scoring.worker import ScoringWorker
from services.storage import units
from services.storage.database import Database
from services.storage.migrate import migrate
from services.storage.shard_store import ShardStore
from tests.integration.scoring.harness import (
    Log,
    await_stored,
    check_counters,
    dead_places,
    read_topic,
    worker_process,
)
from tests.support.brokers import Broker
from tests.support.scoring_process import RULESET
from tests.support.waiting import await_that

PARTITIONS = 2


def test_bad_messages_become_dead_letters_and_their_neighbours_count(
    broker: Broker, engine: str, database: Database
) -> None:
    broker.create_topics(PARTITIONS)
    log = Log(broker.bootstrap, PARTITIONS, time.time_ns() // 1000)
    with worker_process(broker.bootstrap, engine, PARTITIONS) as worker:
        worker.ready()
        log.orders(10, bad=True)
        for body in (b"", b"\xff\xfe", b"[", b"[]", b"7", b'{"type": "workorder.unheard"}'):
            log.write_raw(0, body)
        log.write_raw(0, b"[" + b"0," * 2_500 + b"0]")  # more mistakes than are sent at once
        log.orders(10)
        await_stored(database, log)
        worker.stop()
    check_counters(database, log)
    assert dead_places(database) == log.rejected
    letters = read_topic(broker.bootstrap, DEAD_LETTERS, len(log.rejected))
    told = {
        (m["partition"], m["position"]["offset"], m["frame_index"], m["reason"]) for m in letters
    }
    assert told == log.rejected
    contract = Draft202012Validator(feed_schema("dead-letter"))
    assert all(contract.is_valid(letter) for letter in letters)


def test_a_deadline_passes_without_any_event(
    broker: Broker, engine: str, database: Database
) -> None:
    broker.create_topics(PARTITIONS)
    now = time.time_ns() // 1000
    log = Log(broker.bootstrap, PARTITIONS, now)
    with worker_process(broker.bootstrap, engine, PARTITIONS) as worker:
        worker.ready()
        log.orders(40)
        await_stored(database, log)
        before = overdue(database)
        assert worker.ask(ahead=60 * DAY // 1_000_000) == {"ahead": True}
        await_that(lambda: has_reached(database, now + 59 * DAY))
        check_counters(database, log)
        assert overdue(database) > before
        worker.stop()


def test_a_store_that_fell_behind_the_log_is_filled_from_it_again(
    broker: Broker, engine: str, database: Database
) -> None:
    broker.create_topics(PARTITIONS)
    log = Log(broker.bootstrap, PARTITIONS, time.time_ns() // 1000)
    for lost in ((), ("events", "work_orders", "counters", "shard_flushes")):
        for table in lost:  # as after the restore of an empty backup
            database.execute(f"TRUNCATE TABLE {table}")
        with worker_process(broker.bootstrap, engine, PARTITIONS) as worker:
            worker.ready()
            if not lost:
                for _ in range(5):
                    log.orders(10)
            await_stored(database, log)
            worker.stop()
    check_counters(database, log)


def test_the_streets_are_ranked_and_the_bottom_is_told(
    broker: Broker, engine: str, database: Database
) -> None:
    broker.create_topics(PARTITIONS)
    streets = [Unit(f"{110101000 + n}", f"街道{n}", "street") for n in range(24)]
    units.register(database, streets, 1)
    now = time.time_ns() // 1000
    log = Log(broker.bootstrap, PARTITIONS, now)
    with worker_process(broker.bootstrap, engine, PARTITIONS) as worker:
        worker.ready()
        # Street n has n of 24 orders solved.
        for n, street in enumerate(streets):
            log.closed_orders(street.code, solved=n, unsolved=24 - n, at=now)
        await_stored(database, log)
        wanted = [street.code for street in reversed(streets)]
        await_that(lambda: newest_list(database) == wanted)
        worker.stop()
    rows = database.query(
        "SELECT number, bottom, `alert.id` FROM evaluations FINAL ORDER BY number"
    )
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert sorted(rows[-1][1]) == [street.code for street in streets[:10]]
    stored = {id_ for row in rows for id_ in row[2]}
    told = {alert["id"] for alert in read_topic(broker.bootstrap, RANK_ALERTS, len(stored))}
    assert told == stored


async def test_a_missing_topic_is_an_error_that_names_it(broker: Broker, tmp_path: Path) -> None:
    worker = make_worker(broker.bootstrap, tmp_path, epoch=0)
    with pytest.raises(TopicsMissingError, match="work-order-events"):
        await worker.start()
    await worker.stop()


async def test_an_epoch_before_the_stored_one_is_an_error(
    tansu: Broker, engine: str, database: Database, tmp_path: Path
) -> None:
    tansu.create_topics(PARTITIONS)
    with worker_process(tansu.bootstrap, engine, PARTITIONS, epoch=3) as before:
        before.ready()
        before.stop()
    assert database.query("SELECT max(epoch) FROM shard_flushes") == [(3,)]
    worker = make_worker(tansu.bootstrap, tmp_path, epoch=2, database=database)
    with pytest.raises(EpochError, match="epoch 3"):
        await worker.start()
    await worker.stop()


def make_worker(
    bootstrap: str, directory: Path, epoch: int, database: Database | None = None
) -> ScoringWorker:
    if database is None:
        database = Database.open(f"chdb://{directory}/own")
        migrate(database)
    return ScoringWorker(
        bootstrap=bootstrap,
        database=database,
        partitions=PARTITIONS,
        epoch=epoch,
        clock=lambda: time.time_ns() // 1000,
        embedded_timeouts=True,
    )


def overdue(database: Database) -> int:
    found = database.query(
        "SELECT sum(denominator) FROM counters FINAL WHERE indicator = 'overdue'"
    )
    return int(found[0][0])


def newest_list(database: Database) -> list[str]:
    rows = database.query(
        "SELECT `ranked.unit` FROM evaluations FINAL ORDER BY number DESC LIMIT 1"
    )
    return list(rows[0][0]) if rows else []


def has_reached(database: Database, instant: Instant) -> bool:
    marks = [ShardStore(database, p, RULESET).last_flush() for p in range(PARTITIONS)]
    return all(mark is not None and mark.clock >= instant for mark in marks)
