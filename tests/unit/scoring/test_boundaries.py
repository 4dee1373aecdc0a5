from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.boundaries import Boundaries

FAR = 1_000


def test_what_the_clock_passes_is_due_once_and_only_that() -> None:
    boundaries = Boundaries(0, 10)
    boundaries.refill([(5, "b"), (3, "a"), (9, "c")], FAR)
    boundaries.add(4, "a")
    assert boundaries.pass_to(5) == {"a", "b"}
    assert boundaries.pass_to(8) == set()
    assert boundaries.pass_to(9) == {"c"}
    assert len(boundaries) == 0


def test_nothing_behind_the_horizon_is_kept() -> None:
    boundaries = Boundaries(0, 10)
    boundaries.refill([], 7)
    boundaries.add(8, "a")
    assert len(boundaries) == 0


def test_an_order_that_is_folded_again_and_again_is_kept_once() -> None:
    boundaries = Boundaries(0, 10)
    boundaries.refill([], FAR)
    for _ in range(1_000):
        boundaries.add(5, "a")
    assert len(boundaries) <= 20
    assert boundaries.horizon == FAR
    assert boundaries.pass_to(5) == {"a"}


def test_when_there_are_too_many_the_horizon_comes_nearer() -> None:
    boundaries = Boundaries(0, 10)
    boundaries.refill([], FAR)
    for at in range(100, 0, -1):
        boundaries.add(at, f"order {at}")
    assert len(boundaries) <= 20
    assert boundaries.horizon < FAR
    due = boundaries.pass_to(boundaries.horizon)
    assert due == {f"order {at}" for at in range(1, boundaries.horizon + 1)}


def test_those_of_one_instant_stay_together() -> None:
    boundaries = Boundaries(0, 10)
    boundaries.refill([(5, f"order {n}") for n in range(100)], 5)
    for n in range(100, 300):
        boundaries.add(5, f"order {n}")
    assert boundaries.horizon == 5
    assert boundaries.pass_to(5) == {f"order {n}" for n in range(300)}


@given(
    steps=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), max_size=200),
    limit=st.integers(1, 12),
)
def test_up_to_the_horizon_none_is_missing(steps: list[tuple[int, int]], limit: int) -> None:
    boundaries = Boundaries(0, limit)
    boundaries.refill([], 40)
    for at, order in steps:
        boundaries.add(at, str(order))
    horizon = boundaries.horizon
    wanted = {str(order) for at, order in steps if at <= horizon}
    of_one_instant = max(
        (len({order for at, order in steps if at == instant}) for instant, _ in steps), default=0
    )
    assert len(boundaries) <= 2 * (limit + of_one_instant)
    assert boundaries.pass_to(horizon) == wanted
