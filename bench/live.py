"""A steady stream over HTTP: how soon a push is answered, and how soon the ranking shows it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, NamedTuple

import httpx
import orjson

from bench.city import BEGINS, MONTH, encoded, month
from bench.figures import Figure, Result, Sizes, per_second, quantiles
from bench.service import Running, running
from schemas.codec import encode_frame
from schemas.records import Unit
from schemas.topics import BATCH_JSON
from services.domain.registry import beijing_units

_TICK = 0.05  # seconds between two requests of the stream
_PROBE_EVERY = 0.25
_SENDERS = 64  # more than are ever under way while the service keeps up
_PATIENCE = 30.0
_LOOK_EVERY = 0.02


class _Probes(NamedTuple):
    answered: list[float]
    visible: list[float]


def measure(sizes: Sizes) -> Result:
    """Push at each rate for some seconds into a new service."""
    figures = [figure for rate in sizes.live_rates for figure in _at_rate(rate, sizes.live_seconds)]
    return Result(
        "Live",
        f"`hotline up`; events of the demo city pushed at a fixed rate for {sizes.live_seconds} s, "
        f"one request every {_TICK * 1000:.0f} ms, never waiting for an answer; latencies count "
        "from the moment a request was due. Beside it, four times a second, a new order of a "
        "street that the stream leaves out: pushed, then `GET /v1/rankings` of all streets, "
        f"{_LOOK_EVERY * 1000:.0f} ms after each answer, until its volume shows it. "
        "Answered means stored. The sender runs on the same two cores.",
        tuple(figures),
        "Waiting, not computing: a push waits for the flush under way and then for its own, and a "
        "flush is a chain of small calls to chDB (profile.md).",
        "accepted to visible, p99 below 1 s at 2,000 events/s.",
    )


def _at_rate(rate: int, seconds: int) -> Iterator[Figure]:
    streets = [unit for unit in beijing_units() if unit.kind == "street"]
    probed = streets[0]
    size = max(1, round(rate * _TICK))
    events = encoded(month(size * round(seconds / _TICK), streets[1:]))
    batches = [events[start : start + size] for start in range(0, len(events), size)]
    with (
        running() as service,
        httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client,
        ThreadPoolExecutor(_SENDERS + 1) as pool,
    ):
        _probe(service, probed, 0)  # imports, connections, first parts
        began = perf_counter()
        probing = pool.submit(_probes, service, probed, began + seconds)
        sent = [
            pool.submit(_send, client, batch, began + number * _TICK)
            for number, batch in enumerate(batches)
            if _wait_until(began + number * _TICK)
        ]
        latencies = [done.result() for done in sent]
        took = perf_counter() - began
        probes = probing.result()
    name = f"{rate:,}/s"
    yield per_second(f"{name}: answered", len(events), took)
    yield quantiles(f"{name}: push to answer, requests of {size}", latencies)
    yield quantiles(f"{name}: push to answer, the probes", probes.answered)
    yield quantiles(f"{name}: push to visible in the ranking", probes.visible)


def _wait_until(moment: float) -> bool:
    time.sleep(max(0.0, moment - perf_counter()))
    return True


def _send(client: httpx.Client, events: Sequence[bytes], due: float) -> float:
    answer = client.post(
        "/v1/events", content=encode_frame(events), headers={"content-type": BATCH_JSON}
    )
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return perf_counter() - due


def _probes(service: Running, unit: Unit, until: float) -> _Probes:
    found = _Probes([], [])
    number = 0
    while perf_counter() < until:
        began = perf_counter()
        number += 1
        answered, visible = _probe(service, unit, number)
        found.answered.append(answered)
        found.visible.append(visible)
        _wait_until(began + _PROBE_EVERY)
    return found


def _probe(service: Running, unit: Unit, number: int) -> tuple[float, float]:
    """Push one order; return the seconds until it was answered, and until the ranking shows it."""
    order = {"specversion": "1.0", "source": "urn:bench", "subject": f"probe-{number}"}
    received = {"type": "workorder.received", "id": "1", "data": {"demand_type": "help"}}
    dispatched = {"type": "workorder.dispatched", "id": "2", "data": {"unit": unit.code}}
    body = [order | event | {"time": BEGINS} for event in (received, dispatched)]
    for event in body:
        event["id"] = f"{number}-{event['id']}"
    began = perf_counter()
    answer = service.client.post(
        "/v1/events", content=orjson.dumps(body), headers={"content-type": BATCH_JSON}
    )
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    answered = perf_counter() - began
    while True:
        page: dict[str, Any] = orjson.loads(
            service.client.get("/v1/rankings", params=MONTH).content
        )
        if _volume(page, unit) > number:
            return answered, perf_counter() - began
        assert perf_counter() < began + _PATIENCE, "the ranking does not show the order"
        time.sleep(_LOOK_EVERY)


def _volume(page: dict[str, Any], unit: Unit) -> int:
    lines = (*page["ranked"], *page["unranked"])
    return sum(int(line["volume"]) for line in lines if line["unit"]["code"] == unit.code)
