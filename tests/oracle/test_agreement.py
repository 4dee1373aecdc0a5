"""The fast rules and the obvious ones say the same, at every instant where something happens."""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instants import DAY, HOUR
from schemas.records import Event
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import Policy, load_policy, preset
from tests.oracle.slow import contributions
from tests.support.orders import events_of_order, local

BEIJING: Final = preset("beijing-district")
ON_TIME: Final = preset("on-time")

POLICIES: Final = {
    "beijing-district": BEIJING,
    "on-time": ON_TIME,
    "first callback": BEIJING.replace("basis: last", "basis: first"),
    "best callback": BEIJING.replace("basis: last", "basis: best"),
    "unanswered leaves": BEIJING.replace("unanswered: zero", "unanswered: leaves"),
    "booked when closed": BEIJING.replace("attribution: created", "attribution: closed"),
    "booked at the callback": BEIJING.replace("attribution: created", "attribution: callback"),
    "booked when due": ON_TIME.replace("attribution: created", "attribution: due"),
}


@pytest.fixture(params=POLICIES, scope="module")
def policy(request: pytest.FixtureRequest) -> Policy:
    return load_policy(POLICIES[request.param])


@settings(max_examples=150, deadline=None)
@given(events=events_of_order(), steps=st.lists(st.integers(-8, 1400), max_size=6))
def test_evaluate_agrees_with_the_oracle(
    policy: Policy, events: list[Event], steps: list[int]
) -> None:
    outcome = evaluate(events, policy)
    start = local("2026-07-06 00:00")
    instants = {start + step * HOUR for step in steps} | {start - DAY, start + 365 * DAY}
    for event in events:
        instants |= {event.occurred_at - 1, event.occurred_at}
    for boundary in outcome.boundaries:
        instants |= {boundary - 1, boundary}
    for instant in sorted(instants):
        fast = Counter(contributions_at(outcome.spans, instant))
        assert fast == contributions(events, policy, instant), instant


@settings(max_examples=60, deadline=None)
@given(events=events_of_order())
def test_boundaries_are_exactly_the_instants_at_which_something_changes(
    policy: Policy, events: list[Event]
) -> None:
    boundaries = evaluate(events, policy).boundaries
    assert list(boundaries) == sorted(set(boundaries))
    for boundary in boundaries:
        before = contributions(events, policy, boundary - 1)
        assert contributions(events, policy, boundary) != before
