"""The rules once more, written to be obvious and not to be fast.

`contributions` answers for one instant from the list of all events that have happened by then,
and finds every fact anew by looking through the list. It keeps no state from one event to the
next, so that it shares neither structure nor mistakes with `services.domain.work_order`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.instants import Instant, parse_instant
from schemas.policy import Deadline
from schemas.records import Contribution, Event
from services.domain.policy import Indicator, Policy

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def contributions(events: Sequence[Event], policy: Policy, at: Instant) -> Counter[Contribution]:
    """What the order adds at an instant."""
    known = corrected(events)
    happened = [event for event in known if event.occurred_at <= at]
    if not happened:
        return Counter()
    history = History(happened, policy, at)
    return Counter(history.contributions(known[0].occurred_at))


def corrected(events: Sequence[Event]) -> list[Event]:
    """All events as they should have been told, in order."""
    corrections = sorted(event for event in events if event.type == "corrected")
    told = (as_told(event, corrections) for event in events)
    return sorted((event for event in told if event is not None), key=lambda event: event[:4])


def as_told(event: Event, corrections: Sequence[Event]) -> Event | None:
    """Apply the corrections of one event, each as later corrections have corrected it."""
    data: dict[str, Any] = dict(event.data)
    at: Instant | None = event.occurred_at
    for number, original in enumerate(corrections):
        if event.type == "corrected" and original[:4] <= event[:4]:
            continue
        correction = as_told(original, corrections[number + 1 :])
        if correction is None or "field" not in correction.data:
            continue
        if (correction.source, correction.data.get("event")) != (event.source, event.id):
            continue
        field, new = correction.data["field"], correction.data.get("new")
        if field == "time":
            at = None if new is None else parse_instant(new)
        else:
            data[field] = new
    if at is None:
        return None
    data = {name: value for name, value in data.items() if value is not None}
    return event._replace(occurred_at=at, data=data)


class History:
    """Questions to the list of events that have happened by ``at``."""

    def __init__(self, events: Sequence[Event], policy: Policy, at: Instant) -> None:
        self.events = events
        self.policy = policy
        self.at = at

    def until(self, index: int) -> History:
        """The history before an event of the list."""
        return History(self.events[:index], self.policy, self.at)

    def of_type(self, *types: str) -> list[tuple[int, Event]]:
        return [(n, event) for n, event in enumerate(self.events) if event.type in types]

    def received(self) -> Event | None:
        found = self.of_type("received")
        return found[0][1] if found else None

    # --- who leads

    def returns(self, unit: str, after: int) -> list[int]:
        return [
            n
            for n, event in self.of_type("returned")
            if n > after and event.data.get("unit", "") == unit and approved(event)
        ]

    def stint(self) -> int | None:
        """Index of the dispatch under which a unit leads now."""
        dispatches = self.of_type("dispatched")
        if not dispatches:
            return None
        last, event = dispatches[-1]
        return None if self.returns(event.data.get("unit", ""), last) else last

    def lead(self) -> str:
        stint = self.stint()
        return "" if stint is None else str(self.events[stint].data.get("unit", ""))

    def accepted_returns(self) -> list[tuple[int, Event]]:
        """Approved returns of a unit that had got the order and not returned it yet."""
        found = []
        for n, event in self.of_type("returned"):
            unit = event.data.get("unit", "")
            got = [m for m, d in self.of_type("dispatched") if d.data.get("unit", "") == unit]
            got = [m for m in got if m < n]
            if approved(event) and got and min(self.returns(unit, got[-1])) == n:
                found.append((n, event))
        return found

    # --- clocks

    def resolved_at(self) -> Instant | None:
        stint = self.stint()
        lead = self.lead()
        if stint is None:
            return None
        since = max([stint, *(n for n, _ in self.of_type("reopened"))])
        reports = [(n, e) for n, e in self.of_type("resolved") if e.data.get("unit", "") == lead]
        first_dispatch = self.of_type("dispatched")[0][0]
        early = [event.occurred_at for n, event in reports if n < first_dispatch]
        if early and since == first_dispatch:
            return early[0]
        later = [event.occurred_at for n, event in reports if n > since and lead]
        return later[0] if later else None

    def due(self) -> Instant | None:
        stint = self.stint()
        due: Instant | None = None
        if stint is None:
            return self.platform_due(None)
        for n, event in self.of_type("extended"):
            before = self.until(n)
            if n < stint or before.lead() != event.data.get("unit") or not approved(event):
                continue
            if "resolve_due" not in event.data:
                continue
            expires = due if due is not None else before.platform_due(self.events[stint])
            decided_at = event.occurred_at
            if "decided_at" in event.data:
                decided_at = parse_instant(event.data["decided_at"])
            if expires is None or decided_at < expires:
                due = parse_instant(event.data["resolve_due"])
        return due if due is not None else self.platform_due(self.events[stint])

    def platform_due(self, dispatch: Event | None) -> Instant | None:
        """The deadline without extensions."""
        received = self.received()
        if dispatch is not None and "resolve_due" in dispatch.data:
            return parse_instant(dispatch.data["resolve_due"])
        if received is None:
            return None
        if "resolve_due" in received.data:
            return parse_instant(received.data["resolve_due"])
        if dispatch is None:
            return None
        for deadline in self.policy.deadlines:
            if fits(deadline, received):
                hours = deadline.resolve.hours + 24 * deadline.resolve.days
                return dispatch.occurred_at + hours * 3_600_000_000
        return None

    def suspended(self) -> bool:
        for n, event in reversed(list(enumerate(self.events))):
            before, after = self.until(n), self.until(n + 1)
            if event.type == "suspended" and approved(event):
                if event.data.get("unit") == before.lead():
                    return "until" not in event.data or self.at < parse_instant(event.data["until"])
            elif event.type == "resumed" and event.data.get("unit") == before.lead():
                return False
            if before.lead() != after.lead():
                return False
        return False

    # --- what the citizen said

    def calls(self) -> list[Event]:
        """Attempts that rate a unit which has not returned the order since."""
        gone = [(n, event.data.get("unit", "")) for n, event in self.accepted_returns()]
        return [
            event
            for n, event in self.of_type("callback")
            if not any(m > n and unit == self.until(n).lead() for m, unit in gone)
        ]

    def standing(self) -> Event | None:
        valid = [
            call
            for call in self.calls()
            if call.data.get("reached") and call.data.get("answers", {}).get("solved")
        ]
        if not valid:
            return None
        if self.policy.basis == "first":
            return valid[0]
        if self.policy.basis == "last":
            return valid[-1]
        points = [
            sum(i.weight * (self.grade(i, call) or 0) for i in self.policy.indicators)
            for call in valid
        ]
        return [call for call, own in zip(valid, points, strict=True) if own == max(points)][-1]

    def grade(self, indicator: Indicator, call: Event) -> int | None:
        answer = call.data["answers"].get(indicator.source)
        return None if answer is None else indicator.grades[answer]

    def unreachable(self) -> bool:
        calls = self.calls()
        if any(call.data.get("reached") for call in calls):
            return False
        days = {local_date(call.occurred_at, self.policy.time_zone) for call in calls}
        return len(calls) >= self.policy.attempts and len(days) >= self.policy.attempt_days

    # --- what is counted

    def exclusions(self) -> dict[str, tuple[int, str]]:
        """By indicator of the policy: index and ground of the exclusion in force."""
        found = {}
        for indicator in self.policy.indicators:
            touching = [
                (n, event)
                for n, event in self.of_type("excluded", "reinstated")
                if indicator.code in event.data.get("indicators", [indicator.code])
            ]
            if touching and touching[-1][1].type == "excluded":
                found[indicator.code] = (touching[-1][0], touching[-1][1].data.get("ground", ""))
        return found

    def settled(self) -> bool:
        due = self.due()
        return self.resolved_at() is not None or (due is not None and self.at >= due)

    def cancelled(self) -> bool:
        return bool(self.of_type("cancelled"))

    def state(self, received: Event) -> str:
        policy = self.policy
        types = policy.assessed_types
        exclusions = self.exclusions()
        wrong_type = types is not None and received.data.get("demand_type") not in types
        no_deadline = not policy.counts_callbacks and self.due() is None
        valid = self.standing() is not None if policy.counts_callbacks else self.settled()
        questions = [
            ("not_assessed", self.cancelled() or wrong_type or no_deadline),
            (
                "excluded:" + max(exclusions.values(), default=(0, ""))[1],
                len(exclusions) == len(policy.indicators),
            ),
            ("suspended", self.suspended()),
            ("valid", valid),
            ("unreachable", policy.counts_callbacks and self.unreachable()),
            ("not_yet_due", not self.settled()),
            ("callback_pending", True),
        ]
        return "state:" + next(name for name, holds in questions if holds)

    def contributions(self, first_seen: Instant) -> Iterator[Contribution]:
        for _, event in self.accepted_returns():
            unit = event.data.get("unit", "")
            yield Contribution("lead", unit, "returned", event.occurred_at, 1, 0)
        for n, event in self.of_type("reopened"):
            unit = event.data.get("unit", self.until(n).lead())
            yield Contribution("lead", unit, "reopened", event.occurred_at, 1, 0)
        received = self.received()
        lead = self.lead()
        if received is None:
            yield Contribution("lead", lead, "incomplete", first_seen, 1, 0)
            return
        due = self.due()
        state = self.state(received)
        names = ["volume", state]
        if self.resolved_at() is None and not self.cancelled():
            names.append("open")
            if due is not None and self.at >= due and state != "state:not_assessed":
                names.append("overdue")
        for name in names:
            yield Contribution("lead", lead, name, received.occurred_at, 1, 0)
        if state == "state:valid":
            yield from self.rates(lead, received)

    def rates(self, lead: str, received: Event) -> Iterator[Contribution]:
        due, resolved_at, call = self.due(), self.resolved_at(), self.standing()
        for indicator in self.policy.indicators:
            if indicator.code in self.exclusions():
                continue
            instants = {
                "created": received.occurred_at,
                "due": due,
                "closed": resolved_at,
                "callback": call.occurred_at if call else None,
            }
            at = instants[indicator.attribution]
            if self.policy.counts_callbacks:
                assert call is not None
                numerator = self.grade(indicator, call)
                if numerator is None and not self.policy.unanswered_leaves:
                    numerator = 0
            else:
                assert due is not None
                in_time = resolved_at is not None and resolved_at <= due
                numerator = indicator.grades["in_time" if in_time else "late"]
            if at is not None and numerator is not None:
                yield Contribution("lead", lead, indicator.code, at, 1, numerator)


def approved(event: Event) -> bool:
    return event.data.get("decision") == "approved"


def fits(deadline: Deadline, received: Event) -> bool:
    wanted = deadline.match.model_dump(exclude_none=True)
    return all(received.data.get(name) == value for name, value in wanted.items())


def local_date(instant: Instant, zone: ZoneInfo) -> Any:
    return (EPOCH + timedelta(microseconds=instant)).astimezone(zone).date()
