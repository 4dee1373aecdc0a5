"""Processes that evaluate orders: what they add up, and how they end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import orjson
import pytest

from schemas.instants import DAY, Instant
from schemas.records import Event
from services.api.what_if.crew import Block, Stopped, WorkerLostError, count
from services.api.what_if.worker import Task
from services.domain.in_force import Tally
from services.domain.policy import load_policy, preset
from services.domain.windows import window
from tests.oracle.agreement import case
from tests.support.random_orders import random_order
from tests.support.workers import workers

DOCUMENT = preset("beijing-district")
POLICY = load_policy(DOCUMENT)


def lines(orders: Sequence[Sequence[Event]]) -> bytes:
    """As the engine writes them."""
    rows = [[*each[:-1], ""] for events in orders for each in events]
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def drawn(count_: int, first: int = 0) -> list[list[Event]]:
    world = case("beijing-district").world
    return [random_order(Random(n), world, f"{n:04d}") for n in range(first, first + count_)]


def year(orders: Sequence[Sequence[Event]]) -> tuple[Task, Instant]:
    at = orders[0][0].occurred_at
    of = window(POLICY, "year", None, at)
    return Task(DOCUMENT, of, "lead"), of.ends_at + 400 * DAY


def test_the_sums_of_all_processes_are_those_of_one() -> None:
    parts = [drawn(7, first) for first in range(0, 42, 7)]
    task, at = year(parts[0])
    told: list[int] = []

    found = count(task, [(at, lines(part)) for part in parts], told.append, lambda: True, workers=2)

    tally = Tally(POLICY, task.window, task.ranking)
    for events in (events for part in parts for events in part):
        tally.add(events, at)
    assert found.sums == tally.sums() != {}
    assert found.not_evaluable == ()
    assert told == [7] * 6
    assert workers() == []


def test_who_is_not_wanted_any_more_ends() -> None:
    orders = drawn(3)
    task, at = year(orders)
    wanted = iter([True, True, False])

    def endless() -> Iterator[Block]:
        while True:
            yield at, lines(orders)

    with pytest.raises(Stopped):
        count(task, endless(), lambda _: None, lambda: next(wanted), workers=1)
    assert workers() == []


def test_a_process_that_dies_is_told() -> None:
    task, at = year(drawn(1))

    with pytest.raises(WorkerLostError):
        count(task, [(at, b"Code: 241. no lines of orders\n")], lambda _: None, lambda: True)
    assert workers() == []


def test_without_orders_there_are_no_sums() -> None:
    task, _ = year(drawn(1))

    found = count(task, [], lambda _: None, lambda: True, workers=1)

    assert found.sums == {}
