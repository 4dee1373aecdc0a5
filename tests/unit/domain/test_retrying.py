"""When deliveries are tried again."""

from __future__ import annotations

from itertools import pairwise

from schemas.instants import DAY, HOUR, SECOND
from services.domain.retrying import DISABLED_AFTER, PAUSES, gives_up, next_attempt

NOW = 1_790_000_000 * SECOND


def test_pauses_grow_to_hours_and_end_after_a_day() -> None:
    assert all(first <= then for first, then in pairwise(PAUSES))
    assert PAUSES[0] == 5 * SECOND
    assert 20 * HOUR < sum(PAUSES) < 30 * HOUR


def test_jitter_adds_up_to_a_fifth() -> None:
    assert next_attempt(1, NOW, 0) == NOW + 5 * SECOND
    assert next_attempt(1, NOW, 500) == NOW + 5 * SECOND + SECOND // 2
    assert next_attempt(2, NOW, 999) == NOW + 30 * SECOND + 5_994_000


def test_the_attempt_after_the_last_pause_is_the_last() -> None:
    assert next_attempt(len(PAUSES), NOW, 0) == NOW + 8 * HOUR
    assert next_attempt(len(PAUSES) + 1, NOW, 0) is None


def test_an_endpoint_is_given_up_after_days_of_failures_only() -> None:
    assert not gives_up(None, NOW)
    assert not gives_up(NOW - DISABLED_AFTER + 1, NOW)
    assert gives_up(NOW - DISABLED_AFTER, NOW)
    assert DISABLED_AFTER == 3 * DAY
