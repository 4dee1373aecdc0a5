from __future__ import annotations

from services.scoring.pace import Pace


def test_a_shard_that_flushes_quickly_rests_for_the_interval() -> None:
    assert Pace().rest(0, took=0.03, interval=0.1) == 0.1


def test_a_shard_rests_half_as_long_as_all_shards_here_took_last() -> None:
    pace = Pace()
    pace.rest(0, took=9.0, interval=0.1)
    assert pace.rest(0, took=0.5, interval=0.1) == 0.25
    assert pace.rest(1, took=1.0, interval=0.1) == 0.75


def test_a_second_at_most_unless_the_interval_is_longer() -> None:
    assert Pace().rest(0, took=30.0, interval=0.1) == 1.0
    assert Pace().rest(0, took=30.0, interval=5.0) == 5.0


def test_a_shard_that_went_elsewhere_does_not_count() -> None:
    pace = Pace()
    pace.rest(0, took=0.5, interval=0.1)
    pace.forget(0)
    pace.forget(7)
    assert pace.rest(1, took=0.5, interval=0.1) == 0.25
