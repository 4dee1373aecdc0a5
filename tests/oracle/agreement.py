"""Holding the engine and the oracle against each other on random orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from schemas.instants import DAY, Instant, format_instant
from schemas.records import Contribution, Event
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import load_policy, preset, presets
from tests.oracle.document import versions_of
from tests.oracle.slow import Oracle
from tests.support.random_orders import random_order
from tests.support.worlds import World

SYNTHETIC: Final = Path(__file__).with_name("policies")


class Case:
    """A policy as the engine reads it, as the oracle does, and the world its orders live in."""

    def __init__(self, text: str) -> None:
        self.policy = load_policy(text)
        self.versions = versions_of(text, self.policy.working_days.is_working_day)
        self.world = World(self.versions)

    def __repr__(self) -> str:
        return f"case({self.policy.id!r})"


@dataclass(frozen=True)
class Difference:
    """An order at an instant, and what only one of the two says of it."""

    events: Sequence[Event]
    at: Instant
    engine: Counter[Contribution]
    oracle: Counter[Contribution]

    def __str__(self) -> str:
        told = [
            f"  {format_instant(e.occurred_at)} {e.type} {e.id} {e.data}"
            for e in sorted(self.events)
        ]
        sides = [("engine", self.engine - self.oracle), ("oracle", self.oracle - self.engine)]
        only = [
            f"  only the {name}: {found.ranking} {found.unit} {found.indicator}"
            f" {format_instant(found.attributed_at)} {found.numerator} ({count})"
            for name, side in sides
            for found, count in side.items()
        ]
        lines = [f"at {format_instant(self.at)}", *told, *only]
        return "\n".join(lines)


def names() -> list[str]:
    """The presets, and the documents that use what no preset uses."""
    return [*presets(), *sorted(path.stem for path in SYNTHETIC.glob("*.yaml"))]


@cache
def case(name: str) -> Case:
    own = SYNTHETIC / f"{name}.yaml"
    text = own.read_text(encoding="utf-8") if own.exists() else preset(name)
    return Case(text)


def difference(events: Sequence[Event], case: Case, rng: Random) -> Difference | None:
    """The first instant at which the two do not agree, if there is one."""
    outcome = evaluate(events, case.policy)
    oracle = Oracle(events, case.versions)
    for at in sorted(set(_instants(events, outcome.boundaries, rng))):
        fast = Counter(contributions_at(outcome.flat, at))
        slow = oracle.contributions(at)
        if fast != slow:
            return Difference(events, at, fast, slow)
    return None


def _instants(
    events: Sequence[Event], boundaries: Sequence[Instant], rng: Random
) -> Iterator[Instant]:
    """Every boundary and event, the microsecond before, and some instants at random."""
    edges = {event.occurred_at for event in events} | set(boundaries)
    for edge in edges:
        yield edge
        yield edge - 1
    first, last = min(edges), max(edges)
    yield last + 400 * DAY
    for _ in range(3):
        yield rng.randint(first, last + DAY)


def disagreement(case: Case, seed: int) -> Difference | None:
    """Draw one order and compare; a difference is made as small as it gets."""
    rng = Random(seed)
    found = difference(random_order(rng, case.world), case, rng)
    return None if found is None else _smallest(found, case)


def differences(name: str, seeds: Iterable[int]) -> list[str]:
    """What differs in the orders of these seeds."""
    found = ((seed, disagreement(case(name), seed)) for seed in seeds)
    return [f"seed {seed}: {difference}" for seed, difference in found if difference is not None]


def _smallest(found: Difference, case: Case) -> Difference:
    """Leave out events, then fields, for as long as the two still differ."""
    for smaller in _smaller(found.events):
        still = difference(smaller, case, Random(0))
        if still is not None:
            return _smallest(still, case)
    return found


_NEEDED: Final = {"unit", "reached", "decision", "attempt", "demand_type", "event", "field"}


def _smaller(events: Sequence[Event]) -> Iterator[list[Event]]:
    for number in range(len(events)):
        if len(events) > 1:
            yield [*events[:number], *events[number + 1 :]]
    for number, event in enumerate(events):
        for name in event.data.keys() - _NEEDED:
            data = {key: value for key, value in event.data.items() if key != name}
            yield [*events[:number], event._replace(data=data), *events[number + 1 :]]
