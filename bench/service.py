"""`hotline up` in a process of its own, and the city pushed to it over HTTP."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import httpx

from schemas.instants import parse_instant
from services.cli.guarded import GuardedProcess
from services.cli.simulate.sending import send_history
from services.cli.simulate.service import Service
from services.cli.simulate.writing import CloudEvent

HOTLINE = str(Path(sys.executable).with_name("hotline"))

_URL = re.compile(r"http://\S+:\d+")
_START_SECONDS = 300


class Running:
    """A ready service; ``started_in`` seconds from the command to the first answer."""

    def __init__(self, data_dir: Path, *options: str, **settings: str) -> None:
        environment = {n: v for n, v in os.environ.items() if not n.startswith("HOTLINE_")}
        environment |= settings
        began = perf_counter()
        self.process = GuardedProcess.start(
            [HOTLINE, "up", "--port", "0", "--data-dir", str(data_dir), *options],
            log=data_dir / "output.log",
            ready="Ctrl-C",
            seconds=_START_SECONDS,
            env=environment,
        )
        found = _URL.search(self.process.output())
        assert found, "the service tells its address when it is ready"
        self.url = found[0]
        self.client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        assert self.client.get("/readyz").status_code == httpx.codes.OK
        self.started_in = perf_counter() - began

    def push(self, events: Sequence[CloudEvent]) -> float:
        """Push everything as `hotline simulate` does; return the seconds."""
        began = perf_counter()
        with Service(self.url) as service:
            instants = [parse_instant(event["time"]) for event in (events[0], events[-1])]
            send_history(service, iter(events), instants[0], instants[1], lambda _: None)
        return perf_counter() - began

    def close(self) -> None:
        """Stop the service as Ctrl-C does."""
        self.client.close()
        self.process.stop()


@contextmanager
def running_on(data_dir: Path, *options: str, **settings: str) -> Iterator[Running]:
    """Run a service on a data directory that is there; ``settings`` are variables."""
    service = Running(data_dir, *options, **settings)
    try:
        yield service
    finally:
        service.close()


@contextmanager
def running(*options: str) -> Iterator[Running]:
    """Run a service on a new data directory while the block runs."""
    with (
        tempfile.TemporaryDirectory(prefix="hotline-bench-") as name,
        running_on(Path(name), *options) as service,
    ):
        yield service
