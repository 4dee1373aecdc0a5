"""The cluster profile as an operator runs it: two brokers, an engine, workers, gateways, apis."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from services.cli.guarded import GuardedProcess
from tests.chaos.city import units
from tests.chaos.engine_proxy import EngineProxy
from tests.chaos.kafka_pair import KafkaPair, steady_ports
from tests.chaos.member import Member, Note, environment_with
from tests.chaos.traffic import PARTITIONS

WORKER_TIMEOUT: Final = 6  # seconds
MOST_WORKERS: Final = 3
WORKERS: Final = 2

SHIFTED: Final = (sys.executable, "-m", "tests.chaos.shifted")  # instead of `hotline`

_HOTLINE: Final = str(Path(sys.executable).with_name("hotline"))
_ROOT: Final = Path(__file__).parents[2]
_PREPARE_SECONDS: Final = 120.0


class Engine:
    """chDB behind HTTP in a process of its own, on a port that stays the same."""

    def __init__(self, directory: Path, environment: Mapping[str, str], note: Note) -> None:
        (port,) = steady_ports(1)
        command = [sys.executable, "-m", "tests.support.clickhouse_http"]
        self.url = f"http://127.0.0.1:{port}/default"
        self.member = Member(
            "engine",
            [*command, "--path", str(directory / "data"), "--port", str(port)],
            environment=environment,
            directory=directory,
            ready=self.url,
            note=note,
        )


class Cluster:
    """Everything that faults can hit.

    Args:
        kafka: The brokers.
        engine: Of ours; None with a server that is not ours to kill.
        proxy: In front of the engine.
        workers: All there may ever be; the first `WORKERS` run from the start.
        gateways, apis: The others of ours.
        urls: Of gateways and apis, by name.
        engine_url: The engine's, past the proxy.
    """

    def __init__(
        self,
        *,
        kafka: KafkaPair,
        engine: Engine | None,
        proxy: EngineProxy,
        workers: list[Member],
        gateways: list[Member],
        apis: list[Member],
        urls: Mapping[str, str],
        engine_url: str,
    ) -> None:
        self.kafka = kafka
        self.engine = engine
        self.proxy = proxy
        self.workers = workers
        self.gateways = gateways
        self.apis = apis
        self.urls = urls
        self.engine_url = engine_url

    def running_workers(self) -> list[Member]:
        """Those that are wanted."""
        return [worker for worker in self.workers if worker.wanted]

    def members(self) -> list[Member]:
        """All that were ever started."""
        parts = [*self.workers, *self.gateways, *self.apis, *self.kafka.brokers]
        return [each for each in parts if each.started]

    def scale(self, count: int) -> None:
        """Start or politely stop workers until so many run."""
        for worker in self.workers[:count]:
            if not worker.wanted:
                worker.start()
        for worker in self.workers[count:]:
            if worker.wanted:
                worker.stop()

    def await_ready(self) -> None:
        """Return when every wanted process has said that it works."""
        for member in self.members():
            if member.wanted:
                member.await_ready()


@contextmanager
def running_cluster(
    directory: Path, *, policy: str, seed: int, server: str, note: Note
) -> Iterator[Cluster]:
    """Run a prepared cluster while the block runs.

    Args:
        directory: Gets all data and logs.
        policy: Text of the policy in force.
        seed: Of the troubles of the engine.
        server: URL of an empty database of a ClickHouse server; "" starts chDB behind HTTP.
        note: Hears of every end that nobody asked for.
    """
    with ExitStack() as stack:
        python = environment_with({"PYTHONPATH": str(_ROOT)})
        engine = None if server else Engine(_made(directory / "engine"), python, note)
        if engine is not None:
            stack.callback(engine.member.stop)
            engine.member.start()
            engine.member.await_ready()
        upstream = engine.url if engine is not None else server
        proxy = stack.enter_context(EngineProxy(upstream, seed).running())
        kafka = KafkaPair(_made(directory / "kafka"), environment_with({}), note)
        stack.callback(kafka.kill)
        kafka.start()
        environment = environment_with(_settings(directory, policy, kafka, proxy))
        _prepare(directory, environment)
        cluster = _cluster(
            directory,
            kafka=kafka,
            engine=engine,
            engine_url=upstream,
            proxy=proxy,
            environment=environment,
            note=note,
        )
        stack.callback(_end_all, cluster)
        cluster.scale(WORKERS)
        for member in (*cluster.gateways, *cluster.apis):
            member.start()
        cluster.await_ready()
        yield cluster


def _cluster(
    directory: Path,
    *,
    kafka: KafkaPair,
    engine: Engine | None,
    engine_url: str,
    proxy: EngineProxy,
    environment: Mapping[str, str],
    note: Note,
) -> Cluster:
    home = _made(directory / "hotline")

    def member(name: str, *command: str) -> Member:
        return Member(
            name,
            [_HOTLINE, *command],
            environment=environment,
            directory=home,
            ready="ready: ",
            note=note,
        )

    names = ["gateway-1", "gateway-2", "api-1", "api-2"]
    ports = dict(zip(names, steady_ports(len(names)), strict=True))
    served = [member(name, name[:-2], "--port", str(port)) for name, port in ports.items()]
    return Cluster(
        kafka=kafka,
        engine=engine,
        proxy=proxy,
        workers=[member(f"worker-{n + 1}", "worker") for n in range(MOST_WORKERS)],
        gateways=served[:2],
        apis=served[2:],
        urls={name: f"http://127.0.0.1:{port}" for name, port in ports.items()},
        engine_url=engine_url,
    )


def _settings(directory: Path, text: str, kafka: KafkaPair, proxy: EngineProxy) -> dict[str, str]:
    policy, registry = directory / "policy.yaml", directory / "units.csv"
    policy.write_text(text, encoding="utf-8")
    with registry.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("code", "name", "kind", "parent", "group"))
        writer.writerows(units())
    return {
        "HOTLINE_KAFKA_BOOTSTRAP": kafka.bootstrap,
        "HOTLINE_KAFKA_REPLICATION": "2",
        "HOTLINE_CLICKHOUSE_URL": proxy.url,
        "HOTLINE_DATA_DIR": str(directory / "data"),
        "HOTLINE_PARTITIONS": str(PARTITIONS),
        "HOTLINE_POLICY": str(policy),
        "HOTLINE_UNITS": str(registry),
        "HOTLINE_WORKER_TIMEOUT": str(WORKER_TIMEOUT),
        "HOTLINE_FRESH_FOR": "0",
        "PYTHONPATH": str(_ROOT),
    }


def _prepare(directory: Path, environment: Mapping[str, str]) -> None:
    process = GuardedProcess.start(
        [_HOTLINE, "prepare"], log=directory / "prepare.log", ready="", seconds=60, env=environment
    )
    code = process.wait(_PREPARE_SECONDS)
    process.stop()
    if code:
        raise RuntimeError(f"hotline prepare: {process.last_words()}")


def _end_all(cluster: Cluster) -> None:
    for member in (*cluster.gateways, *cluster.apis, *cluster.workers):
        if member.wanted:
            member.kill_for_good()


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True)
    return directory
