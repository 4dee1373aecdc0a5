"""Another policy is put in force while events arrive: what is built beside, and when it counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.instants import parse_instant
from schemas.records import Unit
from schemas.topics import DEAD_LETTERS, RANK_ALERTS, partition_of
from services.domain.policy import load_policy, preset
from services.scoring.context import BUILD_STEPS
from services.scoring.standing import ENTERED, LEFT
from services.storage import rulesets, units
from services.storage.database import Database
from services.storage.shard_store import ShardStore
from tests.integration.scoring.harness import (
    LONG,
    UNITS,
    Log,
    await_stored,
    check_counters,
    dead_places,
    logs_closed,
    read_topic,
    worker_process,
)
from tests.integration.scoring.watching import check, reading
from tests.support.brokers import Broker, fresh_broker
from tests.support.scoring_process import FIRST_POLICY, activate, activate_text, is_left_behind
from tests.support.waiting import await_that

PARTITIONS = 2
OTHER = "on-time"
WORKING_DAYS = "shandong"
SMALL = 20  # orders a block, so that a build has many


@contextmanager
def arriving(log: Log) -> Iterator[None]:
    """Events keep arriving while the block runs."""
    ending = threading.Event()

    def write() -> None:
        while not ending.is_set():
            log.orders(5)
            ending.wait(0.05)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(LONG)


def current(database: Database, partitions: int = PARTITIONS) -> int:
    found = rulesets.current(database, partitions)
    assert found is not None
    return found.ruleset


def evaluated(database: Database, ruleset: int) -> int:
    """How many rows of orders were ever written under a ruleset and not merged since."""
    ((rows,),) = database.query(
        "SELECT count() FROM work_orders WHERE ruleset = {ruleset:UInt32}", {"ruleset": ruleset}
    )
    return int(rows)


def test_another_policy_comes_into_force_while_events_arrive(
    tansu: Broker, engine: str, database: Database
) -> None:
    """Whoever reads meanwhile gets the numbers of one policy, then those of the other."""
    tansu.create_topics(PARTITIONS)
    units.register(database, [Unit(code, f"街道{code}", "street") for code in UNITS], 1)
    log = Log(tansu.bootstrap, PARTITIONS, time.time_ns() // 1000)
    # Between two flushes there is time for a reading: such an answer is exactly what it says.
    with worker_process(
        tansu.bootstrap, engine, PARTITIONS, block=SMALL, flush_interval=1.0
    ) as worker:
        worker.ready()
        log.orders(300)
        await_stored(database, log)
        with arriving(log), reading(database, log) as answers:
            await_that(lambda: len(answers) > 0)
            assert activate(database, OTHER) == 2
            await_that(lambda: answers[-1]["policy"]["ruleset"] == 2)
            await_that(lambda: is_left_behind(database, PARTITIONS, 1, 2))
        await_stored(database, log, 2)
        worker.stop()
    check_counters(database, log, 2, OTHER)
    numbers = [answer["policy"]["ruleset"] for answer in answers]
    assert numbers == sorted(numbers)
    switch = numbers.index(2)
    for answer in (answers[0], *answers[max(0, switch - 3) : switch + 3], answers[-1]):
        name = (FIRST_POLICY, OTHER)[answer["policy"]["ruleset"] - 1]
        check(answer, log, load_policy(preset(name)))
    assert [each.ruleset for each in rulesets.history(database)] == [2, 1]
    past = ShardStore(database, 0, 1)
    frozen = past.last_flush()
    assert frozen is not None
    assert past.counters() == past.contribution_sums(frozen.clock) != {}


@pytest.mark.slow
def test_killed_before_each_step_of_a_change_in_turn(tansu: Broker, tmp_path: Path) -> None:
    """Each time another policy is activated; the next start goes on where the last one died."""
    tansu.create_topics(PARTITIONS)
    url = f"chdb://{tmp_path}/engine"
    log = Log(tansu.bootstrap, PARTITIONS, time.time_ns() // 1000)
    names = [FIRST_POLICY]
    for step in BUILD_STEPS:
        with worker_process(tansu.bootstrap, url, PARTITIONS, block=SMALL) as worker:
            worker.ready()
            log.orders(60)
            assert worker.ask(wait=log.ends) == {"stored": True}
            # What the last one left has come into force, so the step is one of this change.
            assert worker.ask(current=len(names)) == {"current": True}
            names.append(OTHER if names[-1] == FIRST_POLICY else FIRST_POLICY)
            times = 2 if step in {"build.orders", "build.catch_up"} else 1
            assert worker.ask(kill_before=step, times=times) == {"armed": True}
            worker.send(activate=names[-1])  # it may die before it has answered
            with arriving(log):
                worker.wait_killed()
    with worker_process(tansu.bootstrap, url, PARTITIONS, block=SMALL) as worker:
        worker.ready()
        assert worker.ask(current=len(names)) == {"current": True}
        log.orders(10)
        assert worker.ask(wait=log.ends) == {"stored": True}
        worker.stop()
    database = Database.open(url)
    check_counters(database, log, len(names), names[-1])
    assert len(rulesets.history(database)) == len(names)
    database.close()


def test_a_build_that_was_cut_off_does_not_evaluate_again_what_is_evaluated(
    tansu: Broker, engine: str, database: Database
) -> None:
    tansu.create_topics(1)
    log = Log(tansu.bootstrap, 1, time.time_ns() // 1000)
    with worker_process(tansu.bootstrap, engine, 1, block=SMALL) as worker:
        worker.ready()
        log.orders(200)
        await_stored(database, log)
        worker.ask(kill_before="build.orders", times=6)
        activate(database, OTHER)
        worker.wait_killed()
    assert evaluated(database, 2) == 5 * SMALL
    left = [order for part in ShardStore(database, 0, 2).unbuilt(SMALL) for order in part]
    assert len(left) == 100
    with worker_process(tansu.bootstrap, engine, 1, block=SMALL) as worker:
        worker.ready()
        await_that(lambda: current(database, 1) == 2)
        worker.stop()
    assert evaluated(database, 2) == 200
    check_counters(database, log, 2, OTHER)


def test_what_the_new_policy_cannot_evaluate_is_a_dead_letter(
    tansu: Broker, engine: str, database: Database
) -> None:
    """The working days of 1990 are not known, and the policy in force needs none."""
    tansu.create_topics(PARTITIONS)
    long_ago = parse_instant("1990-06-01T00:00:00Z")
    log = Log(tansu.bootstrap, PARTITIONS, time.time_ns() // 1000)
    with worker_process(tansu.bootstrap, engine, PARTITIONS) as worker:
        worker.ready()
        log.orders(20)
        await_stored(database, log)
        counted = list(log.events)
        log.closed_orders("110101001", solved=2, unsolved=0, at=long_ago)
        await_stored(database, log)
        assert dead_places(database) == set()
        activate(database, WORKING_DAYS)
        await_that(lambda: current(database) == 2)
        worker.stop()
    last = {e.event.subject: e for e in log.events if e not in counted}
    assert dead_places(database) == {
        (partition_of(subject, PARTITIONS), e.position.offset, e.frame_index, "not_evaluable")
        for subject, e in last.items()
    }
    letters = read_topic(tansu.bootstrap, DEAD_LETTERS, len(last))
    assert {letter["subject"] for letter in letters} == last.keys()
    log.events = counted
    check_counters(database, log, 2, WORKING_DAYS)


def test_a_switch_is_ranked_anew_and_told_to_nobody(
    tansu: Broker, engine: str, database: Database
) -> None:
    tansu.create_topics(PARTITIONS)
    streets = [Unit(f"{110101000 + n}", f"街道{n}", "street") for n in range(24)]
    units.register(database, streets, 1)
    now = time.time_ns() // 1000
    log = Log(tansu.bootstrap, PARTITIONS, now)
    with worker_process(tansu.bootstrap, engine, PARTITIONS) as worker:
        worker.ready()
        for n, street in enumerate(streets):
            log.closed_orders(street.code, solved=n, unsolved=24 - n, at=now)
        await_that(lambda: bottom(database, 1) == [street.code for street in streets[:10]])
        told = {
            id_ for (ids,) in database.query("SELECT `alert.id` FROM evaluations") for id_ in ids
        }
        activate_text(database, preset(FIRST_POLICY).replace("bottom: 10", "bottom: 3"))
        await_that(lambda: bottom(database, 2) == [street.code for street in streets[:3]])
        # The fourth street from below falls to the very end; the third one leaves the bottom.
        log.closed_orders(streets[3].code, solved=0, unsolved=100, at=now)
        fallen = sorted(streets[n].code for n in (0, 1, 3))
        await_that(lambda: bottom(database, 2) == fallen)
        worker.stop()
    rows = database.query(
        "SELECT number, `alert.kind`, `alert.unit` FROM evaluations FINAL"
        " WHERE ruleset = 2 ORDER BY number"
    )
    left = sorted(street.code for street in streets[3:10])  # by the rules alone: found later
    assert rows[0] == (1, [LEFT] * 7, left)
    later = {pair for _, kinds, codes in rows[1:] for pair in zip(kinds, codes, strict=True)}
    assert later == {(ENTERED, streets[3].code), (LEFT, streets[2].code)}
    alerts = {alert["id"] for alert in read_topic(tansu.bootstrap, RANK_ALERTS, len(told) + 2)}
    assert len(alerts - told) == 2
    assert all(id_.split(":")[1] == "2" for id_ in alerts - told)


@pytest.mark.kafka
@pytest.mark.slow
def test_two_workers_come_into_force_together_though_one_dies(
    engine: str, database: Database
) -> None:
    """Readers switch when the last shard is complete, whoever completes it."""
    with fresh_broker("kafka") as broker, logs_closed():
        broker.create_topics(4)
        log = Log(broker.bootstrap, 4, time.time_ns() // 1000)
        with (
            worker_process(broker.bootstrap, engine, 4, block=SMALL) as one,
            worker_process(broker.bootstrap, engine, 4, block=SMALL) as other,
        ):
            one.ready()
            other.ready()
            log.orders(400)
            await_stored(database, log)
            with arriving(log):
                assert one.ask(kill_before="next.flush") == {"armed": True}
                activate(database, OTHER)
                one.wait_killed()
                await_that(lambda: current(database, 4) == 2)
            await_stored(database, log, 2)
            other.stop()
        check_counters(database, log, 2, OTHER)


def bottom(database: Database, ruleset: int) -> list[str]:
    rows = database.query(
        "SELECT bottom FROM evaluations FINAL WHERE ruleset = {ruleset:UInt32}"
        " ORDER BY number DESC LIMIT 1",
        {"ruleset": ruleset},
    )
    return sorted(rows[0][0]) if rows else []
