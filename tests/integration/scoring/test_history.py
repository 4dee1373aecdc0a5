"""Ten years are imported and nobody is woken; then one citizen is called back, and one alert is sent."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from schemas.instants import DAY, MINUTE, Instant
from schemas.records import Unit
from schemas.topics import RANK_ALERTS
from services.storage import deliveries, endpoints, units
from services.storage.database import Database
from services.storage.endpoints import WEBHOOK, Endpoint
from tests.integration.push.post_office import SECRET, Leads
from tests.integration.push.receiver import Receiver, receiving
from tests.integration.scoring.harness import (
    LONG,
    Log,
    await_stored,
    event,
    read_topic,
    worker_process,
)
from tests.support.brokers import Broker
from tests.support.courier_process import courier
from tests.support.orders import local
from tests.support.waiting import await_that

PARTITIONS = 2
NOON = local("2026-11-10 12:00")  # in the midst of a cycle, whatever day it is
STREETS = [Unit(f"{110101000 + n}", f"街道{n}", "street") for n in range(24)]
FALLING = STREETS[10].code
PENDING = "热线-waits"
Event = dict[str, Any]


def order(subject: str, unit: str, at: Instant, *, solved: bool) -> list[Event]:
    """A work order with its callback."""
    return [*opened(subject, unit, at), called_back(subject, at + 3 * MINUTE, solved=solved)]


def opened(subject: str, unit: str, at: Instant) -> list[Event]:
    return [
        event(subject, "received", at, demand_type="help"),
        event(subject, "dispatched", at + MINUTE, unit=unit),
    ]


def called_back(subject: str, at: Instant, *, solved: bool) -> Event:
    answers = {
        "contacted": "yes",
        "solved": "yes" if solved else "no",
        "satisfaction": "satisfied" if solved else "dissatisfied",
    }
    return event(
        subject, "callback", at, attempt=1, channel="phone", reached=True, rater="citizen",
        answers=answers,
    )  # fmt: skip


def ten_years() -> list[Event]:
    """One order a year of every street."""
    return [
        each
        for year in range(1, 11)
        for street in STREETS
        for each in order(
            f"热线-{year}-{street.code}", street.code, NOON - year * 365 * DAY, solved=year % 2 == 0
        )
    ]


def this_cycle() -> list[Event]:
    """Street n has solved 4 n of 100, so that ten are clearly last and the eleventh just is not.

    Of that one an order waits for its callback.
    """
    at = NOON - 2 * DAY
    found = opened(PENDING, FALLING, at)
    for n, street in enumerate(STREETS):
        # Of twelve: the streets before the eleventh have less, and those after it more.
        solved, count = (8, 20) if n == 9 else (5, 12) if n == 10 else (n * 12 // 24, 12)
        solved += 1 if n > 10 else 0
        for number in range(count):
            subject = f"热线-now-{street.code}-{number}"
            found += order(subject, street.code, at, solved=number < solved)
    return found


@contextmanager
def courier_process(database: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "tests.support.courier_process", database])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def endpoint_at(database: Database, receiver: Receiver) -> Endpoint:
    """Someone who is told of everything, from before the import on."""
    endpoint = Endpoint(
        id="wh_a", number=1, kind=WEBHOOK, address=f"{receiver.url}/a", description="",
        rules=(), units=(), state=endpoints.ON, reason="", since=0,
        created_at=NOON, changed_at=NOON,
    )  # fmt: skip
    receiver.secrets["a"] = SECRET
    endpoints.keep_secret(database, endpoint.id, SECRET)
    endpoints.write(database, endpoint)
    return endpoint


def alerts(database: Database) -> list[tuple[str, str, str]]:
    """(rule, unit, why it is withheld) of all alerts that were stored."""
    return database.query(
        "SELECT kind, unit, withheld FROM evaluations FINAL ARRAY JOIN `alert.kind` AS kind,"
        " `alert.unit` AS unit, `alert.withheld` AS withheld ORDER BY number, kind, unit"
    )


def bottom(database: Database) -> list[str]:
    rows = database.query("SELECT bottom FROM evaluations FINAL ORDER BY number DESC LIMIT 1")
    return list(rows[0][0]) if rows else []


def is_whole(database: Database) -> bool:
    """Whether every order of the present cycle is in the last list: the eleventh street's score.

    Its five of twelve are in no part of them that one partition holds.
    """
    rows = database.query(
        "SELECT `ranked.score`[indexOf(`ranked.unit`, {unit:String})], length(`ranked.unit`)"
        " FROM evaluations FINAL ORDER BY number DESC LIMIT 1",
        {"unit": FALLING},
    )
    return rows == [("47.5", len(STREETS))]


@pytest.mark.slow
async def test_history_wakes_nobody_and_one_callback_wakes_one_street_once(
    tansu: Broker, engine: str, database: Database
) -> None:
    broker = tansu
    broker.create_topics(PARTITIONS)
    units.register(database, STREETS, 1)
    ahead = NOON - time.time_ns() // 1000
    log = Log(broker.bootstrap, PARTITIONS, NOON)
    async with receiving(in_time=False) as receiver:
        endpoint = endpoint_at(database, receiver)
        await asyncio.to_thread(imported, broker, engine, database, log, ahead)

        assert {withheld for _, _, withheld in alerts(database)} == {"found_later"}
        found_later = alerts(database)

        await asyncio.to_thread(told_by_killed_workers, broker, engine, database, log, ahead)

        wanted = [("bottom_entered", FALLING, ""), ("bottom_left", STREETS[9].code, "")]
        assert alerts(database) == [*found_later, *wanted]
        with courier_process(engine) as successor:
            await asyncio.to_thread(
                await_that, lambda: delivered(database, endpoint) == len(wanted), seconds=LONG
            )
            successor.kill()
        last = courier(database, Leads())  # a third one looks at the store and finds nothing to do
        await last.round()
        await last.settled()

        told = [(m["data"]["rule"], m["data"]["unit"]["code"]) for _, m in receiver.verified]
        assert told == [(rule, unit) for rule, unit, _ in wanted]
        entered = receiver.verified[0][1]["data"]
    assert entered["evidence"]["orders"] == [PENDING]


def imported(broker: Broker, engine: str, database: Database, log: Log, ahead: int) -> None:
    """Ten years, while a worker and a courier run; both are killed afterwards."""
    with (
        courier_process(engine) as first,
        worker_process(broker.bootstrap, engine, PARTITIONS, ahead=ahead) as worker,
    ):
        worker.ready()
        log.together(ten_years())
        log.together(this_cycle())
        await_stored(database, log)
        await_that(lambda: is_whole(database), seconds=LONG)
        await_that(lambda: database.query("SELECT count() FROM push_beats") != [(0,)])
        first.kill()
        worker.signal(signal.SIGKILL)
        worker.wait_killed()


def told_by_killed_workers(
    broker: Broker, engine: str, database: Database, log: Log, ahead: int
) -> None:
    """One dies when the callback is stored and nobody knows, the next one when the alert is."""
    with worker_process(broker.bootstrap, engine, PARTITIONS, ahead=ahead) as worker:
        worker.ready()
        assert worker.ask(kill_before="rates") == {"armed": True}
        log.together([called_back(PENDING, time.time_ns() // 1000 + ahead, solved=False)])
        worker.wait_killed()
    with worker_process(broker.bootstrap, engine, PARTITIONS, ahead=ahead) as worker:
        worker.ready()
        await_that(lambda: FALLING in bottom(database), seconds=LONG)
        worker.signal(signal.SIGKILL)
        worker.wait_killed()
    with worker_process(broker.bootstrap, engine, PARTITIONS, ahead=ahead) as worker:
        worker.ready()
        await_that(lambda: published(broker) == {FALLING, STREETS[9].code}, seconds=LONG)
        worker.stop()


def published(broker: Broker) -> set[str]:
    """The units that `rank-alerts` tells of, as far as it was read."""
    return {message["unit"] for message in read_topic(broker.bootstrap, RANK_ALERTS, 1)}


def delivered(database: Database, endpoint: Endpoint) -> int:
    """How many alerts the receiver has taken."""
    ((found,),) = database.query(
        "SELECT uniqExact(id) FROM push_deliveries"
        " WHERE endpoint = {endpoint:String} AND state = {state:String}",
        {"endpoint": endpoint.id, "state": deliveries.DELIVERED},
    )
    return int(found)
