"""The engine and the obvious rules say the same, whenever something happens and just before.

`python -m tests.oracle` compares many more orders.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings

from schemas.records import Event
from services.domain.outcome import evaluate
from tests.oracle.agreement import Case, case, difference, disagreement, names
from tests.oracle.slow import Oracle
from tests.support.orders import events_of_order
from tests.support.random_orders import random_order

ORDERS = 1_000


@pytest.fixture(params=names(), scope="module")
def of(request: pytest.FixtureRequest) -> Case:
    return case(request.param)


def test_random_orders(of: Case) -> None:
    for seed in range(ORDERS):
        found = disagreement(of, seed)
        assert found is None, f"seed {seed}: {found}"


@settings(max_examples=25)
@given(events=events_of_order())
def test_orders_on_a_coarse_grid(of: Case, events: list[Event]) -> None:
    assert difference(events, of, Random(0)) is None


def test_something_changes_at_every_boundary(of: Case) -> None:
    for seed in range(60):
        events = random_order(Random(seed), of.world)
        oracle = Oracle(events, of.versions)
        for boundary in evaluate(events, of.policy).boundaries:
            assert oracle.contributions(boundary) != oracle.contributions(boundary - 1)
