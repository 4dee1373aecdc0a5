"""A worker process to command, a log to write to, and what must come out of it."""

from __future__ import annotations

import json
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from schemas.codec import decode_frame
from schemas.errors import EventError
from schemas.instants import DAY, HOUR, MINUTE, Instant, format_instant
from schemas.records import CounterKey, LoggedEvent, Position, Sums
from schemas.topics import BATCH_JSON, WORK_ORDER_EVENTS, partition_of
from services.domain.policy import Policy, load_policy, preset
from services.scoring.totals import CycleTotals
from services.storage.database import Database
from services.storage.shard_store import ShardStore
from tests.support.scoring_process import FIRST_POLICY, RULESET, prepare_store
from tests.support.waiting import await_that
from tests.unit.scoring.support import POLICY, expected

UNITS = ("110101001", "110101002", "110105003")
LONG = 60.0  # seconds that no answer takes


class WorkerProcess:
    """A scoring worker in its own process."""

    def __init__(
        self, bootstrap: str, database: str, partitions: int, epoch: int = 0, **options: float
    ) -> None:
        prepare_store(database)
        arguments = {
            "bootstrap": bootstrap,
            "database": database,
            "partitions": partitions,
            "epoch": epoch,
            **options,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.scoring_process", json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._answers.put(json.loads(line))

    def answer(self) -> dict[str, Any]:
        return self._answers.get(timeout=LONG)

    def send(self, **command: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def ask(self, **command: Any) -> dict[str, Any]:
        self.send(**command)
        return self.answer()

    def ready(self) -> None:
        assert self.answer() == {"ready": True}

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def frozen(self) -> bool:
        """Whether the process is stopped by a signal."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        return stat.rpartition(")")[2].split()[0] == "T"

    def wait_killed(self) -> None:
        assert self.process.wait(LONG) == -signal.SIGKILL

    def stop(self) -> None:
        """Politely; a worker that hangs is an error."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(LONG) == 0

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(LONG)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue


@contextmanager
def worker_process(
    bootstrap: str, database: str, partitions: int, epoch: int = 0, **options: float
) -> Iterator[WorkerProcess]:
    """``options``: ``block`` and ``flush_interval`` of the worker, ``ahead`` of its clock (µs)."""
    worker = WorkerProcess(bootstrap, database, partitions, epoch, **options)
    try:
        yield worker
    finally:
        worker.end()


class Log:
    """Writes frames to `work-order-events` and remembers what lies where.

    Closed with its broker (conftest), however a test ends.
    """

    opened: ClassVar[list[Log]] = []

    def __init__(self, bootstrap: str, partitions: int, now: Instant, seed: int = 1) -> None:
        self.partitions = partitions
        self.events: list[LoggedEvent] = []
        self.rejected: set[tuple[int, int, int, str]] = set()
        self.ends: dict[int, int] = {}
        self.now = now
        self._random = random.Random(seed)
        self._orders = 0
        self._producer = KafkaProducer(bootstrap_servers=bootstrap)
        self.opened.append(self)

    def close(self) -> None:
        self._producer.close()

    def write(self, partition: int, frame: Sequence[dict[str, Any]]) -> None:
        body = json.dumps(frame, ensure_ascii=False).encode()
        headers = [("content-type", BATCH_JSON.encode())]
        self.write_raw(partition, body, headers)

    def write_raw(
        self, partition: int, body: bytes, headers: list[tuple[str, bytes]] | None = None
    ) -> None:
        sent = self._producer.send(
            WORK_ORDER_EVENTS, value=body, partition=partition, headers=headers or []
        ).get(LONG)
        self.ends[partition] = sent.offset
        content_type = headers[0][1].decode() if headers else None
        for index, item in enumerate(decode_frame(content_type, body)):
            if isinstance(item, EventError):
                self.rejected.add((partition, sent.offset, index, item.reason))
            elif partition_of(item.event.subject, self.partitions) != partition:
                self.rejected.add((partition, sent.offset, index, "wrong_partition"))
            else:
                position = Position(0, sent.offset)
                self.events.append(LoggedEvent(item.event, position, index, item.dropped))

    def orders(self, count: int, *, bad: bool = False) -> None:
        """Write new orders with some of their events, one frame a partition.

        With ``bad`` each frame also holds an event without a type and one of another partition.
        """
        frames: dict[int, list[dict[str, Any]]] = {p: [] for p in range(self.partitions)}
        for _ in range(count):
            self._orders += 1
            subject = f"热线-{self._orders:06d}"
            home = partition_of(subject, self.partitions)
            frames[home] += self._life(subject)
            if bad and len(frames[home]) < 12:
                frames[home].insert(1, {"specversion": "1.0", "id": "x", "source": "s"})
                elsewhere = (home + 1) % self.partitions
                if elsewhere != home:
                    frames[elsewhere].append(self._life(subject)[0])
        for partition, frame in frames.items():
            if frame:
                self.write(partition, frame)

    def closed_orders(self, unit: str, *, solved: int, unsolved: int, at: Instant) -> None:
        """Write orders of one unit with a valid callback at an instant, one frame a partition."""
        frames: dict[int, list[dict[str, Any]]] = {p: [] for p in range(self.partitions)}
        for n in range(solved + unsolved):
            self._orders += 1
            subject = f"热线-{self._orders:06d}"
            answers = {
                "contacted": "yes",
                "solved": "yes" if n < solved else "no",
                "satisfaction": "satisfied" if n < solved else "dissatisfied",
            }
            frames[partition_of(subject, self.partitions)] += [
                event(subject, "received", at, demand_type="help"),
                event(subject, "dispatched", at, unit=unit),
                event(subject, "resolved", at, unit=unit),
                event(
                    subject,
                    "callback",
                    at,
                    attempt=1,
                    channel="phone",
                    reached=True,
                    rater="citizen",
                    answers=answers,
                ),
            ]
        for partition, frame in frames.items():
            if frame:
                self.write(partition, frame)

    def together(self, events: Sequence[dict[str, Any]]) -> None:
        """Write events (`event`), one frame a partition."""
        frames: dict[int, list[dict[str, Any]]] = {}
        for each in events:
            home = partition_of(each["subject"], self.partitions)
            frames.setdefault(home, []).append(each)
        for partition, frame in sorted(frames.items()):
            self.write(partition, frame)

    def _life(self, subject: str) -> list[dict[str, Any]]:
        pick = self._random
        unit = pick.choice(UNITS)
        at = self.now - pick.randrange(30) * DAY - pick.randrange(24) * HOUR
        life = [
            event(subject, "received", at, demand_type="help", urgency="normal"),
            event(subject, "dispatched", at + MINUTE, unit=unit),
            event(subject, "resolved", at + pick.randrange(1, 10) * HOUR, unit=unit),
            event(
                subject,
                "callback",
                at + 20 * HOUR,
                attempt=1,
                channel="phone",
                reached=True,
                rater="citizen",
                answers={
                    "contacted": pick.choice(("yes", "no")),
                    "solved": pick.choice(("yes", "no")),
                    "satisfaction": pick.choice(("satisfied", "basically_satisfied")),
                },
            ),
        ]
        return life[: pick.randrange(1, 5)]

    def expected(
        self, clock: Instant, shard: int, policy: Policy = POLICY
    ) -> dict[CounterKey, Sums]:
        """What the counters of a shard must be."""
        mine = [e for e in self.events if partition_of(e.event.subject, self.partitions) == shard]
        return expected(mine, clock, policy)


@contextmanager
def logs_closed() -> Iterator[None]:
    """Close every log that was opened meanwhile."""
    try:
        yield
    finally:
        while Log.opened:
            Log.opened.pop().close()


def event(subject: str, type_: str, at: Instant, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "source": "https://hotline.example",
        "id": f"{subject}-{type_}",
        "type": f"workorder.{type_}",
        "subject": subject,
        "time": format_instant(at),
        "data": data,
    }


def check_counters(
    database: Database, log: Log, ruleset: int = RULESET, policy: str = FIRST_POLICY
) -> None:
    """Every stored counter is what evaluating the whole log anew gives at the shard's clock."""
    rules = load_policy(preset(policy))
    for shard in range(log.partitions):
        store = ShardStore(database, shard, ruleset)
        mark = store.last_flush()
        assert mark is not None
        assert mark.position.offset == log.ends[shard]
        assert store.counters() == log.expected(mark.clock, shard, rules)
        assert store.contribution_sums(mark.clock) == store.counters()
        assert store.totals() == CycleTotals(rules, store.counters()).sums


def dead_places(database: Database) -> set[tuple[int, int, int, str]]:
    """(partition, offset, frame index, reason) of every dead letter stored."""
    found = database.query(
        "SELECT DISTINCT partition, offset, frame_index, reason FROM dead_letters"
    )
    return {(p, o, i, r) for p, o, i, r in found}


def await_stored(database: Database, log: Log, ruleset: int = RULESET) -> None:
    """Until every shard has stored the log to its end, whoever did it."""

    def stored() -> bool:
        marks = {p: ShardStore(database, p, ruleset).last_flush() for p in log.ends}
        return all(m is not None and m.position.offset >= log.ends[p] for p, m in marks.items())

    await_that(stored, seconds=LONG, pause=0.05)


def read_topic(bootstrap: str, topic: str, count: int) -> list[dict[str, Any]]:
    """The first messages of a topic of one partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, 0)
    deadline = time.monotonic() + LONG
    found: list[dict[str, Any]] = []
    while len(found) < count and time.monotonic() < deadline:
        for messages in consumer.poll(timeout_ms=200).values():
            found += [json.loads(message.value) for message in messages]
    consumer.close()
    assert len(found) >= count
    return found
