"""Brokers for tests: each one fresh and empty, on a port it proved to own, gone afterwards."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from services.cli.guarded import GuardedProcess
from services.cli.local_broker import LocalBroker
from services.cli.topics import ensure_topics
from tests.support import usage
from tests.support.kafka import KAFKA_VERSION, start_kafka
from tests.support.waiting import await_that

Kind = Literal["tansu", "kafka"]

LABELS: dict[Kind, str] = {"tansu": "tansu", "kafka": f"Apache Kafka {KAFKA_VERSION}"}


class Broker:
    """A running broker. Its log is empty at the start and lost with it."""

    def __init__(self, kind: Kind, bootstrap: str, process: GuardedProcess) -> None:
        self.kind = kind
        self.bootstrap = bootstrap
        self.process = process

    def create_topics(self, partitions: int) -> None:
        """Create our topics, as the service does."""
        ensure_topics(self.bootstrap, partitions)

    def stop(self) -> None:
        """End it politely."""
        self.process.stop()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it do nothing while the block runs: every thread of it has stopped when it begins."""
        pid = self.process.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await_that(lambda: _has_stopped(pid))
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def fresh_broker(kind: Kind) -> Iterator[Broker]:
    """Run a new, empty broker. For kinds that may be missing here use the `broker` fixture."""
    with tempfile.TemporaryDirectory(prefix=f"{kind}-") as name:
        directory = Path(name)
        if kind == "tansu":
            local = LocalBroker.start(directory / "broker.log")
            broker = Broker(kind, local.bootstrap, local.process)
        else:
            process, bootstrap = start_kafka(directory)
            broker = Broker(kind, bootstrap, process)
        usage.note(LABELS[kind])
        try:
            yield broker
        finally:
            broker.kill()


@contextmanager
def fresh_log(kind: Kind) -> Iterator[dict[str, str]]:
    """Give the environment under which `hotline up` writes to a new log of that kind.

    Tansu is the broker that `hotline up` brings along; it needs no setting.
    """
    if kind == "tansu":
        yield {}
    else:
        with fresh_broker(kind) as broker:
            yield {"HOTLINE_KAFKA_BOOTSTRAP": broker.bootstrap}


def _has_stopped(pid: int) -> bool:
    """Whether a stop has reached all threads; a busy machine takes a while, and they go on."""
    stats = [task / "stat" for task in Path(f"/proc/{pid}/task").iterdir()]
    return all(stat.read_text("ascii").rpartition(")")[2].split()[0] == "T" for stat in stats)
