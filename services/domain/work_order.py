"""The fold: what is known about one order after some of its events (docs/rules.md).

Events are applied in order (`corrections.in_order`). What a unit does counts only while it leads
the order; what is requested or refused has no effect. Nothing here depends on the present time:
`outcome` asks what the state means at an instant.

An event that changes nothing says why, by a word of `explanation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from schemas.instants import FOREVER, Instant
from schemas.records import Event, OrderSummary
from services.domain.clocks import Clock, facts_of
from services.domain.corrections import instant_of
from services.domain.deadlines import Facts, ends_at
from services.domain.policy import Rules
from services.domain.ratings import Call, Ratings

APPROVED: Final = "approved"

# Why an event changed nothing.
NOT_APPROVED: Final = "not_approved"
NOT_LEAD: Final = "not_lead"
REPEATED: Final = "repeated"
NOT_RESPONSIBLE: Final = "not_responsible"
TOO_LATE: Final = "too_late"
TOO_OFTEN: Final = "too_often"
NO_DEADLINE: Final = "no_deadline"
GROUND_NOT_ACCEPTED: Final = "ground_not_accepted"
NOT_EXCLUDED: Final = "not_excluded"
NOT_SUSPENDED: Final = "not_suspended"
EARLY: Final = "early"  # it will count from the first dispatch on


class Occurrence(NamedTuple):
    """Something counted each time it happens: ``returned``, ``reopened``."""

    name: str
    unit: str
    at: Instant


class WorkOrder:
    """The state of one order. ``lead`` is "" while no unit leads it.

    The three steps have a deadline (``sign_due`` …; None: there is none, FOREVER: it rests) and
    the instant at which the lead did them (``signed_at`` …). ``closed_at``, ``called_at`` and
    ``booked`` (by step) are the instants at which the order is booked. ``suspended_until`` is the
    end of a suspension (None: not suspended, FOREVER: until resumed). ``excluded`` maps
    indicators to the ground, the latest exclusion last. ``standing`` is the callback that counts.
    """

    __slots__ = (
        "_clock",
        "_dispatched",
        "_early",
        "_handlers",
        "_handling",
        "_ratings",
        "_rules",
        "_started_at",
        "booked",
        "called_at",
        "cancelled",
        "closed_at",
        "contact_due",
        "contacted_at",
        "evidence",
        "excluded",
        "first_at",
        "lead",
        "occurrences",
        "received",
        "received_at",
        "resolve_due",
        "resolved_at",
        "sign_due",
        "signed_at",
        "source",
        "standing",
        "suspended_until",
        "unreachable",
    )

    def __init__(self, rules: Rules, first: Event) -> None:
        self._rules = rules
        self.first_at: Instant = first.occurred_at
        self.source: str = first.source
        self.received_at: Instant | None = None
        self.received: dict[str, Any] = {}
        self.lead = ""
        self.sign_due: Instant | None = None
        self.contact_due: Instant | None = None
        self.resolve_due: Instant | None = None
        self.signed_at: Instant | None = None
        self.contacted_at: Instant | None = None
        self.resolved_at: Instant | None = None
        self.evidence = False
        self.closed_at: Instant | None = None
        self.called_at: Instant | None = None
        self.booked: dict[str, Instant] = {}
        self.suspended_until: Instant | None = None
        self.excluded: dict[str, str] = {}
        self.cancelled = False
        self.standing: Call | None = None
        self.unreachable = False
        self.occurrences: list[Occurrence] = []
        self._ratings: Ratings | None = None
        self._dispatched: dict[str, Any] = {}  # the last dispatch
        self._started_at: Instant | None = None  # the lead's handling
        self._clock: Clock | None = None  # of it, once an extension or a pause moves it
        self._handling = 1  # which round it is
        self._handlers: dict[str, Instant] = {}  # who got the order and has not returned it: when
        self._early: list[Event] | None = []  # reports before the first dispatch; then None

    def summary(self) -> OrderSummary:
        """The columns people filter by."""
        received, due = self.received, self.resolve_due
        return tuple.__new__(  # as in `deadlines`: the class would take twice as long
            OrderSummary,
            (
                self.source,
                self.lead,
                self.received_at,
                received.get("demand_type", ""),
                received.get("channel", ""),
                received.get("urgency", ""),
                tuple(received.get("category", ())),
                received.get("community", ""),
                None if due == FOREVER else due,
                self.resolved_at,
            ),
        )

    def on_received(self, event: Event) -> str | None:
        """The order exists from here on, and keeps this instant."""
        if self.received_at is not None:  # a second one, from another platform
            return REPEATED
        self.received_at = event.occurred_at
        self.received = event.data
        self.source = event.source
        self._set_dues()
        return None

    def on_dispatched(self, event: Event) -> str | None:
        """A unit leads, and its clock starts: never at sign-off."""
        unit, at = event.data.get("unit", ""), event.occurred_at
        if unit == self.lead:
            self._book(at)
        else:
            self.lead = unit
            self.suspended_until = None
            self.closed_at = None
            self.booked = {}
        if unit:  # a correction may have emptied it: then no unit leads, and no clock runs
            self._handlers[unit] = at
        self._handling = event.data.get("round", 1)
        self.signed_at = self.contacted_at = self.resolved_at = None
        self.evidence = False
        self._dispatched = event.data
        self._started_at = self._handlers.get(unit)
        self._clock = None
        self._set_dues()
        if self.suspended_until is not None:
            self._rest(at, self.suspended_until)
        # Clocks of two systems differ by seconds: a report may precede the first dispatch.
        early, self._early = self._early, None
        for report in early or ():
            if report.data.get("unit") == unit:
                EFFECTS[report.type](self, report)
        return None

    def on_signed(self, event: Event) -> str | None:
        """The lead has taken it over."""
        if refused := self._refuse_report(event, self.signed_at):
            return refused
        self.signed_at = event.occurred_at
        return None

    def on_contacted(self, event: Event) -> str | None:
        """The lead says that it spoke to the citizen; that adds nothing to the response rate."""
        proves = self._take_evidence(event)
        if refused := self._refuse_report(event, self.contacted_at):
            return None if proves else refused
        self.contacted_at = event.occurred_at
        return None

    def on_resolved(self, event: Event) -> str | None:
        """Only the lead's report closes the order, the first one since it was sent to it."""
        proves = self._take_evidence(event)
        if refused := self._refuse_report(event, self.resolved_at):
            return None if proves else refused
        self.resolved_at = event.occurred_at
        if self.closed_at is None:
            self.closed_at = event.occurred_at
        return None

    def on_callback(self, event: Event) -> str | None:
        """One more attempt to ask the citizen."""
        if self._ratings is None:
            self._ratings = Ratings(self._rules)
        self._ratings.take(event, self.lead)
        self._weigh()
        return None

    def on_returned(self, event: Event) -> str | None:
        """An accepted return counts, and the unit no longer answers for the order (2.17)."""
        unit = event.data.get("unit", "")
        if event.data.get("decision") != APPROVED:
            return NOT_APPROVED
        # The unit it names may have been replaced already, by a dispatch of the same second.
        if unit not in self._handlers:
            return NOT_RESPONSIBLE
        rules, within = self._rules, self._rules.document.returns.within
        if within is not None:
            requested_at = _instant(event, "requested_at")
            if requested_at > ends_at(self._handlers[unit], within, rules.zone, rules.working_days):
                return TOO_LATE
        del self._handlers[unit]
        self.occurrences.append(Occurrence("returned", unit, event.occurred_at))
        if self._ratings is not None and rules.document.returns.callbacks == "dropped":
            # They rated the handling of a unit that was not responsible.
            self._ratings = self._ratings.without(unit)
            self._weigh()
        if unit == self.lead:
            self.lead = ""
            self.signed_at = self.contacted_at = self.resolved_at = self.closed_at = None
            self.evidence = False
            self.suspended_until = None
            self.booked = {}
            self._started_at = self._clock = None
            self._set_dues()
        return None

    def on_extended(self, event: Event) -> str | None:
        """An approved extension moves the deadline; by default only one approved before expiry."""
        if refused := self._refuse_decision(event):
            return refused
        clock, rules = self._ready_clock(), self._rules.document.extensions
        if clock is None or event.data.get("resolve_due") is None:
            return NO_DEADLINE
        due = FOREVER if self.resolve_due is None else self.resolve_due
        if rules.approved == "before_expiry" and _instant(event, "decided_at") >= due:
            return TOO_LATE
        if rules.times is not None and clock.extensions >= rules.times:
            return TOO_OFTEN
        clock.extend(instant_of(event.data["resolve_due"]), event.occurred_at)
        self.resolve_due = clock.due()
        return None

    def on_suspended(self, event: Event) -> str | None:
        """The order rests until it is resumed, its time is over or another unit leads (2.14)."""
        if refused := self._refuse_decision(event):
            return refused
        until = event.data.get("until")
        self.suspended_until = FOREVER if until is None else instant_of(until)
        self._rest(event.occurred_at, self.suspended_until)
        return None

    def on_resumed(self, event: Event) -> str | None:
        """The suspended order is taken up again."""
        if not self.is_lead(event):
            return NOT_LEAD
        if self.suspended_until is None or self.suspended_until <= event.occurred_at:
            return NOT_SUSPENDED
        self.suspended_until = None
        self._rest(event.occurred_at, event.occurred_at)
        return None

    def on_excluded(self, event: Event) -> str | None:
        """The order leaves the denominators of some or all indicators."""
        ground = event.data.get("ground", "")
        grounds = self._rules.grounds
        accepted = None if grounds is None else grounds.get(ground)
        if grounds is not None and accepted is None:
            return GROUND_NOT_ACCEPTED
        for indicator in self._indicators(event.data):
            if accepted is None or indicator in accepted:
                self.excluded.pop(indicator, None)
                self.excluded[indicator] = ground
        return None

    def on_reinstated(self, event: Event) -> str | None:
        """The exclusion from some or all indicators is taken back."""
        there = [i for i in self._indicators(event.data) if i in self.excluded]
        for indicator in there:
            del self.excluded[indicator]
        return None if there else NOT_EXCLUDED

    def on_reopened(self, event: Event) -> str | None:
        """The order is open again."""
        at, reopening = event.occurred_at, self._rules.document.reopening
        self._book(at)
        self.resolved_at = None
        self.occurrences.append(Occurrence("reopened", event.data.get("unit", self.lead), at))
        if reopening.callbacks == "dropped":
            self._ratings = Ratings(self._rules)
            self._weigh()
        if reopening.clock == "restarts" and self._started_at is not None:
            self._handling = event.data.get("round", self._handling + 1)
            self._started_at = at
            self._clock = clock = Clock(self._rules, at, None, self._facts(), restarted=True)
            self.resolve_due = clock.due()
            if self.suspended_until is not None:
                self._rest(at, self.suspended_until)
        return None

    def on_cancelled(self, _event: Event) -> str | None:
        """The citizen withdrew the demand: not assessed any more."""
        if self.cancelled:
            return REPEATED
        self.cancelled = True
        return None

    def next_deadline(self, after: Instant) -> Instant:
        """When next a deadline passes that was not met, or a suspension ends; FOREVER: never."""
        following = FOREVER
        due = self.sign_due
        if due is not None and after < due < following and self.signed_at is None:
            following = due
        due = self.contact_due
        if due is not None and after < due < following and self.contacted_at is None:
            following = due
        due = self.resolve_due
        if due is not None and after < due < following and self.resolved_at is None:
            following = due
        due = self.suspended_until
        return due if due is not None and after < due < following else following

    def is_lead(self, event: Event) -> bool:
        """Whether an action is the lead unit's."""
        return bool(self.lead) and event.data.get("unit") == self.lead

    def _set_dues(self) -> None:
        """Find the deadlines: the platform's own, else the policy's once the order is received."""
        received, lead, table = self.received, self.lead, self._rules.deadlines
        dispatched = self._dispatched if lead else received
        started_at = self._handlers.get(lead)
        facts: Facts | None = None
        for step in self._rules.steps:
            told = dispatched.get(step.field) or received.get(step.field)
            due: Instant | None = None
            if told is not None:
                due = instant_of(told)
            elif started_at is not None and (facts := facts or self._facts()):
                found = table.due(step.name, facts, started_at)
                due = found and found.ends_at
            setattr(self, step.due, due)
        if self._clock is not None and (facts := facts or self._facts()):
            # It was moved before the order was received.
            self._clock.inform(facts, self.resolve_due if "resolve_due" in received else None)
            self.resolve_due = self._clock.due()

    def _facts(self) -> Facts | None:
        """By what the policy finds its deadlines; None until the order is received."""
        if self.received_at is None:
            return None
        return facts_of(self.received, self.lead, self._handling)

    def _ready_clock(self) -> Clock | None:
        """The clock of the lead's handling, made when it is first moved; None without a lead."""
        if self._clock is None and self._started_at is not None:
            told = self._dispatched.get("resolve_due") or self.received.get("resolve_due")
            due = None if told is None else instant_of(told)
            self._clock = Clock(self._rules, self._started_at, due, self._facts())
        return self._clock

    def _rest(self, begins_at: Instant, until: Instant) -> None:
        if self._rules.document.suspensions.clock == "pauses" and (clock := self._ready_clock()):
            clock.rest(begins_at, until)
            self.resolve_due = clock.due()

    def _book(self, at: Instant) -> None:
        """The handling ends: what is booked already stays where it is, or may move again."""
        if self._rules.document.reopening.attribution == "last":
            self.closed_at = None
            return
        for step in self._rules.steps:
            due, done = getattr(self, step.due), getattr(self, step.done)
            if due is not None and (at >= due or done is not None):
                self.booked.setdefault(step.name, due)

    def _weigh(self) -> None:
        """Take over which callback counts, and whether the citizen is out of reach."""
        if (ratings := self._ratings) is None:
            return
        self.standing = standing = ratings.standing
        self.unreachable = ratings.unreachable
        keeps_first = self._rules.document.reopening.attribution == "first"
        self.called_at = ratings.first_at if keeps_first or standing is None else standing.at

    def _take_evidence(self, event: Event) -> bool:
        """Whether a report of the lead brings the first evidence; it may be a repeated one."""
        if self.evidence or self._early is not None or not event.data.get("evidence"):
            return False
        self.evidence = self.is_lead(event)
        return self.evidence

    def _refuse_report(self, event: Event, done: Instant | None) -> str | None:
        """Why a report of a unit changes nothing; None if it does."""
        if self._early is not None:
            self._early.append(event)
            return EARLY
        if not self.is_lead(event):
            return NOT_LEAD
        return None if done is None else REPEATED

    def _refuse_decision(self, event: Event) -> str | None:
        if event.data.get("decision") != APPROVED:
            return NOT_APPROVED
        return None if self.is_lead(event) else NOT_LEAD

    def _indicators(self, data: dict[str, Any]) -> Iterable[str]:
        """The counted indicators that an event means; all of them if it lists none."""
        listed = data.get("indicators")
        if not listed:
            return self._rules.codes
        reach = self._rules.reach
        return dict.fromkeys(code for name in listed for code in reach.get(name, ()))


def _instant(event: Event, field: str) -> Instant:
    """An instant that the event tells, else its own."""
    text = event.data.get(field)
    return event.occurred_at if text is None else instant_of(text)


# appealed, reviewed, corrected and linked change nothing that is counted.
EFFECTS: Final[Mapping[str, Callable[[WorkOrder, Event], str | None]]] = {
    "received": WorkOrder.on_received,
    "dispatched": WorkOrder.on_dispatched,
    "signed": WorkOrder.on_signed,
    "contacted": WorkOrder.on_contacted,
    "resolved": WorkOrder.on_resolved,
    "callback": WorkOrder.on_callback,
    "returned": WorkOrder.on_returned,
    "extended": WorkOrder.on_extended,
    "suspended": WorkOrder.on_suspended,
    "resumed": WorkOrder.on_resumed,
    "excluded": WorkOrder.on_excluded,
    "reinstated": WorkOrder.on_reinstated,
    "reopened": WorkOrder.on_reopened,
    "cancelled": WorkOrder.on_cancelled,
}
