"""One chaos run: traffic through all faults, then everything stands still and is compared.

Nothing here waits for a time to have passed and hopes: a phase ends when what it waits for is so.
The limits only end a run that is stuck, which is a difference of its own.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from schemas.instants import SECOND
from services.storage.database import Database
from services.storage.errors import StorageError, StorageUnavailable
from tests.chaos import expected, verdict
from tests.chaos.city import Batch, batches
from tests.chaos.cluster import Cluster, running_cluster
from tests.chaos.faults import Fault, Hit, plan
from tests.chaos.log import read_alerts, read_ends, read_log
from tests.chaos.reader import reading
from tests.chaos.report import Report, now
from tests.chaos.traffic import Traffic
from tests.support.engines import REAL_SERVER, own_database

_STUCK_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.3


class Progress(Protocol):
    """Hears what is done of what."""

    def __call__(self, what: str, done: int, of: int) -> None: ...


class Given(NamedTuple):
    """A run.

    ``lasting``: seconds of a fault that lasts. ``processes``: of the oracle. ``kinds``: the faults,
    instead of drawing ``faults`` of them. ``keep``: a new directory for data and logs.
    """

    events: int
    faults: int
    seed: int
    lasting: float
    processes: int = 2
    kinds: Sequence[Fault] = ()
    keep: Path | None = None


class StuckError(RuntimeError):
    """Something that had to happen did not; the text says what."""


def run(given: Given, progress: Progress) -> Report:
    """Run and compare; the report tells every difference.

    With ``HOTLINE_TEST_CLICKHOUSE_URL`` the engine is a database of its own on that server.
    """
    report = Report(given.events, len(given.kinds) or given.faults, given.seed)
    policy = expected.policy_text(report.began_at)
    with (
        _directory(given.keep) as directory,
        _server() as server,
        running_cluster(
            directory, policy=policy, seed=given.seed, server=server, note=report.note
        ) as cluster,
    ):
        one = _Run(given, policy, cluster, report, progress)
        try:
            one.suffer_and_compare()
        except StuckError as error:
            report.differ(str(error))
        report.counts["processes"] = {each.name: each.started for each in cluster.members()}
    return report


@dataclass(frozen=True)
class _Run:
    given: Given
    policy: str
    cluster: Cluster
    report: Report
    progress: Progress

    def suffer_and_compare(self) -> None:
        cluster, report = self.cluster, self.report
        urls = [cluster.urls[gateway.name] for gateway in cluster.gateways]
        apis = [cluster.urls[api.name] for api in cluster.apis]
        traffic = Traffic(urls, cluster.kafka.bootstrap, self.given.seed)
        database = Database.open(cluster.engine_url)
        try:
            with traffic.running(), reading(apis, report):
                self._suffer(traffic)
                cluster.await_ready()
                self._await_stored(database)
                self._await_ranked(database)
            for wrong in traffic.wrong:
                report.differ(wrong)
            for worker in cluster.running_workers():
                worker.stop()
            self._compare(traffic, database)
        finally:
            database.close()

    # While it goes on

    def _suffer(self, traffic: Traffic) -> None:
        """Send one share of the events before the first fault, and one during each."""
        given, report = self.given, self.report
        faults = given.kinds or plan(given.faults, given.seed, own_engine=not REAL_SERVER)
        sending = [*batches(given.events, given.seed, report.began_at)]
        shares = _shares(sending, len(faults) + 1)
        sending.clear()  # a million events are held once, and only until they are sent
        draw = random.Random(f"faults {given.seed}")
        traffic.send(shares.popleft(), 0)
        self._await_delivered(traffic)
        for number, fault in enumerate(faults, start=1):
            self.progress("faults", number - 1, len(faults))
            traffic.send(shares.popleft(), given.lasting)
            threading.Event().wait(draw.random() * given.lasting / 4)
            fault(Hit(self.cluster, draw, given.lasting, report.teller(number, fault.__name__)))
            self._await_delivered(traffic)
        self.progress("faults", len(faults), len(faults))
        report.counts["faults"] = len(faults)
        report.counts["kinds"] = sorted({fault.__name__ for fault in faults})

    def _await_delivered(self, traffic: Traffic) -> None:
        """Until every batch queued so far is acknowledged."""
        least, since = traffic.waiting(), time.monotonic()
        while waiting := traffic.waiting():
            if waiting < least:
                least, since = waiting, time.monotonic()
            if time.monotonic() - since > _STUCK_SECONDS:
                raise StuckError(f"{waiting} batches are never accepted; {self._states()}")
            threading.Event().wait(0.05)

    def _await_stored(self, database: Database) -> None:
        """Until every partition's stored position is the log's end."""

        def stored() -> bool:
            ends, marks = read_ends(self.cluster.kafka.bootstrap), verdict.marks_of(database)
            reached = {p: marks[p].position.offset + 1 if p in marks else 0 for p in ends}
            self.progress("stored", sum(reached.values()), sum(ends.values()))
            return reached == ends

        self._await("the log is never stored to its end", stored)

    def _await_ranked(self, database: Database) -> None:
        """Until the standing list is that of the stored counters, and all of its alerts are sent."""

        def wrong() -> Iterator[str]:
            yield from verdict.wrong_standing(database, verdict.stored_counters(database))
            yield from verdict.wrong_alerts(database, read_alerts(self.cluster.kafka.bootstrap))

        self._await("the standing list never agrees", lambda: not any(wrong()))

    def _await(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _STUCK_SECONDS
        while True:
            try:
                if holds():
                    return
            except (StorageUnavailable, StorageError):
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                raise StuckError(f"{what}; {self._states()}")
            threading.Event().wait(_LOOK_SECONDS)

    def _states(self) -> str:
        wanted = [each for each in self.cluster.members() if each.wanted]
        return ", ".join(f"{each.name} is in process {each.started}" for each in wanted)

    # When it stands still

    def _compare(self, traffic: Traffic, database: Database) -> None:
        cluster = self.cluster
        log, sent = read_log(cluster.kafka.bootstrap), read_alerts(cluster.kafka.bootstrap)
        marks = verdict.marks_of(database)
        found = verdict.Found(log, marks, self._by_the_oracle(log.orders, marks))
        self.report.counts |= {
            "events accepted": len(traffic.accepted),
            "events in the log": log.events(),
            "copies in the log": log.copies,
            "dead letters": len(log.refused),
            "orders": sum(map(len, log.orders.values())),
            "counters": sum(map(len, found.counters.values())),
            "evaluations": database.query("SELECT count() FROM evaluations FINAL")[0][0],
            "alerts stored": verdict.alerts_stored(database),
            "alerts sent": len({message["id"] for message in sent}),
            "alerts sent, repetitions too": len(sent),
            "claims": database.query("SELECT count() FROM shard_claims")[0][0],
            "requests to the engine hit": cluster.proxy.hit,
            "answers to senders": dict(traffic.answers),
            "seconds that clocks are ahead": {
                shard: round((mark.clock - now()) / SECOND) for shard, mark in marks.items()
            },
        }
        checks = (
            verdict.wrong_counters(database, found),
            verdict.wrong_archive(database, log, traffic.accepted),
            verdict.wrong_letters(database, log),
            verdict.wrong_standing(database, found.counters),
            verdict.wrong_alerts(database, sent),
            verdict.wrong_answers(cluster.urls[cluster.apis[0].name], found),
        )
        for check in checks:
            for wrong in check:
                self.report.differ(wrong)

    def _by_the_oracle(self, orders: verdict.Orders, marks: verdict.Marks) -> verdict.AllCounters:
        count, done = sum(map(len, orders.values())), 0

        def added(more: int) -> None:
            nonlocal done
            done += more
            self.progress("oracle", done, count)

        clocks = {shard: mark.clock for shard, mark in marks.items()}
        return expected.counters(self.policy, orders, clocks, self.given.processes, added)


def _shares(sending: Sequence[Batch], count: int) -> deque[Sequence[Batch]]:
    edges = [len(sending) * n // count for n in range(count + 1)]
    return deque(sending[begin:end] for begin, end in pairwise(edges))


@contextmanager
def _server() -> Iterator[str]:
    """A database of the server that is set, or "" where there is none."""
    if REAL_SERVER:
        with own_database(REAL_SERVER) as url:
            yield url
    else:
        yield ""


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="hotline-chaos-") as name:
        yield Path(name)
