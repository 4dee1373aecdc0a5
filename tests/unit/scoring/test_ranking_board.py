from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import QUARTER_HOUR
from schemas.records import ZERO, CounterKey, Fence, FlushMark, Position, Sums
from services.domain.windows import Window
from services.scoring.ranking_board import RankingBoard, Verdict, View
from services.scoring.rates import RatesMessage

WINDOW = Window("cycle", "2026-07", 0, 8 * QUARTER_HOUR)
VIEW = View("lead", WINDOW)
RULESET = 1


def mark(token: int, flush: int, clock: int = 0) -> FlushMark:
    return FlushMark(Fence(0, token), flush, Position(0, flush), clock)


def key(bucket: int, unit: str = "u", ranking: str = "lead") -> CounterKey:
    return CounterKey(ranking, unit, "volume", bucket * QUARTER_HOUR)


def message(
    shard: int,
    token: int,
    flush: int,
    counters: dict[CounterKey, Sums],
    *,
    part: int = 0,
    parts: int = 1,
) -> RatesMessage:
    return RatesMessage(shard, RULESET, mark(token, flush), part, parts, counters)


def board(shards: int = 1) -> RankingBoard:
    opened = RankingBoard(RULESET, shards)
    opened.open([VIEW])
    for shard in range(shards):
        opened.load(shard, mark(1, 1), {})
    return opened


def volume(of: RankingBoard, unit: str = "u", view: View = VIEW) -> int:
    return of.sums(view).get((unit, "volume"), ZERO).denominator


def test_it_ranks_only_when_every_shard_is_there() -> None:
    opened = RankingBoard(RULESET, 2)
    opened.open([VIEW])
    opened.load(0, mark(1, 1), {})
    assert not opened.complete()
    opened.load(1, mark(1, 1), {})
    assert opened.complete()


def test_the_next_flush_is_applied_and_repeated_in_vain() -> None:
    opened = board()
    assert opened.accept(message(0, 1, 2, {key(0): Sums(3, 0)})) is Verdict.APPLIED
    assert opened.accept(message(0, 1, 2, {key(0): Sums(3, 0)})) is Verdict.OLD
    assert volume(opened) == 3


def test_values_are_absolute_and_may_become_zero() -> None:
    opened = board(2)
    opened.accept(message(0, 1, 2, {key(0): Sums(3, 0), key(1): Sums(2, 0)}))
    opened.accept(message(1, 1, 2, {key(0): Sums(10, 0)}))
    opened.accept(message(0, 1, 3, {key(0): Sums(1, 0), key(1): ZERO}))
    assert volume(opened) == 11


def test_a_gap_and_a_newer_fence_want_a_reload_and_an_older_fence_is_ignored() -> None:
    opened = board()
    assert opened.accept(message(0, 1, 3, {key(0): Sums(1, 0)})) is Verdict.RELOAD
    assert opened.accept(message(0, 2, 1, {key(0): Sums(1, 0)})) is Verdict.RELOAD
    opened.load(0, mark(2, 5), {key(0): Sums(7, 0)})
    assert opened.accept(message(0, 1, 6, {key(0): Sums(99, 0)})) is Verdict.OLD
    assert volume(opened) == 7


def test_a_reload_replaces_what_was_known() -> None:
    opened = board()
    opened.accept(message(0, 1, 2, {key(0): Sums(3, 0), key(1): Sums(4, 0)}))
    opened.load(0, mark(2, 1), {key(1): Sums(5, 0)})
    assert volume(opened) == 5


def test_a_flush_counts_when_all_its_parts_are_there() -> None:
    opened = board()
    opened.accept(message(0, 1, 2, {key(0): Sums(1, 0)}, part=0, parts=2))
    assert volume(opened) == 0
    opened.accept(message(0, 1, 2, {key(1): Sums(2, 0)}, part=1, parts=2))
    assert volume(opened) == 3


def test_what_lies_outside_the_window_or_in_another_ranking_is_left_out() -> None:
    opened = board()
    counters = {key(7): Sums(1, 0), key(8): Sums(2, 0), key(-1): Sums(4, 0)}
    opened.accept(message(0, 1, 2, counters | {key(3, ranking="line"): Sums(8, 0)}))
    assert volume(opened) == 1


def test_another_ruleset_is_ignored() -> None:
    opened = board()
    other = message(0, 1, 2, {key(0): Sums(1, 0)})._replace(ruleset=2)
    assert opened.accept(other) is Verdict.OLD
    assert volume(opened) == 0


def test_as_of_is_what_every_shard_has_reached() -> None:
    opened = RankingBoard(RULESET, 2)
    opened.open([VIEW])
    opened.load(0, mark(1, 1, clock=500), {})
    opened.load(1, mark(1, 1, clock=300), {})
    assert opened.as_of() == 300


def test_several_views_are_summed_and_later_ones_need_no_load() -> None:
    opened = board()
    early = View("lead", Window("24h", "24h", 0, 2 * QUARTER_HOUR))
    line = View("line", WINDOW)
    assert not opened.open([VIEW, early, line])
    counters = {key(0): Sums(1, 0), key(3): Sums(2, 0), key(4, ranking="line"): Sums(8, 0)}
    opened.accept(message(0, 1, 2, counters))
    assert [volume(opened, view=view) for view in (VIEW, early, line)] == [3, 1, 8]

    later = View("lead", Window("24h", "24h", QUARTER_HOUR, 5 * QUARTER_HOUR))
    assert not opened.open([later])
    assert opened.complete()
    assert volume(opened, view=later) == 2
    opened.accept(message(0, 1, 3, {key(3): Sums(5, 0), key(0): Sums(9, 0)}))
    assert volume(opened, view=later) == 5


def test_a_view_that_begins_earlier_needs_every_shard_again() -> None:
    opened = board()
    assert opened.open([View("lead", WINDOW._replace(begins_at=-QUARTER_HOUR))])
    assert not opened.complete()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            st.dictionaries(
                st.builds(key, st.integers(0, 3), st.sampled_from("uv")),
                st.builds(Sums, st.integers(0, 3), st.just(0)),
                max_size=4,
            ),
        ),
        max_size=12,
    )
)
def test_the_sums_are_those_of_the_last_value_of_every_counter(
    flushes: list[tuple[int, dict[CounterKey, Sums]]],
) -> None:
    opened = board(2)
    numbers = Counter({0: 1, 1: 1})
    last: dict[tuple[int, CounterKey], Sums] = {}
    for shard, counters in flushes:
        numbers[shard] += 1
        assert opened.accept(message(shard, 1, numbers[shard], counters)) is Verdict.APPLIED
        last |= {(shard, k): sums for k, sums in counters.items()}
    for unit in "uv":
        assert volume(opened, unit) == sum(
            sums.denominator for (_, k), sums in last.items() if k.unit == unit
        )
