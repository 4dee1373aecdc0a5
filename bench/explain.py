"""Explaining one order: the fold with all it changed, deadlines, causes, and every sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from time import perf_counter
from typing import Any, Final

from bench.figures import Figure, Result, Sizes, quantiles, ratio
from schemas.codec import decode_event
from schemas.instants import DAY
from schemas.records import Event
from services.domain.explanation import explain
from services.domain.outcome import evaluate
from services.domain.policy import Policy, load_policy, preset
from services.domain.sentences import Writer

_POLICIES: Final = ("beijing-district", "jungar", "shandong")
_GOAL_MS: Final = 5
_UNIT: Final = "110101001"
_DECIDED: Final = {"unit": _UNIT, "decision": "approved"}
_YES: Final = {"contacted": "yes", "solved": "yes", "satisfaction": "satisfied"}
_NO: Final = {"contacted": "yes", "solved": "no", "satisfaction": "dissatisfied"}

# Hours after the order was received, type, data: an order that has seen everything.
_LIFE: Final[tuple[tuple[int, str, dict[str, Any]], ...]] = (
    (0, "received", {"demand_type": "complaint", "urgency": "normal", "category": ["环境"]}),
    (0, "dispatched", {"unit": _UNIT}),
    (1, "signed", {"unit": _UNIT}),
    (5, "contacted", {"unit": _UNIT, "evidence": ["photo/1"]}),
    (20, "linked", {"order": "other", "relation": "repeat"}),
    (26, "extended", _DECIDED | {"resolve_due": "2026-09-30T16:00:00Z"}),
    (50, "suspended", _DECIDED),
    (98, "resumed", {"unit": _UNIT}),
    (120, "resolved", {"unit": _UNIT}),
    (170, "callback", {"attempt": 1, "reached": False, "unreached_reason": "no_answer"}),
    (194, "callback", {"attempt": 2, "reached": True, "answers": _NO}),
    (200, "reopened", {"unit": _UNIT, "round": 2}),
    (201, "dispatched", {"unit": _UNIT, "round": 2}),
    (203, "signed", {"unit": _UNIT}),
    (220, "contacted", {"unit": _UNIT}),
    (260, "resolved", {"unit": _UNIT, "evidence": ["photo/2"]}),
    (290, "callback", {"attempt": 3, "reached": True, "answers": _YES}),
    (300, "excluded", {"ground": "force_majeure", "indicators": ["satisfaction"]}),
    (310, "reinstated", {"indicators": ["satisfaction"]}),
    (320, "corrected", {"event": "e2", "field": "time", "new": "2026-09-01T01:30:00Z"}),
)


def measure(sizes: Sizes) -> Result:
    """Explain orders of 20 events, each with all its sentences in both languages."""
    began = datetime(2026, 9, 1, tzinfo=UTC)
    orders = [_order(began + timedelta(minutes=7 * n)) for n in range(50)]
    figures: list[Figure] = []
    explained = evaluated = 0.0
    for name in _POLICIES:
        policy = load_policy(preset(name))
        seconds = []
        for events in islice(cycle(orders), sizes.explained_orders):
            started = perf_counter()
            _tell(events, policy)
            seconds.append(perf_counter() - started)
            evaluate(events, policy)
            evaluated += perf_counter() - started - seconds[-1]
        explained += sum(seconds)
        figures.append(quantiles(f"`{name}`, one order", seconds))
    return Result(
        "Explain",
        f"Orders of {len(_LIFE)} events explained one after the other: every step, deadline, "
        "contribution and sentence in both languages; one thread, no storage, no HTTP.",
        (*figures, ratio("time of explaining over evaluating", explained, evaluated)),
        "One core: pure Python. An order is folded once more until the instant asked for.",
        f"Less than {_GOAL_MS} ms an order.",
    )


def _order(began: datetime) -> list[Event]:
    found = []
    for number, (hours, type_, data) in enumerate(_LIFE):
        told = {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "bench",
            "type": f"workorder.{type_}",
            "subject": "explained",
            "time": (began + timedelta(hours=hours)).isoformat(),
            "data": data,
        }
        found.append(decode_event(told).event)
    return found


def _tell(events: list[Event], policy: Policy) -> int:
    """Explain an order and write every sentence; returns how many they are."""
    explanation = explain(events, policy, events[-1].occurred_at + DAY)
    writer = Writer(explanation, policy.time_zone, lambda _code: "东华门街道")
    told = [writer.state(), writer.headline()]
    told += [writer.judgement(each) for each in explanation.judgements]
    told += [writer.deadline(each) for each in explanation.deadlines]
    for step in explanation.steps:
        told += [line for entry in step.entries for line in writer.entry(entry)]
        told += [writer.passed(each) for each in step.passed]
        told += [writer.deadline(each) for each in step.deadlines]
        told += [writer.contribution(each) for each in (*step.began, *step.ended)]
    return len(told)
