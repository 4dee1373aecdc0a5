"""Clients of `/v1/stream`: whether all of them hear of every event, how soon, and what they cost."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import time
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from bench.figures import Figure, Result, Sizes, quantiles
from bench.service import Running, running

_UNIT: Final = "110101001"
_ROUNDS: Final = 10
_QUIET_SECONDS: Final = 3.0  # nobody has heard of anything for so long: all has been told
_PATIENCE: Final = 120.0
_REQUEST: Final = (
    f"GET /v1/stream?topics=rates,rankings,alerts&units={_UNIT} HTTP/1.1\r\nHost: bench\r\n\r\n"
)
_HEAD: Final = 32  # the event begins within so many bytes: the length of its chunk stands before it
_CALLBACK: Final = {
    "attempt": 1,
    "reached": True,
    "answers": {"contacted": "yes", "solved": "yes", "satisfaction": "satisfied"},
}
_VOLUME: Final = re.compile(rb'"volume":(\d+)')
_KIB: Final = 1024


class _Heard(NamedTuple):
    """What the service did: seconds, but for the sizes in bytes."""

    connecting: float
    answered: list[float]  # push to answer, each round
    told: list[float]  # answer (stored) to client, each client in each round
    last: list[float]  # answer to the last client, each round
    spread: list[float]  # first client to the last, each round
    events: int  # that each client was given, the same to all
    sent: int
    cpu: float
    memory: tuple[int, int, int]  # before, with all connected, at the end


class _Client(asyncio.Protocol):
    """Keeps a hash of each event, and when the volume of the unit was told first."""

    def __init__(self) -> None:
        self.events: list[int] = []
        self.told: dict[int, float] = {}
        self.heard_at = perf_counter()
        self.received = 0
        self.lost = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        transport.write(_REQUEST.encode())

    def data_received(self, data: bytes) -> None:
        """Take what is whole."""
        self.received += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for frame in whole:
            begin = frame.find(b"event: ", 0, _HEAD)
            if begin >= 0:
                self._take(frame[begin:])

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember it: while we measure nobody should be cut off."""
        del exc
        self.lost = True

    def _take(self, frame: bytes) -> None:
        self.heard_at = perf_counter()
        self.events.append(hash(frame))
        found = _VOLUME.search(frame) if frame.startswith(b"event: rates") else None
        if found:
            self.told.setdefault(int(found[1]), self.heard_at)


def measure(sizes: Sizes) -> Result:
    """Connect, push one order after the other, and wait until every client has heard of it."""
    with running() as service:  # started under the limits that a shell gives
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        heard = asyncio.run(_listen(service, sizes.stream_clients))
    clients = sizes.stream_clients
    before, connected, ended = heard.memory
    deliveries = heard.events * clients
    return Result(
        "Stream",
        f"{clients:,} clients of one process, each on rankings, alerts, and the rates of one unit; "
        f"{_ROUNDS} orders pushed one after the other. Stored: the push is answered. Afterwards "
        "all clients hold the same events, byte for byte.",
        (
            Figure("all clients connected", f"{heard.connecting:.2f} s"),
            Figure(
                "events, each given to all clients",
                f"{heard.events} ({deliveries:,} deliveries, "
                f"{heard.sent / deliveries / _KIB:.1f} KiB each)",
            ),
            quantiles("order pushed until it is stored", heard.answered),
            quantiles("stored until a client has its rates", heard.told),
            quantiles("stored until the last client has them", heard.last),
            quantiles("first client until the last", heard.spread),
            Figure(
                "processor time of the service a delivery, all its work",
                f"{heard.cpu / deliveries * 1e6:.0f} µs",
            ),
            Figure(
                "memory of the service",
                f"{before / _KIB**2:.0f} MiB before, {connected / _KIB**2:.0f} MiB with all "
                f"connected ({(connected - before) / clients / _KIB:.0f} KiB each), "
                f"{ended / _KIB**2:.0f} MiB at the end",
            ),
        ),
        "The look into the store once a second, shared by all; each event is read and written as "
        "JSON once; then one write per client.",
        "1,000 clients of one process served: each gets every event.",
    )


async def _listen(service: Running, count: int) -> _Heard:
    where = urlsplit(service.url)
    assert where.hostname
    assert where.port
    loop = asyncio.get_running_loop()
    pid = service.process.pid
    await asyncio.to_thread(_push, service, 0)  # imports, connections, first parts
    before = _memory(pid)
    clients: list[_Client] = []
    try:
        began = perf_counter()
        for _ in range(count):
            _, client = await loop.create_connection(_Client, where.hostname, where.port)
            clients.append(client)
        await _until(clients, 1)
        connecting = max(client.told[1] for client in clients) - began
        await _quiet(clients)
        connected, cpu = _memory(pid), _processor_time(pid)
        for client in clients:
            client.events.clear()
            client.received = 0
        answered: list[float] = []
        told: list[list[float]] = []
        for number in range(1, _ROUNDS + 1):
            began = perf_counter()
            await asyncio.to_thread(_push, service, number)
            stored = perf_counter()
            await _until(clients, number + 1)
            answered.append(stored - began)
            told.append([client.told[number + 1] - stored for client in clients])
        await _quiet(clients)
        cpu, ended = _processor_time(pid) - cpu, _memory(pid)
        assert not any(client.lost for client in clients), "nobody is cut off"
        assert len({tuple(client.events) for client in clients}) == 1, "all hear of the same"
    finally:
        for client in clients:
            client.transport.close()
        await asyncio.sleep(0)
    return _Heard(
        connecting,
        answered,
        [seconds for times in told for seconds in times],
        [max(times) for times in told],
        [max(times) - min(times) for times in told],
        len(clients[0].events),
        sum(client.received for client in clients),
        cpu,
        (before, connected, ended),
    )


async def _until(clients: list[_Client], volume: int) -> None:
    """Wait until every client has been told this volume."""
    began = perf_counter()
    while not all(volume in client.told for client in clients):
        assert perf_counter() < began + _PATIENCE, "a client has not heard of an order"
        await asyncio.sleep(0.02)


async def _quiet(clients: list[_Client]) -> None:
    """Wait until nobody has heard of anything for some time."""
    rest = _QUIET_SECONDS
    while rest > 0:
        await asyncio.sleep(rest)
        rest = max(client.heard_at for client in clients) + _QUIET_SECONDS - perf_counter()


def _memory(pid: int) -> int:
    """Resident bytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _processor_time(pid: int) -> float:
    """Seconds of user and system time of a process."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _push(service: Running, number: int) -> None:
    at = datetime.fromtimestamp(time.time() - 1, UTC).isoformat()
    order = {"specversion": "1.0", "source": "bench", "subject": f"bench-{number}", "time": at}
    events = [
        order
        | {"id": f"r{number}", "type": "workorder.received"}
        | {"data": {"demand_type": "complaint", "channel": "phone"}},
        order | {"id": f"d{number}", "type": "workorder.dispatched", "data": {"unit": _UNIT}},
        order | {"id": f"c{number}", "type": "workorder.callback", "data": _CALLBACK},
    ]
    service.client.post("/v1/events", json=events).raise_for_status()
