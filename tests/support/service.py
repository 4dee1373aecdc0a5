"""`hotline up` as a person runs it: a process of its own, reached over HTTP, killed when told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from services.cli.guarded import GuardedProcess
from tests.support import usage
from tests.support.brokers import LABELS

Json = dict[str, Any]

_HOTLINE = Path(sys.executable).with_name("hotline")
_URL = re.compile(r"http://\S+:\d+")
_START_SECONDS = 90


class Service:
    """A running and ready `hotline up`."""

    def __init__(self, process: GuardedProcess, uses: tuple[str, ...]) -> None:
        self.process = process
        found = _URL.search(process.output())
        assert found, "the service tells its address when it is ready"
        self.url = found[0]
        self._uses = uses
        self.client = httpx.Client(
            base_url=self.url, timeout=60, event_hooks={"request": [self._note]}
        )

    def _note(self, _request: httpx.Request) -> None:
        """Count the running test for what it uses, also where a module shares one service."""
        for name in self._uses:
            usage.note(name)

    def push(self, *events: Json) -> httpx.Response:
        """Push a batch and return the answer, whatever it is."""
        return self.client.post("/v1/events", json=list(events))

    def accepted(self, *events: Json) -> Json:
        """Push a batch that must be accepted; return the receipt."""
        answer = self.push(*events)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        receipt: Json = answer.json()
        return receipt

    def get(self, path: str, **query: str | int) -> Json:
        """Get a page that must be there."""
        answer = self.client.get(path, params=query or None)
        assert answer.status_code == httpx.codes.OK, answer.text
        page: Json = answer.json()
        return page

    def order(self, subject: str) -> Json:
        """Get one order as the service explains it."""
        return self.get(f"/v1/work-orders/{subject}")

    def rankings(self, **query: str | int) -> Json:
        """Get a ranking."""
        return self.get("/v1/rankings", **query)

    def log(self) -> str:
        """Return all it has written."""
        return self.process.output()

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> int:
        """Press Ctrl-C; return the exit code. It must come within some seconds."""
        self.client.close()
        self.process.send(number)
        code = self.process.wait(20)
        self.process.stop()
        return code

    def kill(self) -> None:
        """End it as a power cut would."""
        self.client.close()
        self.process.kill()


def start_service(
    data_dir: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Service:
    """Start `hotline up` on a free port; for tests that kill it and start it again.

    Raises:
        ProcessFailedError: it did not get ready; the text holds what it said.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    process = GuardedProcess.start(
        [str(_HOTLINE), "up", "--port", "0", "--data-dir", str(data_dir), *options],
        log=data_dir / "output.log",
        ready="Ctrl-C",
        seconds=_START_SECONDS,
        env=plain_environment() | dict(environment or {}),
    )
    local = "HOTLINE_KAFKA_BOOTSTRAP" not in (environment or {})
    return Service(process, (usage.CHDB, LABELS["tansu"]) if local else (usage.CHDB,))


@contextmanager
def running_service(
    data_dir: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Run `hotline up` while the block runs."""
    service = start_service(data_dir, *options, environment=environment)
    try:
        yield service
    finally:
        service.kill()


def plain_environment() -> dict[str, str]:
    """Return this process's environment without settings of the service, except one.

    Rankings are read after each question: what was acknowledged is in the next answer.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    return plain | {"HOTLINE_FRESH_FOR": "0"}


def run_hotline(
    *arguments: str, environment: Mapping[str, str] | None = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run another `hotline` command to its end; the caller looks at its code and its words."""
    return subprocess.run(
        [str(_HOTLINE), *arguments],
        env=plain_environment() | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
