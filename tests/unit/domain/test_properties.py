"""What must hold for every order, whatever its events, under several policies."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instants import DAY, FOREVER, MINUTE, Instant
from schemas.records import Contribution, CounterKey, Event, Outcome, Sums
from services.domain.outcome import contributions_at, evaluate
from services.domain.windows import window
from tests.oracle.agreement import Case, case
from tests.support.orders import event, events_of_order, local
from tests.support.random_orders import random_order
from tests.support.shards import Run

POLICIES: Final = ("beijing-district", "on-time", "every-denominator", "pausing")
AFTER_ALL: Final = local("2026-12-01 00:00")

quick = settings(max_examples=80)
few = settings(max_examples=20)
seeds = st.integers(0, 1 << 32)


@pytest.fixture(params=POLICIES, scope="module")
def of(request: pytest.FixtureRequest) -> Case:
    return case(request.param)


def drawn(of: Case, seed: int, subject: str = "a") -> list[Event]:
    return random_order(Random(seed), of.world, subject)


def at(outcome: Outcome, instant: Instant) -> Counter[Contribution]:
    return Counter(contributions_at(outcome.spans, instant))


@quick
@given(seed=seeds, data=st.data())
def test_arrival_order_and_repetitions_change_nothing(
    of: Case, seed: int, data: st.DataObject
) -> None:
    events = drawn(of, seed)
    repeated = events + data.draw(st.lists(st.sampled_from(events), max_size=4))
    shuffled = data.draw(st.permutations(repeated))
    assert evaluate(shuffled, of.policy) == evaluate(events, of.policy)
    assert evaluate(iter(shuffled), of.policy) == evaluate(events, of.policy)


@quick
@given(seed=seeds)
def test_at_every_instant_an_order_is_in_one_state_of_one_unit(of: Case, seed: int) -> None:
    outcome = evaluate(drawn(of, seed), of.policy)
    for boundary in outcome.boundaries:
        found = [c for c in at(outcome, boundary) if c.ranking == "lead"]
        volume = [c for c in found if c.indicator == "volume"]
        states = [c for c in found if c.indicator.startswith("state:")]
        incomplete = [c for c in found if c.indicator == "incomplete"]
        assert len(volume) + len(incomplete) == 1
        assert [c._replace(indicator="volume") for c in states] == volume


@few
@given(seed=seeds, kind=st.sampled_from(("cycle", "day", "week", "quarter", "year")))
def test_the_seven_states_add_up_to_the_volume_of_every_unit_and_window(
    of: Case, seed: int, kind: str
) -> None:
    outcomes = [evaluate(drawn(of, seed + n, str(n)), of.policy) for n in range(8)]
    now = max(outcome.boundaries[-1] for outcome in outcomes)
    for instant in (now, Random(seed).choice([b for o in outcomes for b in o.boundaries])):
        found = [c for outcome in outcomes for c in contributions_at(outcome.spans, instant)]
        volume, states = Counter[Any](), Counter[Any]()
        for c in found:
            place = (c.ranking, c.unit, window(of.policy, kind, None, c.attributed_at))
            if c.indicator == "volume":
                volume[place] += c.denominator
            elif c.indicator.startswith("state:"):
                states[place] += c.denominator
        assert states == volume


@quick
@given(seed=seeds)
def test_an_indicator_counts_an_order_once_in_a_ranking(of: Case, seed: int) -> None:
    """So it never counts there for two units at one instant, over versions either."""
    outcome = evaluate(drawn(of, seed), of.policy)
    codes = {code for rules in of.policy.versions for code in rules.codes}
    for boundary in outcome.boundaries:
        found = at(outcome, boundary)
        assert all(c.denominator == 1 and 0 <= c.numerator <= 1000 for c in found)
        rates = [(c.ranking, c.indicator) for c in found.elements() if c.indicator in codes]
        assert len(set(rates)) == len(rates)


@quick
@given(seed=seeds)
def test_spans_are_merged_and_change_only_at_boundaries(of: Case, seed: int) -> None:
    outcome = evaluate(drawn(of, seed), of.policy)
    spans, boundaries = outcome.spans, outcome.boundaries
    assert list(boundaries) == sorted(set(boundaries))
    edges = {span.begins_at for span in spans} | {span.ends_at for span in spans}
    assert edges - {FOREVER} == set(boundaries)
    assert all(span.begins_at < span.ends_at for span in spans)
    # A line department's are cut where the lead changes, and some things may happen twice.
    counted_once = [
        span
        for span in spans
        if span.ranking == "lead" and span.indicator not in ("returned", "reopened")
    ]
    ends = {(span.contribution, span.ends_at) for span in counted_once}
    begins = {(span.contribution, span.begins_at) for span in counted_once}
    assert not ends & begins


@quick
@given(seed=seeds)
def test_what_happens_later_does_not_change_what_was(of: Case, seed: int) -> None:
    """Corrections apart: they say what should have been told."""
    told = sorted(found for found in drawn(of, seed) if found.type != "corrected")
    whole = evaluate(told, of.policy)
    for number in range(1, len(told)):
        known = told[:number]
        instant = told[number].occurred_at - 1
        if instant >= known[-1].occurred_at:
            assert at(evaluate(known, of.policy), instant) == at(whole, instant)


@quick
@given(events=events_of_order(), seed=seeds, codes=st.integers(0, 3))
def test_an_exclusion_that_is_taken_back_leaves_no_trace(
    of: Case, events: list[Event], seed: int, codes: int
) -> None:
    taken = ("excluded", "reinstated", "corrected")
    kept = [e for e in (*events, *drawn(of, seed)) if e.type not in taken]
    kept = [e._replace(id=f"{n}", subject="a") for n, e in enumerate(kept)]
    some = Random(seed).sample(of.world.indicators, min(codes, len(of.world.indicators)))
    listed: dict[str, Any] = {"indicators": some} if some else {}
    ground = Random(seed).choice(of.world.grounds)
    excluded = event("excluded", AFTER_ALL, ground=ground, **listed)
    reinstated = event("reinstated", AFTER_ALL + DAY, **listed)
    before = evaluate(kept, of.policy)
    during = evaluate([*kept, excluded, reinstated], of.policy)
    assert at(during, AFTER_ALL + DAY) == at(before, AFTER_ALL + DAY)
    assert at(during, AFTER_ALL - 1) == at(before, AFTER_ALL - 1)
    if all(rules.document.exclusions is None for rules in of.policy.versions):
        left = {c.indicator for c in at(during, AFTER_ALL)}
        hit = some or of.policy.at(AFTER_ALL).codes
        assert not left & set(hit)


@quick
@given(seed=seeds)
def test_a_withdrawn_event_leaves_no_trace(of: Case, seed: int) -> None:
    kept = [found for found in drawn(of, seed) if found.type != "corrected"]
    target, *others = kept
    withdrawn = event("corrected", AFTER_ALL, source=target.source, event=target.id, field="time")
    if others:
        assert evaluate([*kept, withdrawn], of.policy) == evaluate(others, of.policy)


@few
@given(seed=seeds, partitions=st.integers(2, 4))
def test_the_sums_over_shards_are_those_of_one_shard(of: Case, seed: int, partitions: int) -> None:
    events = [e for n in range(12) for e in drawn(of, seed + n, f"order-{n}")]
    Random(seed).shuffle(events)
    now = Random(seed).choice(events).occurred_at + 3 * DAY
    whole = Run(of.policy, now)
    whole.feed(events)
    total: defaultdict[CounterKey, list[int]] = defaultdict(lambda: [0, 0])
    for partition in range(partitions):
        part = Run(of.policy, now, partition, partitions)
        part.feed(events)
        for key, sums in part.shard.counters.items():
            total[key][0] += sums.denominator
            total[key][1] += sums.numerator
    assert {key: Sums(*sums) for key, sums in total.items()} == dict(whole.shard.counters)


@few
@given(seed=seeds, steps=st.lists(st.integers(-30, 4_000), max_size=12))
def test_the_clock_ends_at_the_same_counters_in_one_step_and_in_many(
    of: Case, seed: int, steps: list[int]
) -> None:
    events = [e for n in range(6) for e in drawn(of, seed + n, f"order-{n}")]
    begin = min(e.occurred_at for e in events) - DAY
    last = max(e.occurred_at for e in events) + 40 * DAY
    one, many = Run(of.policy, begin), Run(of.policy, begin)
    for run in (one, many):
        run.feed(events)
    for step in steps:
        many.advance(min(many.shard.clock + step * 17 * MINUTE, last))
    many.advance(last)
    one.advance(last)
    assert dict(one.shard.counters) == dict(many.shard.counters)
    assert dict(one.shard.counters) == one.sums(events)
