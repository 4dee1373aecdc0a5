"""How long a start takes when many orders are open."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from typing import Any

from bench.city import SEED, now
from bench.figures import Figure, Result, Sizes, per_second
from bench.service import Running
from schemas.instants import DAY
from services.cli.simulate.events import simulate_events
from services.cli.simulate.writing import CloudEvent
from services.domain.registry import beijing_units

_DAYS = 3  # within all deadlines but the short ones, so that most of them are still to come
_OPENING = frozenset({"workorder.received", "workorder.dispatched"})


def measure(sizes: Sizes) -> Result:
    """Store open orders, stop, and start again, once politely and once after `kill -9`."""
    with tempfile.TemporaryDirectory(prefix="hotline-bench-") as name:
        service = Running(Path(name))
        empty = service.started_in
        events = _opened(sizes.open_orders)
        pushing = service.push(events)
        stored = _open_orders(service)
        service.process.send(signal.SIGINT)
        service.process.wait(60)
        service.close()
        service = Running(Path(name))
        after_stop = service.started_in
        same = _open_orders(service) == stored
        service.process.kill()
        service.client.close()
        service = Running(Path(name))
        after_kill = service.started_in
        same &= _open_orders(service) == stored
        service.close()
    assert same, "the same orders are open after every start"
    return Result(
        "Start",
        f"`hotline up` until the first answer of `/readyz`, with {stored:,} open orders stored "
        f"({len(events):,} events), received in the last {_DAYS} days.",
        (
            Figure("empty", f"{empty:.2f} s"),
            Figure("with the orders, after Ctrl-C", f"{after_stop:.2f} s"),
            Figure("with the orders, after `kill -9`", f"{after_kill:.2f} s"),
            per_second("the orders pushed before, over HTTP", len(events), pushing),
        ),
        "The fixed part is starting Python, the engine, the broker and the consumer group; the "
        "rest grows with the orders: counters, and deadlines to come, are read.",
        "below 30 s with 500,000 open orders.",
    )


def _opened(orders: int) -> list[CloudEvent]:
    """The first events of so many orders, in the order of time."""
    present = now()
    chosen: dict[str, list[CloudEvent]] = {}
    city = simulate_events(
        beijing_units(),
        seed=SEED,
        begins_at=present - _DAYS * DAY,
        ends_at=present,
        orders_per_day=-(-orders * 12 // (10 * _DAYS)),
    )
    for event in city:
        subject = event["subject"]
        if event["type"] in _OPENING and (subject in chosen or len(chosen) < orders):
            chosen.setdefault(subject, []).append(event)
    return [event for events in chosen.values() for event in events]


def _open_orders(service: Running) -> int:
    page: dict[str, Any] = service.client.get("/v1/rankings", params={"window": "year"}).json()
    return int(page["totals"]["open"]) + int(page["undispatched"]["open"])
