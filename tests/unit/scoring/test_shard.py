from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import REASONS
from schemas.instants import DAY, HOUR, MINUTE
from schemas.records import Event, LoggedEvent, OrderRow, Position
from schemas.topics import partition_of
from services.scoring.folding import fold_order
from services.scoring.order_state import OrderState
from services.scoring.shard import Shard
from tests.unit.scoring.support import POLICY, START, Memory, event, expected, logged

UNITS = ("110101001", "110101002")


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Few orders, few ids: duplicates and conflicts are frequent."""
    type_ = draw(st.sampled_from(("received", "dispatched", "resolved", "callback")))
    data: dict[str, Any] | None = None
    if type_ in ("dispatched", "resolved"):
        data = {"unit": draw(st.sampled_from(UNITS))}
    return event(
        draw(st.sampled_from(("a", "b", "c"))),
        f"{type_}-{draw(st.integers(0, 1))}",
        type_,
        draw(st.sampled_from((0, MINUTE, HOUR, DAY, 8 * DAY))),
        data,
    )


@st.composite
def logs(draw: st.DrawFn) -> list[LoggedEvent]:
    items = draw(st.lists(events(), min_size=1, max_size=24))
    offset, index, log = 0, 0, []
    for item in items:
        if draw(st.booleans()):
            offset, index = offset + 1, 0
        else:
            index += 1
        log.append(logged(item, offset, index))
    return log


class Run:
    """One way through a log: how it is cut, when the clock moves, when the worker dies."""

    def __init__(self, capacity: int) -> None:
        self.memory = Memory()
        self.capacity = capacity
        self.shard = self.memory.shard(START, capacity)

    def restart(self) -> None:
        self.shard = self.memory.shard(self.shard.clock, self.capacity)


@settings(max_examples=150)
@given(log=logs(), data=st.data(), capacity=st.sampled_from((1, 2, 100)))
def test_counters_are_the_sums_of_the_orders_however_the_log_is_cut(
    log: list[LoggedEvent], data: st.DataObject, capacity: int
) -> None:
    run = Run(capacity)
    rest = list(log)
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        now = run.shard.clock + data.draw(
            st.sampled_from((-HOUR, 0, MINUTE, 2 * HOUR, 7 * DAY, 30 * DAY))
        )
        run.memory.cycle(run.shard, now, rest[:size])
        seen = log[: len(log) - len(rest) + size]
        again = data.draw(st.lists(st.sampled_from(seen), max_size=3))
        run.memory.cycle(run.shard, now, again)
        if data.draw(st.booleans()):
            run.restart()
        rest = rest[size:]
    assert dict(run.shard.counters) == run.memory.counters
    assert run.memory.counters == expected(log, run.shard.clock)


@settings(max_examples=60)
@given(log=logs(), seed=st.integers(0, 1 << 30))
def test_arrival_order_and_duplicates_change_nothing(log: list[LoggedEvent], seed: int) -> None:
    rng = random.Random(seed)
    shuffled = [*log, *rng.choices(log, k=len(log))]
    rng.shuffle(shuffled)
    one, other = Run(100), Run(1)
    one.memory.cycle(one.shard, START + 9 * DAY, log)
    for item in shuffled:
        other.memory.cycle(other.shard, START + 9 * DAY, [item])
    assert one.memory.counters == other.memory.counters
    assert {s: r.folded for s, r in one.memory.rows.items()} == {
        s: r.folded for s, r in other.memory.rows.items()
    }


def test_of_two_contents_the_lower_position_counts_and_the_other_is_named() -> None:
    memory = Memory()
    shard = memory.shard(START, 100)
    first = logged(event("a", "1", "received", 0, {"demand_type": "help"}), 0)
    second = logged(event("a", "1", "received", 0, {"demand_type": "thanks"}), 1)
    memory.cycle(shard, START, [first, second])
    assert memory.rows["a"].outcome.summary.demand_type == "help"
    assert memory.dead == {(1, 0, "id_conflict")}
    assert len(memory.events["a"]) == 2  # both contents are kept


def test_a_lower_position_that_comes_later_takes_over() -> None:
    memory = Memory()
    shard = memory.shard(START, 100)
    memory.cycle(shard, START, [logged(event("a", "1", "received", 0, {"demand_type": "help"}), 5)])
    memory.cycle(
        shard, START, [logged(event("a", "1", "received", 0, {"demand_type": "thanks"}), 2)]
    )
    assert memory.rows["a"].outcome.summary.demand_type == "thanks"
    assert memory.dead == {(5, 0, "id_conflict")}


def test_a_repeated_loser_is_named_again_and_a_repeated_winner_is_not() -> None:
    memory = Memory()
    shard = memory.shard(START, 1)
    winner = event("a", "1", "received", 0, {"demand_type": "help"})
    loser = event("a", "1", "received", 0, {"demand_type": "thanks"})
    memory.cycle(shard, START, [logged(winner, 0), logged(loser, 1)])
    memory.cycle(shard, START, [logged(event("b", "1", "received", 0), 2)])  # evicts a
    changes = memory.cycle(shard, START, [logged(winner, 3), logged(loser, 4)])
    assert memory.dead == {(1, 0, "id_conflict"), (4, 0, "id_conflict")}
    assert not changes.events
    assert not changes.orders


def test_an_order_of_another_partition_is_a_dead_letter_and_its_neighbour_counts() -> None:
    mine = next(s for s in map(str, range(99)) if partition_of(s, 2) == 0)
    foreign = next(s for s in map(str, range(99)) if partition_of(s, 2) == 1)
    memory = Memory(partitions=2)
    shard = memory.shard(START, 100)
    memory.cycle(
        shard,
        START,
        [
            logged(event(foreign, "1", "received", 0), 0, 0),
            logged(event(mine, "1", "received", 0), 0, 1),
        ],
    )
    assert memory.dead == {(0, 0, "wrong_partition")}
    assert list(memory.rows) == [mine]
    assert memory.position == Position(0, 0)


def test_a_deadline_passes_without_an_event_and_without_a_hot_order() -> None:
    memory = Memory()
    shard = memory.shard(START, 1)
    memory.cycle(
        shard,
        START + MINUTE,
        [
            logged(event("a", "1", "received", 0), 0),
            logged(event("a", "2", "dispatched", 0, {"unit": UNITS[0]}), 1),
            logged(event("b", "1", "received", 0), 2),
        ],
    )
    assert _count(shard, "overdue") == 0
    for day in range(1, 10):
        memory.cycle(shard, START + day * DAY, [])
    assert _count(shard, "overdue") == 1
    assert _count(shard, "open") == 2


def test_the_clock_never_goes_backwards() -> None:
    memory = Memory()
    shard = memory.shard(START, 1)
    memory.cycle(shard, START + HOUR, [])
    assert memory.cycle(shard, START, []).clock == START + HOUR


def test_the_clock_does_not_pass_the_horizon() -> None:
    shard = Memory().shard(START, 1)

    def nothing(_subjects: object) -> dict[str, OrderRow]:
        return {}

    with pytest.raises(ValueError, match="refilled"):
        shard.advance(START + 1, nothing)


def test_orders_that_another_lane_has_stored_events_of_are_folded_again() -> None:
    one, other = Memory(), Memory()
    first = [logged(event("a", "1", "received", 0), 0), logged(event("b", "1", "received", 0), 1)]
    more = [logged(event("a", "2", "dispatched", 1), 2), logged(event("c", "1", "received", 2), 3)]
    shard, behind = one.shard(START, 100), other.shard(START, 1)
    one.cycle(shard, START + DAY, first)
    other.cycle(behind, START + DAY, first)
    one.cycle(shard, START + DAY, more)

    behind.admit(["a", "c"], other.rows, one.events)
    behind.refold(["a", "c"])
    behind.move_to(more[-1].position)
    changes = behind.settle()

    assert {row.subject for row in changes.orders} == {"a", "c"}
    assert changes.events == []
    assert behind.counters == shard.counters == expected([*first, *more], START + DAY)
    assert changes.position == more[-1].position


def _count(shard: Shard, name: str) -> int:
    return sum(s.denominator for key, s in shard.counters.items() if key.indicator == name)


def test_the_policy_of_these_tests_has_the_three_rates() -> None:
    assert {*POLICY.versions[-1].codes} >= {"response", "resolution", "satisfaction"}


def test_an_order_that_cannot_be_evaluated_is_logged_without_what_it_holds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Events of the archive may come from a version that let through what this one does not."""
    received = event("a", "1", "received", 0)._replace(data={"resolve_due": "张三 tomorrow"})
    memory = Memory()
    shard = memory.shard(START, 100)
    memory.cycle(shard, START, [logged(received, 0), logged(event("b", "2", "received", 0), 1)])
    assert memory.dead == {(0, 0, "not_evaluable")}
    assert "not_evaluable" in REASONS  # and so in docs/events.md
    assert set(memory.rows) == {"b"}
    assert fold_order("a", OrderState(memory.events["a"], None), POLICY) is None
    assert "ValueError" in caplog.text
    assert "张三" not in caplog.text
