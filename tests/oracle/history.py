"""What can be told from the first events of an order, by looking through their list.

Every question is answered anew from the list; what an event meant when it happened is asked of
the history before it. Answers are kept, since the same question is asked at many instants.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Self

from schemas.instants import FOREVER, Instant, parse_instant
from schemas.records import Event
from tests.oracle.document import Version
from tests.oracle.durations import ends_at, local_date

REPORTS = {"sign": "signed", "contact": "contacted", "resolve": "resolved"}


def approved(event: Event) -> bool:
    return event.data.get("decision") == "approved"


def told_at(event: Event, field: str) -> Instant:
    """The instant that a field names, else that of the event."""
    return parse_instant(event.data[field]) if field in event.data else event.occurred_at


class History:
    """The first ``count`` events of an order, under one version."""

    def __init__(self, events: Sequence[Event], version: Version, count: int) -> None:
        self.all_events = events
        self.events = events[:count]
        self.version = version
        self.rules = version.rules
        self.kept: dict[int, Self] = {}
        self._by_type: dict[tuple[str, ...], list[tuple[int, Event]]] = {}

    def before(self, count: int) -> Self:
        """The history before an event of the list."""
        if count not in self.kept:
            earlier = type(self)(self.all_events, self.version, count)
            earlier.kept = self.kept
            self.kept[count] = earlier
        return self.kept[count]

    def of_type(self, *types: str) -> list[tuple[int, Event]]:
        """With their places in the list."""
        if types not in self._by_type:
            found = enumerate(self.events)
            self._by_type[types] = [(n, event) for n, event in found if event.type in types]
        return self._by_type[types]

    @cached_property
    def received(self) -> Event | None:
        found = self.of_type("received")
        return found[0][1] if found else None

    # --- who leads

    @cached_property
    def dispatches(self) -> list[tuple[int, Event]]:
        return self.of_type("dispatched")

    @cached_property
    def returns(self) -> list[tuple[int, Event]]:
        """The accepted ones."""
        return [(n, e) for n, e in self.of_type("returned") if self.before(n).can_return(e)]

    def can_return(self, event: Event) -> bool:
        unit = event.data.get("unit", "")
        got = [n for n, dispatch in self.dispatches if dispatch.data.get("unit", "") == unit]
        if not approved(event) or not unit or not got:
            return False
        if any(n > got[-1] and gone.data.get("unit", "") == unit for n, gone in self.returns):
            return False
        within = self.rules.returns.within
        dispatched_at = self.events[got[-1]].occurred_at
        return within is None or told_at(event, "requested_at") <= ends_at(
            dispatched_at, within, self.version
        )

    @cached_property
    def stint(self) -> int | None:
        """Index of the dispatch under which a unit leads."""
        if not self.dispatches:
            return None
        last, dispatch = self.dispatches[-1]
        unit = dispatch.data.get("unit", "")
        gone = any(n > last and back.data.get("unit", "") == unit for n, back in self.returns)
        return None if gone or not unit else last

    @cached_property
    def lead(self) -> str:
        return "" if self.stint is None else self.events[self.stint].data.get("unit", "")

    @cached_property
    def tenure(self) -> int | None:
        """Index of the dispatch since which the lead has led without a break."""
        if self.stint is None:
            return None
        before = self.before(self.stint)
        goes_on = before.stint is not None and before.lead == self.lead
        return before.tenure if goes_on else self.stint

    @cached_property
    def round(self) -> int:
        begun = self.of_type("dispatched", "reopened")
        if not begun:
            return 1
        n, event = begun[-1]
        otherwise = 1 if event.type == "dispatched" else self.before(n).round + 1
        return int(event.data.get("round", otherwise))

    # --- what the lead did

    def by_lead(self, since: int, *types: str) -> list[tuple[int, Event]]:
        """Events of the lead since an event; those before the very first dispatch belong to it."""
        first = self.dispatches[0][0] if self.dispatches else None
        return [
            (n, event)
            for n, event in self.of_type(*types)
            if self.lead and event.data.get("unit") == self.lead
            if n > since or (since == first and n < since)
        ]

    def done(self, step: str) -> Instant | None:
        """When the lead did it, since its dispatch and, for resolving, the last reopening."""
        if self.stint is None:
            return None
        since = self.stint
        if step == "resolve":
            since = max([since, *(n for n, _ in self.of_type("reopened"))])
        reports = self.by_lead(since, REPORTS[step])
        return reports[0][1].occurred_at if reports else None

    @cached_property
    def first_closed(self) -> Instant | None:
        """When the lead first resolved it since it got the order."""
        reports = [] if self.tenure is None else self.by_lead(self.tenure, "resolved")
        return reports[0][1].occurred_at if reports else None

    @cached_property
    def has_evidence(self) -> bool:
        if self.stint is None:
            return False
        reports = self.by_lead(self.stint, "contacted", "resolved")
        return any(event.data.get("evidence") for _, event in reports)

    # --- when it rested

    @cached_property
    def rests(self) -> list[tuple[Instant, Instant]]:
        """[begin, end) of each suspension since the lead got the order, as far as is known."""
        if self.tenure is None:
            return []
        told = self.by_lead(self.tenure, "suspended", "resumed")
        told = [(n, e) for n, e in told if n > (self.tenure or 0)]
        told = [(n, e) for n, e in told if e.type == "resumed" or approved(e)]
        found: list[tuple[Instant, Instant]] = []
        for place, (_, event) in enumerate(told):
            if event.type == "suspended":
                end = parse_instant(event.data["until"]) if "until" in event.data else FOREVER
                if place + 1 < len(told):
                    end = min(end, told[place + 1][1].occurred_at)
                if found and found[-1][1] == event.occurred_at < end:
                    found[-1] = (found[-1][0], end)  # one rest, prolonged
                elif event.occurred_at < end:
                    found.append((event.occurred_at, end))
        return found

    def suspended(self, at: Instant) -> bool:
        return any(begin <= at < end for begin, end in self.rests)

    # --- what the citizen said

    @cached_property
    def calls(self) -> list[Event]:
        """The callbacks that count, valid or not."""
        reopened = [n for n, _ in self.of_type("reopened")]
        found = []
        for n, event in self.of_type("callback"):
            rated = self.before(n).lead
            returned = any(m > n and e.data.get("unit", "") == rated for m, e in self.returns)
            if returned and self.rules.returns.callbacks == "dropped":
                continue
            if self.rules.reopening.callbacks == "dropped" and any(m > n for m in reopened):
                continue
            found.append(event)
        return found

    @cached_property
    def valid_calls(self) -> list[Event]:
        questions, raters = self.rules.callbacks.valid, self.rules.callbacks.raters
        return [
            call
            for call in self.calls
            if call.data.get("reached")
            and (raters is None or call.data.get("rater", "citizen") in raters)
            and all(call.data.get("answers", {}).get(question) for question in questions)
        ]

    @cached_property
    def unreachable(self) -> bool:
        callbacks = self.rules.callbacks
        if any(call.data.get("reached") for call in self.calls):
            return False
        days = {local_date(call.occurred_at, self.version) for call in self.calls}
        return len(self.calls) >= callbacks.attempts and len(days) >= callbacks.days

    # --- what was taken out

    @cached_property
    def exclusions(self) -> dict[str, tuple[int, str]]:
        """By code of a measured or all_of indicator: index and ground of the exclusion in force."""
        known = self.rules.indicators
        if not self.of_type("excluded"):
            return {}
        measured = [code for code, indicator in known.items() if indicator.is_measured]
        found = {code: last for code in measured if (last := self._last_exclusion(code))}
        for code, indicator in known.items():
            if indicator.all_of is not None:
                own = [self._last_exclusion(code), *map(found.get, indicator.all_of)]
                if there := [exclusion for exclusion in own if exclusion]:
                    found[code] = max(there)
        return found

    def _last_exclusion(self, code: str) -> tuple[int, str] | None:
        """An exclusion from an indicator with parts is one from each of them."""
        names = {code, *(c for c, i in self.rules.indicators.items() if code in (i.parts or ()))}
        touching = [
            (n, event)
            for n, event in self.of_type("excluded", "reinstated")
            if names & set(event.data.get("indicators", names)) and self._accepts(event, names)
        ]
        if not touching or touching[-1][1].type == "reinstated":
            return None
        return touching[-1][0], str(touching[-1][1].data.get("ground", ""))

    def _accepts(self, event: Event, names: set[str]) -> bool:
        if event.type == "reinstated" or self.rules.exclusions is None:
            return True
        return any(
            entry.ground == event.data.get("ground", "")
            and (entry.indicators == "all" or names & set(entry.indicators))
            for entry in self.rules.exclusions
        )
