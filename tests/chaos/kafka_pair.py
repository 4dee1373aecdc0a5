"""Two brokers of Apache Kafka and a controller: every record is on both, and either may die."""

from __future__ import annotations

import random
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final

from tests.chaos.member import Member, Note
from tests.support.kafka import (
    CLUSTER,
    SOURCES,
    KafkaUnavailableError,
    java,
    kafka_missing,
)

BROKERS: Final = (1, 2)
_READY: Final = "Kafka Server started"
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST: Final = 15_000


class KafkaPair:
    """The three nodes. Only the brokers are killed: a controller of one has no deputy.

    Args:
        directory: Gets properties, logs and records.
        environment: Of the processes.
        note: Hears of ends that nobody asked for.

    Raises:
        KafkaUnavailableError: no Java, or no jars and no Maven.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str], note: Note) -> None:
        if reason := kafka_missing():
            raise KafkaUnavailableError(reason)
        self._directory = directory
        self._environment = environment
        self._note = note
        ports = steady_ports(1 + len(BROKERS))
        self.bootstrap = ",".join(f"127.0.0.1:{port}" for port in ports[1:])
        self.controller = self._node(
            "controller", "controller", ["--standalone"], port=ports[0], controller_port=ports[0]
        )
        self.brokers = [
            self._node(
                f"broker-{node}",
                "broker",
                ["--no-initial-controllers"],
                node=node,
                port=port,
                controller_port=ports[0],
            )
            for node, port in zip(BROKERS, ports[1:], strict=True)
        ]

    def start(self) -> None:
        """Start all nodes and return when they serve."""
        for member in (self.controller, *self.brokers):
            member.start()
        for member in (self.controller, *self.brokers):
            member.await_ready()

    def kill(self) -> None:
        """End all nodes at once and for good, as a power cut would."""
        for member in (*self.brokers, self.controller):
            member.kill_for_good()

    def _node(self, name: str, template: str, options: list[str], **values: int) -> Member:
        home = self._directory / name
        home.mkdir(parents=True)
        text = (SOURCES / f"{template}.properties.template").read_text()
        properties = home / "server.properties"
        properties.write_text(Template(text).substitute(values, directory=home))
        arguments = ["format", "-t", CLUSTER, "-c", str(properties), *options]
        done = subprocess.run(
            java("kafka.tools.StorageTool", *arguments),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise KafkaUnavailableError(done.stderr[-500:])
        command = java("kafka.Kafka", str(properties))
        return Member(
            name,
            command,
            environment=self._environment,
            directory=home,
            ready=_READY,
            note=self._note,
        )


def steady_ports(count: int) -> list[int]:
    """Ports that are free, and that the kernel gives to no connection while their owner is dead.

    An ordinary free port may be taken by any outgoing connection between a kill and a restart,
    even by one to itself.
    """
    highest = 32_768
    if _EPHEMERAL.exists():
        highest = int(_EPHEMERAL.read_text().split()[0])
    found: list[int] = []
    candidates = range(_LOWEST, max(highest, _LOWEST + 1_000))
    for port in random.SystemRandom().sample(candidates, k=len(candidates)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError("no port is free")
