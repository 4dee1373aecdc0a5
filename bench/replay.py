"""A log replayed into stored, ranked rates: broker, Faust, rules, chDB, ranking in one worker."""

from __future__ import annotations

import asyncio
import gc
import tempfile
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

from kafka import KafkaProducer

from bench.city import PARTITIONS, by_partition, frames, month, now
from bench.figures import Figure, Result, Sizes, per_second, ratio
from schemas.records import CounterKey, Sums
from schemas.topics import BATCH_JSON, EVENT_JSON, WORK_ORDER_EVENTS
from services.cli.engine import Engine, prepare_engine
from services.cli.local_broker import LocalBroker
from services.cli.topics import ensure_topics
from services.scoring.worker import ScoringWorker
from services.settings import Settings
from services.storage.readers import Readers
from services.storage.shard_store import ShardStore


class Replay(NamedTuple):
    """``start``: seconds until the worker was ready; ``seconds``: from then until all is stored."""

    events: int
    messages: int
    start: float
    seconds: float
    cpu: float


def measure(sizes: Sizes) -> Result:
    """Replay the same city in frames and event by event."""
    framed = replay(sizes.replay_events, single=False)
    fewer = replay(sizes.single_events, single=False)
    single = replay(sizes.single_events, single=True)
    return Result(
        "Replay",
        f"A month of the demo city ({framed.events:,} events in {framed.messages:,} frames) lies "
        f"in {PARTITIONS} partitions of the local broker; one scoring worker under "
        "`beijing-district` reads it until the last flush is in chDB. Counted from the moment the "
        "worker is ready. Afterwards the archive holds every event, and the counters equal the "
        "sums of the orders.",
        (
            per_second("in frames of 500", framed.events, framed.seconds),
            Figure("start of the worker before it", f"{framed.start:.2f} s"),
            Figure("processor time of the worker", f"{framed.cpu / framed.seconds:.2f} cores"),
            per_second("in frames, the shorter log", fewer.events, fewer.seconds),
            per_second("one event a message, the shorter log", single.events, single.seconds),
            ratio("frames over single messages", single.seconds, fewer.seconds),
        ),
        "The interpreter lock: decoding, rules and building the columns share one core; "
        "only the engine's inserts run beside them.",
        "100,000 events/s.",
    )


def replay(count: int, *, single: bool) -> Replay:
    """Fill a new log, then let one worker read it."""
    events = month(count)
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        directory = Path(name)
        broker = LocalBroker.start(directory / "broker.log")
        try:
            ensure_topics(broker.bootstrap, PARTITIONS)
            messages = by_partition(events) if single else frames(events)
            kind = EVENT_JSON if single else BATCH_JSON
            ends = fill(broker.bootstrap, messages, kind)
            del events
            gc.collect()
            engine = prepare_engine(Settings(data_dir=directory), now())
            try:
                done = asyncio.run(_score(engine, broker.bootstrap, ends, count))
                _check(engine, count)
            finally:
                engine.database.close()
        finally:
            broker.process.stop()
    return done


def fill(bootstrap: str, messages: Iterable[tuple[int, bytes]], kind: str) -> dict[int, int]:
    """Write all messages; return the last offset of every partition."""
    producer: Any = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=20)
    headers = [("content-type", kind.encode())]
    last = {
        partition: producer.send(
            WORK_ORDER_EVENTS, value=body, partition=partition, headers=headers
        )
        for partition, body in messages
    }
    producer.flush()
    ends = {partition: int(sent.get(60).offset) for partition, sent in last.items()}
    producer.close()
    return ends


async def _score(engine: Engine, bootstrap: str, ends: dict[int, int], count: int) -> Replay:
    worker = ScoringWorker(
        bootstrap=bootstrap,
        database=engine.database,
        partitions=PARTITIONS,
        epoch=1,
        clock=now,
        embedded_timeouts=True,
    )
    began = perf_counter()
    await worker.start()
    ready, cpu = perf_counter(), process_time()
    await worker.wait_stored(ends)
    stored, cpu = perf_counter(), process_time() - cpu
    await worker.stop()
    messages = sum(ends.values()) + len(ends)
    return Replay(count, messages, ready - began, stored - ready, cpu)


def _check(engine: Engine, count: int) -> None:
    """A number that is fast and wrong is none."""
    assert Readers(engine.database).archive_count() == count, "every event is stored once"
    for shard in range(PARTITIONS):
        store = ShardStore(engine.database, shard, engine.ruleset)
        mark = store.last_flush()
        assert mark is not None
        sums: dict[CounterKey, Sums] = store.contribution_sums(mark.clock)
        assert store.counters() == sums, "the counters are the sums of the orders"
