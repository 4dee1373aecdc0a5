"""Callbacks (回访): which of them counts, and whether the citizen is out of reach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

from schemas.instants import Instant
from schemas.records import Event
from services.domain.policy import Rules
from services.domain.windows import local_day

CITIZEN: Final = "citizen"
NO_ANSWERS: Final[dict[str, str]] = {}


@final
class Call:
    """One attempt to ask the citizen, and the unit that led the order at that time.

    ``answers`` are those that count: none if somebody else than the policy's raters gave them.
    """

    __slots__ = ("answers", "at", "reached", "unit")

    def __init__(self, unit: str, at: Instant, reached: bool, answers: dict[str, str]) -> None:
        self.unit = unit
        self.at = at
        self.reached = reached
        self.answers = answers


class Ratings:
    """The calls of an order and what they come to, call by call in their order of time.

    ``standing`` is the callback that counts, ``first_at`` the instant of the first valid one,
    ``calls`` are all attempts.
    """

    __slots__ = ("_days", "_reached", "_rules", "calls", "first_at", "standing")

    def __init__(self, rules: Rules, calls: Iterable[Call] = ()) -> None:
        self._rules = rules
        self.calls: list[Call] = []
        self._reached = False  # by any of the calls
        self._days: set[int] = set()  # on which the citizen was not reached
        self.standing: Call | None = None
        self.first_at: Instant | None = None
        for call in calls:
            self._add(call)

    def take(self, event: Event, unit: str) -> None:
        """Add a `callback` that rates a unit."""
        data, raters = event.data, self._rules.raters
        reached = bool(data.get("reached"))
        counts = reached and (raters is None or data.get("rater", CITIZEN) in raters)
        answers = data.get("answers", NO_ANSWERS) if counts else NO_ANSWERS
        self._add(Call(unit, event.occurred_at, reached, answers))

    def without(self, unit: str) -> Ratings:
        """The same without the calls that rated a unit."""
        return Ratings(self._rules, [call for call in self.calls if call.unit != unit])

    @property
    def unreachable(self) -> bool:
        """Whether enough attempts on enough days have failed."""
        if self._reached or not self.calls:
            return False
        wanted = self._rules.document.callbacks
        return len(self.calls) >= wanted.attempts and len(self._days) >= wanted.days

    @property
    def attempts(self) -> int:
        """How many calls there were."""
        return len(self.calls)

    def _add(self, call: Call) -> None:
        self.calls.append(call)
        if call.reached:
            self._reached = True
            answers = call.answers
            for question in self._rules.questions:
                if question not in answers:
                    return
            if self.standing is None:
                self.first_at = call.at
            self.standing = self._better(call)
        elif not self._reached:
            self._days.add(local_day(call.at, self._rules.zone))

    def _better(self, call: Call) -> Call:
        """Of the valid callback that stands and a later one the one that counts."""
        standing = self.standing
        if standing is None:
            return call
        basis = self._rules.document.callbacks.basis
        if basis == "last":
            return call
        if basis == "first":
            return standing
        return call if self._points(call) >= self._points(standing) else standing

    def _points(self, call: Call) -> int:
        weighed = self._rules.weighed
        return sum(grades.get(call.answers.get(source, ""), 0) for source, grades in weighed)
