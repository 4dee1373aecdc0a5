"""What must hold for every order, whatever its events."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instants import DAY, FOREVER, Instant
from schemas.records import Contribution, Event, Outcome
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import Policy, load_policy, preset, presets
from tests.support.orders import event, events_of_order, local

POLICIES = {name: load_policy(preset(name)) for name in presets()}
AFTER_ALL = local("2026-12-01 00:00")


@pytest.fixture(params=POLICIES, scope="module")
def policy(request: pytest.FixtureRequest) -> Policy:
    return POLICIES[request.param]


def at(outcome: Outcome, instant: Instant) -> Counter[Contribution]:
    return Counter(contributions_at(outcome.spans, instant))


@settings(max_examples=100, deadline=None)
@given(events=events_of_order(), data=st.data())
def test_arrival_order_and_repetitions_change_nothing(
    policy: Policy, events: list[Event], data: st.DataObject
) -> None:
    repeated = events + data.draw(st.lists(st.sampled_from(events), max_size=4))
    shuffled = data.draw(st.permutations(repeated))
    assert evaluate(shuffled, policy) == evaluate(events, policy)
    assert evaluate(iter(shuffled), policy) == evaluate(events, policy)


@settings(max_examples=100, deadline=None)
@given(events=events_of_order())
def test_the_seven_states_add_up_to_the_volume(policy: Policy, events: list[Event]) -> None:
    outcome = evaluate(events, policy)
    for boundary in outcome.boundaries:
        found = contributions_at(outcome.spans, boundary)
        volume = [c for c in found if c.indicator == "volume"]
        states = [c for c in found if c.indicator.startswith("state:")]
        incomplete = [c for c in found if c.indicator == "incomplete"]
        assert len(volume) + len(incomplete) == 1
        assert len(states) == len(volume)
        if volume:
            assert states[0]._replace(indicator="volume") == volume[0]


@settings(max_examples=100, deadline=None)
@given(events=events_of_order())
def test_indicators_count_only_while_the_order_is_valid(
    policy: Policy, events: list[Event]
) -> None:
    outcome = evaluate(events, policy)
    for boundary in outcome.boundaries:
        found = contributions_at(outcome.spans, boundary)
        rates = [c for c in found if c.indicator in policy.codes]
        assert len({c.indicator for c in rates}) == len(rates)
        assert all(c.denominator == 1 and 0 <= c.numerator <= 1000 for c in found)
        if rates:
            assert "state:valid" in {c.indicator for c in found}


@settings(max_examples=100, deadline=None)
@given(events=events_of_order())
def test_spans_are_merged_and_change_only_at_boundaries(
    policy: Policy, events: list[Event]
) -> None:
    spans, boundaries, _ = evaluate(events, policy)
    assert list(boundaries) == sorted(set(boundaries))
    edges = {span.begins_at for span in spans} | {span.ends_at for span in spans}
    assert edges - {FOREVER} == set(boundaries)
    assert all(span.begins_at < span.ends_at for span in spans)
    counted_once = [s for s in spans if s.contribution.indicator not in ("returned", "reopened")]
    ends = {(span.contribution, span.ends_at) for span in counted_once}
    begins = {(span.contribution, span.begins_at) for span in counted_once}
    assert not ends & begins


@settings(max_examples=100, deadline=None)
@given(events=events_of_order())
def test_what_happens_later_does_not_change_what_was(policy: Policy, events: list[Event]) -> None:
    """Corrections apart: they say what should have been told."""
    told = sorted(found for found in events if found.type != "corrected")
    whole = evaluate(told, policy)
    for number in range(1, len(told)):
        known = told[:number]
        instant = told[number].occurred_at - 1
        if instant >= known[-1].occurred_at:
            assert at(evaluate(known, policy), instant) == at(whole, instant)


@settings(max_examples=100, deadline=None)
@given(
    events=events_of_order(),
    indicators=st.sampled_from([[], ["satisfaction"], ["response", "on_time"]]),
)
def test_an_exclusion_that_is_taken_back_leaves_no_trace(
    policy: Policy, events: list[Event], indicators: list[str]
) -> None:
    kept = [found for found in events if found.type not in ("excluded", "reinstated", "corrected")]
    if not kept:
        return
    listed: dict[str, Any] = {"indicators": indicators} if indicators else {}
    excluded = event("excluded", AFTER_ALL, ground="unreasonable", **listed)
    reinstated = event("reinstated", AFTER_ALL + DAY, **listed)
    before = evaluate(kept, policy)
    during = evaluate([*kept, excluded, reinstated], policy)
    assert at(during, AFTER_ALL + DAY) == at(before, AFTER_ALL + DAY)
    assert at(during, AFTER_ALL - 1) == at(before, AFTER_ALL - 1)
    hit = set(indicators or policy.codes) & set(policy.codes)
    left = {c.indicator for c in at(during, AFTER_ALL)}
    assert not left & hit


@settings(max_examples=100, deadline=None)
@given(events=events_of_order())
def test_a_withdrawn_event_leaves_no_trace(policy: Policy, events: list[Event]) -> None:
    kept = [found for found in events if found.type != "corrected"]
    target, *others = kept
    withdrawn = event("corrected", AFTER_ALL, source=target.source, event=target.id, field="time")
    if others:
        outcome = evaluate([*kept, withdrawn], policy)
        assert outcome == evaluate(others, policy)
