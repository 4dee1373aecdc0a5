"""Events per second of one and of two workers, as processes of their own, and what they use."""

from __future__ import annotations

import os
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

import httpx

from bench.city import PARTITIONS, frames, month
from bench.figures import Figure, Result, Sizes, per_second, ratio
from bench.replay import fill
from bench.service import HOTLINE
from schemas.topics import BATCH_JSON
from services.cli.guarded import GuardedProcess
from services.storage.database import Database
from services.storage.readers import Readers
from tests.support.brokers import fresh_broker

_SECONDS: Final = 900.0
_POLL: Final = 0.2
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_READY: Final = re.compile(r"^hotline_shard_ready\S* 1", re.MULTILINE)


class Scaled(NamedTuple):
    """``seconds`` from the first message sent until all is stored; ``cpu`` seconds by process."""

    events: int
    seconds: float
    cpu: dict[str, float]

    @property
    def speed(self) -> float:
        """Events per second."""
        return self.events / self.seconds


def measure(sizes: Sizes) -> Result:
    """The same city by one worker and by two."""
    messages = list(frames(month(sizes.scaling_events)))
    one = _scaled(messages, sizes.scaling_events, workers=1)
    two = _scaled(messages, sizes.scaling_events, workers=2)
    return Result(
        "Scaling",
        f"A month of the demo city ({sizes.scaling_events:,} events in {len(messages):,} frames) is "
        f"written to {PARTITIONS} partitions of Apache Kafka while one or two `hotline worker` read "
        "it; the engine is chDB behind HTTP in a process of its own. Counted from the first "
        f"message until the archive holds every event, on {os.cpu_count()} cores for all of them.",
        (
            per_second("one worker", one.events, one.seconds),
            per_second("two workers", two.events, two.seconds),
            ratio("two over one", two.speed, one.speed),
            Figure("cores used with one worker", _used(one)),
            Figure("cores used with two workers", _used(two)),
        ),
        "With one worker its interpreter lock, which decoding, rules and columns share. With two "
        "the cores: broker, engine and workers want more than there are.",
    )


def _scaled(messages: Sequence[tuple[int, bytes]], events: int, *, workers: int) -> Scaled:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hotline-bench-")))
        broker = stack.enter_context(fresh_broker("kafka"))
        engine = GuardedProcess.start(
            [sys.executable, "-m", "tests.support.clickhouse_http", "--path", str(home / "store")],
            log=home / "engine.log",
            ready="\n",
            seconds=60,
        )
        stack.callback(engine.stop)
        url = engine.output().strip()
        environment = {n: v for n, v in os.environ.items() if not n.startswith("HOTLINE_")}
        environment |= {
            "HOTLINE_KAFKA_BOOTSTRAP": broker.bootstrap,
            "HOTLINE_CLICKHOUSE_URL": url,
            "HOTLINE_DATA_DIR": str(home),
            "HOTLINE_PARTITIONS": str(PARTITIONS),
        }
        prepared = GuardedProcess.start(
            [HOTLINE, "prepare"], log=home / "prepare.log", ready="", seconds=60, env=environment
        )
        assert prepared.wait(120) == 0, prepared.last_words()
        prepared.stop()
        processes = {"broker": broker.process.pid, "engine": engine.pid}
        addresses: list[str] = []
        for number in range(1, workers + 1):
            port = _free_port()
            worker = GuardedProcess.start(
                [HOTLINE, "worker"],
                log=home / f"worker-{number}.log",
                ready="ready: ",
                seconds=120,
                env={**environment, "HOTLINE_METRICS_PORT": str(port)},
            )
            stack.callback(worker.stop)
            processes[f"worker {number}"] = worker.pid
            addresses.append(f"http://127.0.0.1:{port}/metrics")
        _await(lambda: [_shards(each) for each in addresses] == [PARTITIONS // workers] * workers)
        database = Database.open(url)
        stack.callback(database.close)
        readers = Readers(database)
        used = {name: -_processor_seconds(pid) for name, pid in processes.items()}
        began = perf_counter()
        fill(broker.bootstrap, messages, BATCH_JSON)
        _await(lambda: readers.archive_count() == events)
        seconds = perf_counter() - began
        for name, pid in processes.items():
            used[name] += _processor_seconds(pid)
    return Scaled(events, seconds, used)


def _shards(address: str) -> int:
    """How many partitions a worker holds and has loaded, as its metrics tell."""
    return len(_READY.findall(httpx.get(address, trust_env=False).text))


def _await(is_so: Callable[[], bool]) -> None:
    deadline = perf_counter() + _SECONDS
    while not is_so():
        assert perf_counter() < deadline, "this takes too long"
        time.sleep(_POLL)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _processor_seconds(pid: int) -> float:
    """What a process has used since its start, as Linux counts it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _used(run: Scaled) -> str:
    return ", ".join(f"{name} {seconds / run.seconds:.2f}" for name, seconds in run.cpu.items())
