"""One chaos run: traffic through all faults, then everything stands still and is compared.

Nothing here waits for a time to have passed and hopes: a phase ends when what it waits for is so.
The limits only end a run that is stuck, which is a difference of its own.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import httpx

from schemas.instants import SECOND
from services.storage.database import Database
from services.storage.errors import StorageError, StorageUnavailable
from tests.chaos import expected, verdict
from tests.chaos.city import Batch, batches
from tests.chaos.cluster import Cluster, running_cluster
from tests.chaos.faults import Fault, Hit, plan
from tests.chaos.log import read_alerts, read_ends, read_log
from tests.chaos.report import Report, now
from tests.chaos.traffic import Traffic

_STUCK_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.3
_ASK_SECONDS: Final = 0.5


class Progress(Protocol):
    """Hears what is done of what."""

    def __call__(self, what: str, done: int, of: int) -> None: ...


class Given(NamedTuple):
    """A run.

    ``lasting``: seconds of a fault that lasts. ``server``: URL of an empty database of a ClickHouse
    server, or "" for chDB behind HTTP. ``kinds``: the faults, or None to draw them.
    """

    events: int
    faults: int
    seed: int
    lasting: float
    processes: int = 2
    server: str = ""
    kinds: Sequence[Fault] | None = None
    keep: Path | None = None


class StuckError(RuntimeError):
    """Something that had to happen did not; the text says what."""


def run(given: Given, progress: Progress) -> Report:
    """Run and compare; the report tells every difference."""
    report = Report(given.events, given.faults, given.seed)
    with (
        _directory(given.keep) as directory,
        running_cluster(
            directory, seed=given.seed, server=given.server, note=report.note
        ) as cluster,
    ):
        try:
            _suffer_and_compare(given, cluster, report, progress)
        except StuckError as error:
            report.differ(str(error))
        report.counts["processes"] = {each.name: each.started for each in cluster.members()}
    return report


def _suffer_and_compare(given: Given, cluster: Cluster, report: Report, progress: Progress) -> None:
    urls = [cluster.urls[gateway.name] for gateway in cluster.gateways]
    traffic = Traffic(urls, cluster.kafka.bootstrap, given.seed)
    database = Database.open(given.server or _own(cluster))
    try:
        with traffic.running(), _reader(cluster, report):
            _suffer(given, cluster, traffic, report, progress)
            cluster.await_ready()
            _await_stored(cluster, database, progress)
            _await_ranked(cluster, database)
        for wrong in traffic.wrong:
            report.differ(wrong)
        for worker in cluster.running_workers():
            worker.stop()
        _compare(
            given,
            cluster=cluster,
            traffic=traffic,
            database=database,
            report=report,
            progress=progress,
        )
    finally:
        database.close()


def _own(cluster: Cluster) -> str:
    assert cluster.engine is not None
    return cluster.engine.url


def _suffer(
    given: Given, cluster: Cluster, traffic: Traffic, report: Report, progress: Progress
) -> None:
    """Send one share of the events before the first fault, and one during each."""
    ends_at = now()
    sending = list(batches(given.events, given.seed, ends_at))
    faults = given.kinds or plan(given.faults, given.seed, own_engine=not given.server)
    shares = _shares(sending, len(faults) + 1)
    draw = random.Random(f"faults {given.seed}")
    traffic.send(shares[0], 0)
    _await_delivered(traffic, cluster)
    for number, (fault, share) in enumerate(zip(faults, shares[1:], strict=True), start=1):
        progress("faults", number - 1, len(faults))
        kind = fault.__name__
        traffic.send(share, given.lasting)
        threading.Event().wait(draw.random() * given.lasting / 4)

        def tell(what: str, number: int = number, kind: str = kind) -> None:
            report.tell(number, kind, what)

        fault(Hit(cluster, draw, given.lasting, tell))
        _await_delivered(traffic, cluster)
    progress("faults", len(faults), len(faults))
    report.counts["faults"] = len(faults)
    report.counts["kinds"] = sorted({fault.__name__ for fault in faults})


def _shares(sending: Sequence[Batch], count: int) -> list[Sequence[Batch]]:
    edges = [len(sending) * n // count for n in range(count + 1)]
    return [sending[begin:end] for begin, end in pairwise(edges)]


def _await_delivered(traffic: Traffic, cluster: Cluster) -> None:
    """Until every batch queued so far is acknowledged."""
    least = traffic.waiting()
    since = time.monotonic()
    while waiting := traffic.waiting():
        if waiting < least:
            least, since = waiting, time.monotonic()
        if time.monotonic() - since > _STUCK_SECONDS:
            raise StuckError(f"{waiting} batches are never accepted; {_states(cluster)}")
        threading.Event().wait(0.05)


def _await_stored(cluster: Cluster, database: Database, progress: Progress) -> None:
    """Until every partition's stored position is the log's end."""

    def stored() -> bool:
        ends = read_ends(cluster.kafka.bootstrap)
        marks = verdict.marks_of(database)
        behind = {
            p: end - 1 - (marks[p].position.offset if p in marks else -1) for p, end in ends.items()
        }
        progress("stored", sum(ends.values()) - sum(behind.values()), sum(ends.values()))
        return not any(behind.values())

    _await("the log is never stored to its end", stored, cluster)


def _await_ranked(cluster: Cluster, database: Database) -> None:
    """Until the standing list is that of the stored counters, and all of its alerts are sent."""

    def ranked() -> bool:
        counters = verdict.stored_counters(database)
        wrong = [*verdict.wrong_standing(database, counters)]
        return not (
            wrong or [*verdict.wrong_alerts(database, read_alerts(cluster.kafka.bootstrap))]
        )

    _await("the standing list or its alerts never agree with the counters", ranked, cluster)


def _await(what: str, holds: Callable[[], bool], cluster: Cluster) -> None:
    deadline = time.monotonic() + _STUCK_SECONDS
    while True:
        try:
            if holds():
                return
        except (StorageUnavailable, StorageError):
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise StuckError(f"{what}; {_states(cluster)}")
        threading.Event().wait(_LOOK_SECONDS)


def _states(cluster: Cluster) -> str:
    return ", ".join(f"{m.name} ({m.started}. process)" for m in cluster.members() if m.wanted)


def _compare(
    given: Given,
    *,
    cluster: Cluster,
    traffic: Traffic,
    database: Database,
    report: Report,
    progress: Progress,
) -> None:
    """Nothing writes any more."""
    log = read_log(cluster.kafka.bootstrap)
    marks = verdict.marks_of(database)
    sent = read_alerts(cluster.kafka.bootstrap)
    orders, done = sum(map(len, log.orders.values())), 0

    def added(count: int) -> None:
        nonlocal done
        done += count
        progress("oracle", done, orders)

    clocks = {shard: mark.clock for shard, mark in marks.items()}
    found = verdict.Found(log, marks, expected.counters(log.orders, clocks, given.processes, added))
    report.counts |= {
        "events accepted": len(traffic.accepted),
        "events in the log": log.events(),
        "copies in the log": log.copies,
        "dead letters": len(log.refused),
        "orders": orders,
        "counters": sum(map(len, found.counters.values())),
        "alerts sent": len(sent),
        "alerts": len({message["id"] for message in sent}),
        "answers": dict(traffic.answers),
        "claims": database.query("SELECT count() FROM shard_claims")[0][0],
        "clocks ahead": {shard: round((clock - now()) / SECOND) for shard, clock in clocks.items()},
    }
    api = cluster.urls[cluster.apis[0].name]
    checks = (
        verdict.wrong_counters(database, found),
        verdict.wrong_archive(database, log, traffic.accepted),
        verdict.wrong_letters(database, log),
        verdict.wrong_standing(database, found.counters),
        verdict.wrong_alerts(database, sent),
        verdict.wrong_answers(api, found),
    )
    for check in checks:
        for wrong in check:
            report.differ(wrong)


@contextmanager
def _reader(cluster: Cluster, report: Report) -> Iterator[None]:
    """Ask for the ranking all the time: whatever is answered, states add up to the volume."""
    ending = threading.Event()
    counts = {"answered": 0, "not answered": 0}

    def read() -> None:
        urls = [cluster.urls[api.name] for api in cluster.apis]
        with httpx.Client(timeout=10, trust_env=False) as client:
            while not ending.wait(_ASK_SECONDS):
                url = urls[sum(counts.values()) % len(urls)]
                try:
                    answer = client.get(f"{url}/v1/rankings", params={"window": "year"})
                except httpx.TransportError:
                    counts["not answered"] += 1
                    continue
                if answer.status_code != httpx.codes.OK:
                    counts["not answered"] += 1
                    continue
                counts["answered"] += 1
                for wrong in verdict.wrong_states(answer.json()):
                    report.differ(f"while it ran: {wrong}")

    thread = threading.Thread(target=read, name="reader", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        report.counts["rankings asked for meanwhile"] = counts


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="hotline-chaos-") as name:
        yield Path(name)
