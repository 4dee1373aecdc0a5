"""Why an order counts as it does: everything that happened to it, step by step (docs/explain.md).

Nothing is computed by other rules: the events are folded by `effects`, contributions are read
from the spans of `outcome`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from schemas.instants import Instant
from schemas.records import Contribution, Event, Outcome
from services.domain.corrections import in_order
from services.domain.corrections_told import Told, compare
from services.domain.deadline_source import Deadline
from services.domain.measures import FULL
from services.domain.outcome import contributions_at, evaluate, evaluate_version
from services.domain.policy import Indicator, Policy, Rules
from services.domain.ranking import STATE
from services.domain.reasons import (
    COMPOSED,
    NOT_IN_VERSION,
    Reason,
    why_counted,
    why_left_out,
)
from services.domain.timeline import LEAD, LINE
from services.domain.tracing import Effect, Passed, Trace

Verdict = Literal["for", "partly", "against", "out", "composed"]
"""Counts in full, in part, with nothing, or not at all; or is made of other indicators."""


class Judgement(NamedTuple):
    """What the order does in one indicator under the version that judges it there, and why.

    ``contribution`` is None where it does not count. ``department``: the line department for
    which the same counts, or "".
    """

    indicator: Indicator
    version: str
    verdict: Verdict
    reason: Reason
    contribution: Contribution | None = None
    department: str = ""


class Entry(NamedTuple):
    """An event of a step: as told and as it counts, and what it changed.

    ``effects``: under the version that judges the order, then under every other version that
    counts some of it and sees it otherwise. None for a correction or a withdrawn event.
    """

    told: Told
    effects: tuple[Effect, ...]


class Step(NamedTuple):
    """One instant at which something happens. ``is_later``: after the instant looked at.

    ``began`` and ``ended``: the contributions that did so at this instant.
    """

    at: Instant
    is_later: bool
    entries: tuple[Entry, ...]
    passed: tuple[Passed, ...]
    deadlines: tuple[Deadline, ...]
    began: tuple[Contribution, ...]
    ended: tuple[Contribution, ...]


class Explanation(NamedTuple):
    """An order as it stands at an instant, and how it came there.

    ``rules`` judge the order: those in force when it was received. ``state`` is one of the seven,
    with ``excluded:<ground>``; None before it was received. ``deadlines`` are those in force.
    """

    subject: str
    at: Instant
    rules: Rules
    lead: str
    state: str | None
    steps: tuple[Step, ...]
    deadlines: tuple[Deadline, ...]
    contributions: tuple[Contribution, ...]
    judgements: tuple[Judgement, ...]


_VOLUME: Final = frozenset({"volume", "incomplete"})
_COUNTS: Final = ("volume", "incomplete", STATE, "open", "overdue", "returned", "reopened")


def explain(events: Iterable[Event], policy: Policy, at: Instant) -> Explanation:
    """Explain one order, as it stands at an instant by all events known.

    Raises:
        ValueError: there is no event.
        CalendarError: a deadline falls into a year whose working days are not known.
    """
    told = list(events)
    ordered = in_order(told)
    if not ordered:
        raise ValueError("an order has at least one event")
    return _Explainer(told, ordered, policy, at).explanation()


class _Explainer:
    """Holds what has been found about one order, by version."""

    def __init__(
        self, told: Sequence[Event], ordered: Sequence[Event], policy: Policy, at: Instant
    ) -> None:
        self._told = compare(told, ordered)
        self._ordered = ordered
        self._policy = policy
        self._at = at
        self._outcome = evaluate(told, policy)
        self._present = contributions_at(self._outcome.spans, at)
        received_at = self._outcome.summary.received_at
        self._rules = policy.at(ordered[0].occurred_at if received_at is None else received_at)
        self._traces: dict[Instant, Trace] = {}  # until `at`, by the beginning of the version
        self._outcomes: dict[Instant, Outcome] = {}

    def explanation(self) -> Explanation:
        places = {indicator.code: n for n, indicator in enumerate(self._rules.indicators)}
        judgements = sorted(
            self._judgements(), key=lambda each: places.get(each.indicator.code, len(places))
        )
        trace = self._trace(self._rules)
        counts = [c for c in self._present if c.ranking == LEAD]
        lead = next((c.unit for c in counts if c.indicator in _VOLUME), "")
        state = next((c.indicator for c in counts if c.indicator.startswith(STATE)), None)
        return Explanation(
            subject=self._ordered[0].subject,
            at=self._at,
            rules=self._rules,
            lead=lead,
            state=state and state.removeprefix(STATE),
            steps=tuple(self._steps()),
            deadlines=tuple(trace.deadlines.values()),
            contributions=tuple(self._present),
            judgements=tuple(judgements),
        )

    def _trace(self, rules: Rules) -> Trace:
        found = self._traces.get(rules.begins_at)
        if found is None:
            found = self._traces[rules.begins_at] = Trace(self._ordered, rules, self._at)
        return found

    def _alone(self, rules: Rules) -> Outcome:
        """What the order adds if there were this version only."""
        if len(self._policy.versions) == 1:
            return self._outcome
        found = self._outcomes.get(rules.begins_at)
        if found is None:
            found = self._outcomes[rules.begins_at] = evaluate_version(self._ordered, rules)
        return found

    def _judgements(self) -> Iterable[Judgement]:
        counted: defaultdict[str, list[Contribution]] = defaultdict(list)
        departments: dict[tuple[str, Instant], str] = {}
        for each in self._present:
            if each.ranking == LINE:
                departments[each.indicator, each.attributed_at] = each.unit
            else:
                counted[each.indicator].append(each)
        for indicator in self._rules.indicators:
            if indicator.code not in counted:
                yield self._left_out(indicator)
        for code, contributions in counted.items():
            for each in contributions:
                rules = self._judge(each)
                found = _find(rules, code)
                if found is not None:
                    department = departments.get((code, each.attributed_at), "")
                    yield self._counted(found, rules, each, department)

    def _judge(self, contribution: Contribution) -> Rules:
        """The version that counts it: that of its time, if it says so, else that of `received`."""
        rules = self._policy.at(contribution.attributed_at)
        return rules if contribution in self._alone_at(rules) else self._rules

    def _alone_at(self, rules: Rules) -> list[Contribution]:
        """What the lead unit would have if there were this version only."""
        there = contributions_at(self._alone(rules).flat, self._at)
        return [each for each in there if each.ranking == LEAD]

    def _counted(
        self, indicator: Indicator, rules: Rules, contribution: Contribution, department: str
    ) -> Judgement:
        reason = why_counted(indicator, self._trace(rules), self._at)
        verdict: Verdict = "for" if contribution.numerator == FULL else "partly"
        if contribution.numerator == 0:
            verdict = "against"
        return Judgement(indicator, rules.version, verdict, reason, contribution, department)

    def _left_out(self, indicator: Indicator) -> Judgement:
        """Why it counts nowhere: under the version of `received`, or of the time it is booked at."""
        rules, own = self._rules, self._alone_at(self._rules)
        booked_at = next((c.attributed_at for c in own if c.indicator == indicator.code), None)
        if booked_at is not None:
            rules = self._policy.at(booked_at)
            found = _find(rules, indicator.code)
            if found is None:
                reason = Reason(NOT_IN_VERSION, at=booked_at)
                return Judgement(indicator, rules.version, "out", reason)
            indicator, own = found, self._alone_at(rules)
        state = next((c.indicator for c in own if c.indicator.startswith(STATE)), None)
        groups = self._policy.header.unit_groups
        reason = why_left_out(indicator, self._trace(rules), self._at, state, groups)
        verdict: Verdict = "composed" if reason.code == COMPOSED else "out"
        return Judgement(indicator, rules.version, verdict, reason)

    def _steps(self) -> Iterable[Step]:
        began: defaultdict[Instant, list[Contribution]] = defaultdict(list)
        ended: defaultdict[Instant, list[Contribution]] = defaultdict(list)
        for span in self._outcome.spans:
            began[span.begins_at].append(span.contribution)
            ended[span.ends_at].append(span.contribution)
        traces = self._whole_traces()
        entries: defaultdict[Instant, list[Entry]] = defaultdict(list)
        for told in self._told:
            key = (told.event.source, told.event.id)
            entries[told.event.occurred_at].append(Entry(told, tuple(_effects(key, traces))))
        passed: defaultdict[Instant, list[Passed]] = defaultdict(list)
        deadlines: defaultdict[Instant, list[Deadline]] = defaultdict(list)
        for trace in traces:
            for each in trace.passed:
                if all(each.what != other.what for other in passed[each.at]):
                    passed[each.at].append(each)
            for at, deadline in trace.started:
                if all(not _is_same(deadline, other) for other in deadlines[at]):
                    deadlines[at].append(deadline)
        instants = {at for at, there in (*entries.items(), *passed.items()) if there}
        for at in sorted(instants | set(self._outcome.boundaries)):
            gone, come = Counter(ended.get(at, ())), Counter(began.get(at, ()))
            step = Step(
                at,
                at > self._at,
                tuple(entries.get(at, ())),
                tuple(passed.get(at, ())),
                tuple(deadlines.get(at, ())),
                self._sorted(come - gone),
                self._sorted(gone - come),
            )
            if any(step[2:]):
                yield step

    def _sorted(self, found: Counter[Contribution]) -> tuple[Contribution, ...]:
        """Counts first, then rates in the order of the policy; each for the lead first."""
        places = (*_COUNTS, *(indicator.code for indicator in self._rules.indicators))

        def place(each: Contribution) -> tuple[bool, int, Contribution]:
            name = STATE if each.indicator.startswith(STATE) else each.indicator
            number = places.index(name) if name in places else len(places)
            return each.ranking != LEAD, number, each

        return tuple(sorted(found.elements(), key=place))

    def _whole_traces(self) -> list[Trace]:
        """The order to its end, under the version that judges it and all that count some of it."""
        versions = {self._rules.begins_at: self._rules}
        for span in self._outcome.spans:
            rules = self._policy.at(span.attributed_at)
            versions.setdefault(rules.begins_at, rules)
        if self._ordered[-1].occurred_at <= self._at:
            return [self._trace(rules) for rules in versions.values()]
        return [Trace(self._ordered, rules) for rules in versions.values()]


def _find(rules: Rules, code: str) -> Indicator | None:
    return next((i for i in rules.indicators if i.code == code), None)


def _effects(key: tuple[str, str], traces: Sequence[Trace]) -> Iterable[Effect]:
    """The effect under the first version, and under each that sees the event otherwise."""
    found: list[Effect] = []
    for trace in traces:
        effect = trace.effects.get(key)
        if effect is not None and all(effect[1:] != other[1:] for other in found):
            found.append(effect)
    return found


def _is_same(one: Deadline, other: Deadline) -> bool:
    """Whether two versions set the same deadline for the same time."""
    return (one.step, one.started_at, one.ends_at) == (other.step, other.started_at, other.ends_at)


__all__ = [
    "Deadline", "Effect", "Entry", "Explanation", "Judgement", "Step", "explain",
]  # fmt: skip
