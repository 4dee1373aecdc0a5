"""Clients of `/v1/stream`: how long all of them take to hear of one event."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from time import perf_counter
from urllib.parse import urlsplit

from bench.figures import Figure, Result, Sizes, quantiles
from bench.service import Running, running

_UNIT = "110101001"
_ROUNDS = 5
_REQUEST = f"GET /v1/stream?topics=rates,rankings&units={_UNIT} HTTP/1.1\r\nHost: bench\r\n\r\n"


def measure(sizes: Sizes) -> Result:
    """Connect, push one order after the other, and wait until every client has heard of it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with running() as service:
        connecting, heard = asyncio.run(_listen(service, sizes.stream_clients))
    return Result(
        "Stream",
        f"{sizes.stream_clients:,} clients of one process, each told the rates of one unit; "
        f"{_ROUNDS} orders pushed one after the other.",
        (
            Figure("all clients connected", f"{connecting:.2f} s"),
            quantiles("order pushed until a client has its rates", heard),
        ),
        "The look into the store once a second, shared by all; then one write per client.",
        "1 000 clients of one process served.",
    )


async def _listen(service: Running, clients: int) -> tuple[float, list[float]]:
    where = urlsplit(service.url)
    async with AsyncExitStack() as stack:
        began = perf_counter()
        readers = []
        for _ in range(clients):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            stack.callback(writer.close)
            writer.write(_REQUEST.encode())
            readers.append(reader)
        await asyncio.gather(*(_next_rates(reader) for reader in readers))
        connecting = perf_counter() - began
        heard: list[float] = []
        for number in range(_ROUNDS):
            waiting = [asyncio.create_task(_next_rates(reader)) for reader in readers]
            began = perf_counter()
            await asyncio.to_thread(_push, service, number)
            heard += [at - began for at in await asyncio.gather(*waiting)]
    return connecting, heard


async def _next_rates(reader: asyncio.StreamReader) -> float:
    """Return when the next event with rates has begun, and the time."""
    await reader.readuntil(b"event: rates\n")
    return perf_counter()


def _push(service: Running, number: int) -> None:
    at = datetime.fromtimestamp(time.time() - 1, UTC).isoformat()
    order = {"specversion": "1.0", "source": "bench", "subject": f"bench-{number}", "time": at}
    events = [
        order
        | {"id": f"r{number}", "type": "workorder.received"}
        | {"data": {"demand_type": "complaint", "channel": "phone"}},
        order | {"id": f"d{number}", "type": "workorder.dispatched", "data": {"unit": _UNIT}},
    ]
    service.client.post("/v1/events", json=events).raise_for_status()
