"""The fold of an order, event by event, with all that each event changed (docs/explain.md).

It is the fold that `outcome` evaluates, on the same events; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from schemas.instants import FOREVER, Instant
from schemas.records import Event
from services.domain.corrections import instant_of
from services.domain.deadline_source import Deadline, TracedOrder
from services.domain.effects import EFFECTS
from services.domain.policy import Rules
from services.domain.ratings import CITIZEN, Call

# Why an event changed nothing, besides the words of `effects`.
NOT_REACHED: Final = "not_reached"
OTHER_RATER: Final = "other_rater"
NOT_VALID: Final = "not_valid"
OTHER_CALL_COUNTS: Final = "other_call_counts"
KEPT_ONLY: Final = "kept_only"
NOT_MEASURED: Final = "not_measured"
NOTHING_NEW: Final = "nothing_new"

SUSPENSION: Final = "suspension"

Value = str | Instant | bool | Call | None


class Change(NamedTuple):
    """One thing that an event changed. ``of``: the indicator or step that it is about, or ""."""

    field: str
    before: Value
    after: Value
    of: str = ""


class Effect(NamedTuple):
    """What an event changed under one version; ``why`` says why it changed nothing, or is ""."""

    version: str
    changes: tuple[Change, ...]
    why: str = ""


class Passed(NamedTuple):
    """A deadline that passed at an instant without being met, or a suspension that ended."""

    at: Instant
    what: str
    version: str


class Started(NamedTuple):
    """A deadline that an event set or moved at an instant."""

    at: Instant
    deadline: Deadline


_Key = tuple[str, str]
_Facts = dict[tuple[str, str], Value]

# Those at which the deadlines for signing and contacting are set.
_SETTING: Final = frozenset({"received", "dispatched", "returned"})


class Trace:
    """An order under one version after its events until an instant, and how it got there.

    ``effects`` by (source, id) of an event. ``since``: when a fact (field, of) took its value.
    ``deadlines``: those in force, by step.
    """

    __slots__ = ("_told", "deadlines", "effects", "order", "passed", "rules", "since", "started")

    def __init__(self, ordered: Sequence[Event], rules: Rules, until: Instant = FOREVER) -> None:
        self.rules = rules
        self.order = TracedOrder(rules, ordered[0])
        self.effects: dict[_Key, Effect] = {}
        self.passed: list[Passed] = []
        self.started: list[Started] = []
        self.deadlines: dict[str, Deadline] = {}
        self.since: dict[tuple[str, str], Instant] = {}
        self._told = _told_fields(rules)
        at = self.order.first_at
        for event in ordered:
            if event.occurred_at > until:
                break
            if event.occurred_at != at:
                self._pass(at, event.occurred_at)
                at = event.occurred_at
            self.effects[event.source, event.id] = self._apply(event)
        self._pass(at, FOREVER)

    def _apply(self, event: Event) -> Effect:
        order, version = self.order, self.rules.version
        effect = EFFECTS.get(event.type)
        if effect is None:
            return Effect(version, (), KEPT_ONLY)
        if event.type in self.rules.skipped:
            return Effect(version, (), NOT_MEASURED)
        before = self._facts()
        if why := effect(order, event):
            return Effect(version, tuple(self._changes(before, event)), why)
        changes = (*self._changes(before, event), *self._cut_off(event))
        self._note_deadlines(event)
        if changes:
            return Effect(version, changes)
        return Effect(version, (), self._void(event))

    def _facts(self) -> _Facts:
        order = self.order
        facts: _Facts = {(field, ""): getattr(order, field) for field in self._told}
        for code, ground in order.excluded.items():
            facts["excluded", code] = ground
        for step, booked_at in order.booked.items():
            facts["booked", step] = booked_at
        facts["occurrences", ""] = len(order.occurrences)
        return facts

    def _changes(self, before: _Facts, event: Event) -> Iterator[Change]:
        after = self._facts()
        happened = self.order.occurrences[int(str(before.pop(("occurrences", "")))) :]
        after.pop(("occurrences", ""))
        for fact in {**before, **after}:
            old, new = before.get(fact), after.get(fact)
            if old != new:
                self.since[fact] = event.occurred_at
                yield Change(fact[0], old, new, fact[1])
        for name, unit, _at in happened:
            yield Change(name, None, unit)

    def _cut_off(self, event: Event) -> Iterator[Change]:
        """An extension that is longer than the policy allows."""
        granted = self.order.extended_to
        if event.type == "extended" and granted is not None:
            asked = instant_of(event.data["resolve_due"])
            if granted < asked:
                yield Change("cut_off", asked, granted)

    def _note_deadlines(self, event: Event) -> None:
        for step in self.rules.steps:
            if step.name != "resolve" and event.type not in _SETTING:
                continue
            found, known = self.order.deadline(step), self.deadlines.get(step.name)
            if found is None:
                self.deadlines.pop(step.name, None)
            elif found != known:
                self.deadlines[step.name] = found
                self.started.append(Started(event.occurred_at, found))

    def _void(self, event: Event) -> str:
        """Why an event that took effect changed nothing that can be seen."""
        if event.type != "callback":
            return NOTHING_NEW
        data, rules = event.data, self.rules
        if not data.get("reached"):
            return NOT_REACHED
        if rules.raters is not None and data.get("rater", CITIZEN) not in rules.raters:
            return OTHER_RATER
        answers: Mapping[str, str] = data.get("answers", {})
        if any(question not in answers for question in rules.questions):
            return NOT_VALID
        return OTHER_CALL_COUNTS

    def _pass(self, from_: Instant, until: Instant) -> None:
        """Note the deadlines that pass in [from, until): nothing else happens in between."""
        order, version = self.order, self.rules.version
        for step in self.rules.steps:
            due, done = getattr(order, step.due), getattr(order, step.done)
            if due is not None and done is None and from_ <= due < until:
                self.passed.append(Passed(due, step.name, version))
        ends_at = order.suspended_until
        if ends_at is not None and from_ <= ends_at < until:
            self.passed.append(Passed(ends_at, SUSPENSION, version))


def _told_fields(rules: Rules) -> tuple[str, ...]:
    """The attributes of an order that this version makes use of."""
    measured = [i.document for i in rules.indicators if i.document.is_measured]
    sources = {i.numerator.source for i in measured if i.numerator}
    booked = {i.attribution for i in measured}
    return (
        "received_at",
        "lead",
        *(step.due for step in rules.steps),
        *(step.done for step in rules.steps),
        *(("evidence",) if "evidence" in sources else ()),
        *(("closed_at",) if "closed" in booked else ()),
        *(("called_at",) if "callback" in booked else ()),
        "suspended_until",
        "cancelled",
        "standing",
        "unreachable",
    )
