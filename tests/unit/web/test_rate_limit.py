"""Token buckets: what is let in at which instant."""

from __future__ import annotations

from services.web.access.rate_limit import MOST_BUCKETS, RateLimit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    limit = RateLimit(2, clock)

    assert [limit.wait("a") for _ in range(21)] == [0] * 20 + [1]
    clock.now = 0.5
    assert [limit.wait("a"), limit.wait("a")] == [0, 1]
    clock.now = 1000
    assert [limit.wait("a") for _ in range(21)] == [0] * 20 + [1]


def test_refused_requests_cost_nothing() -> None:
    clock = Clock()
    limit = RateLimit(1 / 64, clock)

    assert limit.wait("a") == 0
    assert [limit.wait("a") for _ in range(3)] == [64] * 3
    clock.now = 63
    assert limit.wait("a") == 1
    clock.now = 64
    assert limit.wait("a") == 0


def test_everybody_has_a_bucket_and_memory_is_bounded() -> None:
    limit = RateLimit(1 / 64, Clock())

    assert limit.wait("first") == 0
    assert limit.wait("first") > 0
    for number in range(MOST_BUCKETS):
        assert limit.wait(f"{number}") == 0
    assert limit.wait("first") == 0, "forgotten, as the one used longest ago"
    assert limit.wait(f"{MOST_BUCKETS - 1}") > 0


def test_without_a_rate_all_are_let_in() -> None:
    limit = RateLimit(0)

    assert {limit.wait("a") for _ in range(1000)} == {0}


def test_the_policy_is_told_in_whole_seconds() -> None:
    assert RateLimit(100).policy == '"requests";q=1000;w=10'
