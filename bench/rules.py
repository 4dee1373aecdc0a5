"""The rules alone: whole orders evaluated from their events."""

from __future__ import annotations

import gc
import json
import sys
from collections import defaultdict
from time import process_time
from typing import Final, NamedTuple

from bench.city import month
from bench.compiled import measured, missing
from bench.figures import Figure, Result, Sizes, per_second, ratio
from schemas.codec import decode_event
from schemas.records import Event
from services.cli.simulate.writing import CloudEvent
from services.domain import outcome
from services.domain.policy import load_policy, preset

_POLICIES: Final = ("beijing-district", "on-time")
_PASSES: Final = 7


class Pass(NamedTuple):
    """All orders evaluated once under a policy."""

    policy: str
    orders: int
    spans: int
    seconds: float


def measure(sizes: Sizes) -> Result:
    """Evaluate every order of the demo city under each policy, interpreted and compiled."""
    interpreted = _passes(sizes.rules_events)
    mean = sizes.rules_events / interpreted[0].orders
    return Result(
        "Rules",
        f"{interpreted[0].orders:,} orders of the demo city with {mean:.1f} events on the average, "
        f"decoded order by order, each evaluated whole; one thread, processor time, the best of {_PASSES} passes. Compiled: "
        "the same modules as machine code ([when to use it](../docs/performance.md)).",
        (
            *_figures(interpreted, sizes.rules_events, "interpreted"),
            ratio(
                "time of `beijing-district` over `on-time`",
                interpreted[0].seconds,
                interpreted[1].seconds,
            ),
            *(_compiled(interpreted, sizes) if sizes.rules_compiled else ()),
        ),
        "One core. A shard evaluates an order once a flush, however many of its events the flush "
        "holds.",
        goal="150,000 orders/s per core.",
    )


def _passes(events: int) -> list[Pass]:
    orders: dict[str, list[CloudEvent]] = defaultdict(list)
    for event in month(events):
        orders[event["subject"]].append(event)
    # Order by order, as a worker reads the archive.
    histories = [[decode_event(raw).event for raw in history] for history in orders.values()]
    gc.collect()
    gc.freeze()  # the collector shall not go through the city again and again
    return [_best(name, histories) for name in _POLICIES]


def _best(name: str, histories: list[list[Event]]) -> Pass:
    policy = load_policy(preset(name))
    spans, seconds = 0, []
    for _ in range(_PASSES):
        began = process_time()
        spans = sum([len(outcome.evaluate(events, policy).flat) for events in histories])
        seconds.append(process_time() - began)
    return Pass(name, len(histories), spans, min(seconds))


def _figures(passes: list[Pass], events: int, how: str) -> list[Figure]:
    figures: list[Figure] = []
    for name, orders, spans, seconds in passes:
        figures += (
            per_second(f"`{name}`, {how}", orders, seconds, "orders/s"),
            Figure(
                f"`{name}`, {how}, in events",
                f"{events / seconds:,.0f} events/s; {spans / orders:.1f} spans an order",
            ),
        )
    return figures


def _compiled(interpreted: list[Pass], sizes: Sizes) -> list[Figure]:
    if lack := missing():
        return [Figure("compiled", f"not measured: {lack}")]
    found = [Pass(*row) for row in measured("bench.rules", str(sizes.rules_events))]
    return [
        *_figures(found, sizes.rules_events, "compiled"),
        *(
            ratio(f"`{before.policy}`, interpreted over compiled", before.seconds, after.seconds)
            for before, after in zip(interpreted, found, strict=True)
        ),
    ]


if __name__ == "__main__":
    assert not outcome.__file__.endswith(".py"), "these are not the compiled rules"
    json.dump(_passes(int(sys.argv[1])), sys.stdout)
