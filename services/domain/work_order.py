"""The fold: what is known about one order after some of its events (docs/rules.md).

Events are applied in order (`corrections.in_order`) by `effects`. Nothing here depends on the
present time: `outcome` asks what the state means at an instant.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.instants import FOREVER, Instant
from schemas.records import Event, OrderSummary
from services.domain.clocks import Clock, facts_of
from services.domain.corrections import instant_of
from services.domain.deadlines import Facts
from services.domain.policy import Rules
from services.domain.ratings import Call, Ratings


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

    Of the handling: the last ``dispatched``, which round it is (``handling``), when it began
    (``started_at``), its ``clock`` once an extension or a pause moves it; ``handlers`` have the
    order since, ``early`` are reports from before the first dispatch.
    """

    __slots__ = (
        "booked",
        "called_at",
        "cancelled",
        "clock",
        "closed_at",
        "contact_due",
        "contacted_at",
        "dispatched",
        "early",
        "evidence",
        "excluded",
        "first_at",
        "handlers",
        "handling",
        "lead",
        "occurrences",
        "ratings",
        "received",
        "received_at",
        "resolve_due",
        "resolved_at",
        "rules",
        "sign_due",
        "signed_at",
        "source",
        "standing",
        "started_at",
        "suspended_until",
        "unreachable",
    )

    def __init__(self, rules: Rules, first: Event) -> None:
        self.rules = rules
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
        self.ratings: Ratings | None = None
        self.dispatched: dict[str, Any] = {}  # the last dispatch
        self.started_at: Instant | None = None  # the lead's handling
        self.clock: Clock | None = None  # of it, once an extension or a pause moves it
        self.handling = 1  # which round it is
        self.handlers: dict[str, Instant] = {}  # who got the order and has not returned it: when
        self.early: list[Event] | None = []  # reports before the first dispatch; then None

    def summary(self) -> OrderSummary:
        """The columns people filter by."""
        received, due = self.received, self.resolve_due
        return (
            tuple.__new__(  # the class would go through a Python function more, for twice the time
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
        )

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

    def set_dues(self) -> None:
        """Find the deadlines: the platform's own, else the policy's once the order is received."""
        received, lead, table = self.received, self.lead, self.rules.deadlines
        dispatched = self.dispatched if lead else received
        started_at = self.handlers.get(lead)
        facts: Facts | None = None  # of the dispatch, whatever began anew since
        for step in self.rules.steps:
            told = dispatched.get(step.field) or received.get(step.field)
            due: Instant | None = None
            if told is not None:
                due = instant_of(told)
            elif started_at is not None and (
                facts := facts or self.facts(dispatched.get("round", 1))
            ):
                due = table.due(step.name, facts, started_at)
            setattr(self, step.due, due)
        if self.clock is not None and (moved := self.facts()):
            # It was moved before the order was received.
            self.clock.inform(moved, self.resolve_due if "resolve_due" in received else None)
            self.resolve_due = self.clock.due()

    def facts(self, handling: int = 0) -> Facts | None:
        """By what the policy finds the deadlines of a round (0: of this one).

        None until the order is received.
        """
        if self.received_at is None:
            return None
        return facts_of(self.received, self.lead, handling or self.handling)

    def ready_clock(self) -> Clock | None:
        """The clock of the lead's handling, made when it is first moved; None without a lead."""
        if self.clock is None and self.started_at is not None:
            told = self.dispatched.get("resolve_due") or self.received.get("resolve_due")
            due = None if told is None else instant_of(told)
            self.clock = Clock(self.rules, self.started_at, due, self.facts())
        return self.clock

    def rest(self, begins_at: Instant, until: Instant) -> None:
        """Let the clock rest, where a policy lets it pause."""
        if self.rules.document.suspensions.clock == "pauses" and (clock := self.ready_clock()):
            clock.rest(begins_at, until)
            self.resolve_due = clock.due()

    def book(self, at: Instant) -> None:
        """The handling ends: what is booked already stays where it is, or may move again."""
        if self.rules.document.reopening.attribution == "last":
            self.closed_at = None
            return
        for step in self.rules.steps:
            due, done = getattr(self, step.due), getattr(self, step.done)
            if due is not None and due != FOREVER and (at >= due or done is not None):
                self.booked.setdefault(step.name, due)

    def weigh(self) -> None:
        """Take over which callback counts, and whether the citizen is out of reach."""
        if (ratings := self.ratings) is None:
            return
        self.standing = standing = ratings.standing
        self.unreachable = ratings.unreachable
        if standing is None or self.rules.keeps_first:
            self.called_at = ratings.first_at
        else:
            self.called_at = standing.at
