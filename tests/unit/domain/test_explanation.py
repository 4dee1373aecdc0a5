"""An explanation leaves nothing out, adds nothing, and gives the cause in plain sentences."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Contribution, Event
from services.domain.corrections import in_order
from services.domain.explanation import Explanation, Judgement, explain
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import Policy
from services.domain.sentences import Writer
from services.domain.tracing import Trace
from tests.oracle.agreement import Case, case
from tests.support.random_orders import random_order

POLICIES: Final = (
    "beijing-district", "jungar", "shandong", "lianyungang-2022", "every-denominator", "pausing",
)  # fmt: skip

quick = settings(max_examples=40)
seeds = st.integers(0, 1 << 32)


@pytest.fixture(params=POLICIES, scope="module")
def of(request: pytest.FixtureRequest) -> Case:
    return case(request.param)


def looked_at(of: Case, seed: int) -> tuple[list[Event], Explanation]:
    """A random order, explained at, before or after one of the instants that matter to it."""
    random = Random(seed)
    events = random_order(random, of.world, "a")
    boundaries = evaluate(events, of.policy).boundaries
    at = random.choice(boundaries) + random.choice((-1, 0, 0, 1))
    return events, explain(random.sample(events, len(events)), of.policy, at)


@quick
@given(seed=seeds)
def test_the_contributions_are_those_of_the_evaluation(of: Case, seed: int) -> None:
    events, found = looked_at(of, seed)
    assert list(found.contributions) == contributions_at(
        evaluate(events, of.policy).spans, found.at
    )


@quick
@given(seed=seeds)
def test_every_change_of_contributions_belongs_to_a_step_with_a_cause(of: Case, seed: int) -> None:
    events, found = looked_at(of, seed)
    spans = evaluate(events, of.policy).spans
    held = Counter[Contribution]()
    for step in found.steps:
        assert step.entries or step.passed
        assert step.is_later == (step.at > found.at)
        held.update(step.began)
        held.subtract(step.ended)
        assert +held == Counter(contributions_at(spans, step.at))


@quick
@given(seed=seeds)
def test_every_event_is_in_one_step_and_told_in_both_languages(of: Case, seed: int) -> None:
    events, found = looked_at(of, seed)
    entries = [entry for step in found.steps for entry in step.entries]
    ids = [(entry.told.event.source, entry.told.event.id) for entry in entries]
    assert Counter(ids) == Counter({(event.source, event.id): 1 for event in events})
    for entry in entries:
        lines = writer(found, of.policy).entry(entry)
        assert lines
        assert all(line.zh and line.en for line in lines)


@quick
@given(seed=seeds)
def test_every_deadline_is_the_one_that_the_fold_has(of: Case, seed: int) -> None:
    events, found = looked_at(of, seed)
    order = Trace(in_order(events), found.rules, found.at).order
    explained = {deadline.step: deadline.ends_at for deadline in found.deadlines}
    for step in found.rules.steps:
        assert explained.get(step.name) == getattr(order, step.due)


@quick
@given(seed=seeds)
def test_each_indicator_is_judged_and_what_counts_is_judged_as_it_counts(
    of: Case, seed: int
) -> None:
    _, found = looked_at(of, seed)
    judged = {judgement.indicator.code for judgement in found.judgements}
    assert judged >= {indicator.code for indicator in found.rules.indicators}
    codes = {i.code for rules in of.policy.versions for i in rules.indicators}
    rates = [c for c in found.contributions if c.ranking == "lead" and c.indicator in codes]
    counted = [j.contribution for j in found.judgements if j.contribution is not None]
    assert Counter(counted) == Counter(rates)
    for judgement in found.judgements:
        check_grade(judgement)
        sentence = writer(found, of.policy).judgement(judgement)
        assert not {"{", "}"} & set(sentence.zh + sentence.en)


def check_grade(judgement: Judgement) -> None:
    """The cause that is given is worth what the order counts."""
    contribution, numerator = judgement.contribution, judgement.indicator.document.numerator
    if contribution is None or numerator is None:
        return
    reason, grades = judgement.reason, numerator.grades
    worth = {
        "answered": grades.get(reason.word),
        "unanswered": 0,
        "never_called": 0,
        "in_time": grades.get("in_time"),
        "late": grades.get("late"),
        "never_done": grades.get("late"),
        "evidence": grades.get("yes"),
        "no_evidence": grades.get("no"),
    }
    assert contribution.numerator == worth[reason.code]


def writer(found: Explanation, policy: Policy) -> Writer:
    return Writer(found, policy.time_zone, lambda _code: "")


def test_an_order_without_events_cannot_be_explained(of: Case) -> None:
    with pytest.raises(ValueError, match="at least one event"):
        explain([], of.policy, 0)
