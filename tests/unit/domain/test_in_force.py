"""Sums at one instant are those of the whole way that leads there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

import pytest

from schemas.instants import DAY, Instant
from schemas.records import Event, Sums
from services.domain.in_force import Tally, UnitName
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import Policy
from services.domain.windows import Window, custom_window, window
from tests.oracle.agreement import case, names
from tests.support.random_orders import random_order

ORDERS: Final = 40


def evaluated(
    orders: Sequence[Sequence[Event]], policy: Policy, of: Window, ranking: str, at: Instant
) -> dict[UnitName, Sums]:
    """The sums by `evaluate`, as the counters hold them."""
    found: defaultdict[UnitName, list[int]] = defaultdict(lambda: [0, 0])
    for events in orders:
        for one in contributions_at(evaluate(events, policy).spans, at):
            if one.ranking == ranking and of.begins_at <= one.attributed_at < of.ends_at:
                found[one.unit, one.indicator][0] += one.denominator
                found[one.unit, one.indicator][1] += one.numerator
    return {key: Sums(*both) for key, both in found.items()}


def instants(orders: Sequence[Sequence[Event]], policy: Policy, rng: Random) -> Iterator[Instant]:
    """Some of the instants at which something changes, just before them, and after everything."""
    edges = sorted({at for events in orders for at in evaluate(events, policy).boundaries})
    for edge in rng.sample(edges, 6):
        yield edge
        yield edge - 1
    yield edges[-1] + 400 * DAY


@pytest.mark.parametrize("name", names())
def test_the_sums_are_those_of_evaluate(name: str) -> None:
    policy, rng = case(name).policy, Random(name)
    orders = [random_order(rng, case(name).world, str(number)) for number in range(ORDERS)]
    seen = 0
    for at in instants(orders, policy, rng):
        event = rng.choice(rng.choice(orders))
        for of in (
            window(policy, "cycle", None, event.occurred_at),
            window(policy, "year", None, event.occurred_at),
            custom_window(event.occurred_at - DAY, event.occurred_at + 1),
        ):
            for ranking in ("lead", "line"):
                tally = Tally(policy, of, ranking)
                for events in orders:
                    tally.add(events, at)
                expected = evaluated(orders, policy, of, ranking, at)
                assert tally.sums() == expected
                seen += len(expected)
    assert seen > ORDERS


def test_arrival_order_and_repetitions_change_nothing() -> None:
    of, policy = case("pausing"), case("pausing").policy
    rng = Random(7)
    events = random_order(rng, of.world)
    year = window(policy, "year", None, events[0].occurred_at)
    ordered, shuffled = Tally(policy, year, "lead"), Tally(policy, year, "lead")

    ordered.add(sorted(events), year.ends_at)
    shuffled.add([*rng.sample(events, len(events)), events[0]], year.ends_at)

    assert ordered.sums() == shuffled.sums() != {}


def test_nothing_is_in_force_before_the_first_event() -> None:
    of, policy = case("on-time"), case("on-time").policy
    events = random_order(Random(3), of.world)
    first = evaluate(events, policy).boundaries[0]
    tally = Tally(policy, window(policy, "year", None, first), "lead")

    tally.add(events, first - 1)
    assert tally.sums() == {}
    tally.add([], first)
    assert tally.sums() == {}
