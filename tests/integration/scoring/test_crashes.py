"""Killed between any two steps of a flush, started again: every counter is the sum of the orders."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from services.scoring.context import STEPS
from services.storage.database import Database
from tests.integration.scoring.harness import Log, check_counters, dead_places, worker_process
from tests.support.brokers import Broker

PARTITIONS = 2


@pytest.mark.slow
def test_killed_before_each_step_of_a_flush_in_turn(broker: Broker, tmp_path: Path) -> None:
    broker.create_topics(PARTITIONS)
    url = f"chdb://{tmp_path}/engine"
    log = Log(broker.bootstrap, PARTITIONS, time.time_ns() // 1000)
    for step in STEPS:
        with worker_process(broker.bootstrap, url, PARTITIONS) as worker:
            worker.ready()
            if log.ends:
                assert worker.ask(wait=log.ends) == {"stored": True}
                assert worker.ask(verify=True) == {"wrong": []}
            assert worker.ask(kill_before=step) == {"armed": True}
            log.orders(30, bad=True)
            worker.wait_killed()
    with worker_process(broker.bootstrap, url, PARTITIONS) as worker:
        worker.ready()
        assert worker.ask(wait=log.ends) == {"stored": True}
        worker.stop()
    database = Database.open(url)
    check_counters(database, log)
    assert dead_places(database) == log.rejected != set()
    database.close()
