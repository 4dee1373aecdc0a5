"""Workers that come, go, freeze and wake: no event is lost, none counts twice."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.storage.database import Database
from services.storage.migrate import migrate
from tests.integration.scoring.harness import (
    Log,
    await_stored,
    check_counters,
    dead_places,
    logs_closed,
    worker_process,
)
from tests.support.brokers import Broker, fresh_broker
from tests.support.engines import shared_engine

PARTITIONS = 4


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    with shared_engine(tmp_path / "engine") as url:
        database = Database.open(url)
        migrate(database)
        database.close()
        yield url


@pytest.mark.kafka
@pytest.mark.slow
def test_a_frozen_worker_wakes_and_overwrites_nothing(engine: str) -> None:
    """Frozen right before a step, beyond its session, while another one takes over."""
    with fresh_broker("kafka") as broker, logs_closed():
        broker.create_topics(PARTITIONS)
        log = Log(broker.bootstrap, PARTITIONS, time.time_ns() // 1000)
        database = Database.open(engine)
        with (
            worker_process(broker.bootstrap, engine, PARTITIONS) as one,
            worker_process(broker.bootstrap, engine, PARTITIONS) as other,
        ):
            one.ready()
            other.ready()
            for step in ("events", "counters", "commit"):
                assert one.ask(freeze_before=step) == {"armed": True}
                while not one.frozen():
                    log.orders(20, bad=True)
                for _ in range(5):
                    log.orders(20)
                await_stored(database, log)  # the other one has taken everything over
                one.signal(signal.SIGCONT)
                for _ in range(10):
                    log.orders(10)
                await_stored(database, log)
                check_counters(database, log)
            one.stop()
            other.stop()
        check_counters(database, log)
        assert dead_places(database) == log.rejected != set()
        database.close()


def test_a_second_worker_joins_and_leaves(broker: Broker, engine: str) -> None:
    broker.create_topics(PARTITIONS)
    log = Log(broker.bootstrap, PARTITIONS, time.time_ns() // 1000)
    database = Database.open(engine)
    with worker_process(broker.bootstrap, engine, PARTITIONS) as one:
        one.ready()
        log.orders(50)
        with worker_process(broker.bootstrap, engine, PARTITIONS) as other:
            log.orders(50)
            other.ready()
            for _ in range(10):
                log.orders(10)
            await_stored(database, log)
            check_counters(database, log)
            log.orders(50)
            other.stop()
        log.orders(50)
        await_stored(database, log)
        one.stop()
    check_counters(database, log)
    database.close()
