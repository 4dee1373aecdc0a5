"""The rules alone: whole orders evaluated from their events."""

from __future__ import annotations

from collections import defaultdict
from time import perf_counter

from bench.city import month
from bench.figures import Figure, Result, Sizes, per_second, ratio
from schemas.codec import decode_event
from schemas.records import Event
from services.domain.outcome import evaluate
from services.domain.policy import load_policy, preset

_POLICIES = ("beijing-district", "on-time")


def measure(sizes: Sizes) -> Result:
    """Evaluate every order of the demo city once under each policy."""
    orders: dict[str, list[Event]] = defaultdict(list)
    for raw in month(sizes.rules_events):
        event = decode_event(raw).event
        orders[event.subject].append(event)
    histories = list(orders.values())
    figures: list[Figure] = []
    seconds: list[float] = []
    for name in _POLICIES:
        policy = load_policy(preset(name))
        began = perf_counter()
        spans = sum(len(evaluate(events, policy).spans) for events in histories)
        seconds.append(perf_counter() - began)
        figures += (
            per_second(f"`{name}`", len(histories), seconds[-1], "orders/s"),
            Figure(
                f"`{name}`, in events",
                f"{sizes.rules_events / seconds[-1]:,.0f} events/s; "
                f"{spans / len(histories):.1f} spans an order",
            ),
        )
    mean = sizes.rules_events / len(histories)
    return Result(
        "Rules",
        f"{len(histories):,} orders of the demo city with {mean:.1f} events on the average, each "
        "evaluated whole; one thread.",
        (*figures, ratio("time of `beijing-district` over `on-time`", *seconds)),
        "One core: pure Python. A shard evaluates an order once a flush, however many of its "
        "events the flush holds.",
    )
