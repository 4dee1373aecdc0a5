"""The totals of cycles are the counters of their quarter hours, added up."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import DAY, MINUTE, QUARTER_HOUR, Instant, parse_instant
from schemas.records import CYCLE_TOTAL, ZERO, CounterKey, Sums
from services.scoring.totals import CycleTotals
from tests.unit.scoring.support import POLICY

CYCLE: Instant = parse_instant("2026-06-19T00:00:00+08:00")
NEXT: Instant = parse_instant("2026-07-19T00:00:00+08:00")


def key(bucket: Instant, ranking: str = "lead") -> CounterKey:
    return CounterKey(ranking, "110101001", "volume", bucket)


def total(begins_at: Instant, ranking: str = "lead") -> CounterKey:
    return key(begins_at, ranking + CYCLE_TOTAL)


def test_a_counter_belongs_to_the_cycle_of_its_first_instant() -> None:
    totals = CycleTotals(POLICY, {})
    assert totals.key(key(CYCLE)) == total(CYCLE)
    assert totals.key(key(NEXT - QUARTER_HOUR)) == total(CYCLE)
    assert totals.key(key(NEXT, "line")) == total(NEXT, "line")


def test_what_did_not_change_is_not_told_and_what_became_zero_is() -> None:
    totals = CycleTotals(POLICY, {key(CYCLE): Sums(1, 900), key(NEXT): Sums(2, 0)})
    moved = {key(CYCLE): Sums(-1, -900), key(CYCLE + DAY): Sums(1, 900)}
    assert totals.add(moved) == {}
    gone = {key(NEXT + 15 * MINUTE): Sums(-2, 0), key(CYCLE): Sums(1, 100)}
    assert totals.add(gone) == {total(NEXT): ZERO, total(CYCLE): Sums(2, 1000)}
    assert totals.sums == {total(CYCLE): Sums(2, 1000)}


_DELTAS = st.dictionaries(
    st.builds(key, st.integers(0, 9_000).map(lambda n: CYCLE + n * QUARTER_HOUR)),
    st.builds(Sums, st.integers(-3, 3), st.integers(-3000, 3000)),
    max_size=12,
)


@given(st.lists(_DELTAS, max_size=6))
def test_added_step_by_step_they_are_the_sums_of_all(steps: list[dict[CounterKey, Sums]]) -> None:
    totals = CycleTotals(POLICY, {})
    told: dict[CounterKey, Sums] = {}
    denominators: Counter[CounterKey] = Counter()
    numerators: Counter[CounterKey] = Counter()
    for deltas in steps:
        told |= totals.add(deltas)
        for each, delta in deltas.items():
            denominators[each] += delta.denominator
            numerators[each] += delta.numerator
    counters = {each: Sums(denominators[each], numerators[each]) for each in denominators}
    anew = CycleTotals(POLICY, counters).sums
    assert totals.sums == anew
    assert {each: sums for each, sums in told.items() if sums != ZERO} == anew
