"""The rules once more, written to be obvious and not to be fast.

`contributions` answers for one instant from the list of all events that have happened by then.
`History` finds who leads, what was done and said, `Clocks` the deadlines, `Order` what is counted.
Nothing is carried from one event to the next, so that neither structure nor mistakes are shared
with `services.domain`; the document is read as it is written (`tests.oracle.document`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property

from schemas.instants import Instant
from schemas.policy.indicators import QUESTIONS, TIMINGS, Filter, Indicator
from schemas.records import Contribution, Event
from tests.oracle.clocks import Clocks
from tests.oracle.corrected import corrected
from tests.oracle.document import Version

STEPS = {"sign_time": "sign", "contact_time": "contact", "resolve_time": "resolve"}


class Oracle:
    """What an order adds at any instant, under all versions of a policy."""

    def __init__(self, events: Sequence[Event], versions: Sequence[Version]) -> None:
        self.events = corrected(events)
        self.versions = versions
        self.orders = [Order(self.events, version, len(self.events)) for version in versions]

    def contributions(self, at: Instant) -> Counter[Contribution]:
        count = sum(event.occurred_at <= at for event in self.events)
        found: Counter[Contribution] = Counter()
        if not count:
            return found
        said = [(order, order.before(count).contributions(at)) for order in self.orders]
        for order, own in said:
            for contribution in own:
                if self._counts(contribution, order, said):
                    found[contribution] += 1
        return found

    def _counts(self, one: Contribution, order: Order, said: list[Said]) -> bool:
        """Whether this version's word on the order holds; in an indicator only one version's does."""
        if one.indicator not in order.rules.indicators:
            return order.version.holds(one.attributed_at)
        booked = [
            (other.version, contribution.attributed_at)
            for other, own in said
            for contribution in own
            if contribution.indicator == one.indicator and one.indicator in other.rules.indicators
        ]
        for version, booked_at in booked:
            if version.holds(booked_at):
                return order.version is version
        received = order.received
        return (
            received is not None
            and order.version.holds(received.occurred_at)
            and any(version.holds(one.attributed_at) for version, _ in booked)
        )


class Order(Clocks):
    """What the first events of an order add under one version."""

    def contributions(self, at: Instant) -> list[Contribution]:
        """For the unit that leads, and the same for the department of the order's field.

        Between two events it matters only which deadlines have passed and whether the order rests.
        """
        question = (*(self.passed(step, at) for step in STEPS.values()), self.suspended(at))
        if question not in self._answers:
            found = list(self._of_units(at))
            department = self._department
            if department is not None:
                found += [c._replace(ranking="line", unit=department) for c in found]
            self._answers[question] = found
        return self._answers[question]

    @cached_property
    def _answers(self) -> dict[tuple[bool, ...], list[Contribution]]:
        return {}

    def _of_units(self, at: Instant) -> Iterator[Contribution]:
        for _, event in self.returns:
            yield _one(event.data.get("unit", ""), "returned", event.occurred_at)
        for n, event in self.of_type("reopened"):
            unit = event.data.get("unit", self.before(n).lead)
            yield _one(unit, "reopened", event.occurred_at)
        if self.received is None:
            yield _one(self.lead, "incomplete", self.events[0].occurred_at)
            return
        booked_at = self.received.occurred_at
        for name in self._counts(at):
            yield _one(self.lead, name, booked_at)
        for code in self.rules.indicators:
            found = self._measure(code, at)
            if found is not None:
                yield Contribution("lead", self.lead, code, found[0], 1, found[1])

    @cached_property
    def _department(self) -> str | None:
        levels = [] if self.received is None else self.received.data.get("category", [])
        for entry in self.rules.line_departments:
            if entry.category in levels:
                return entry.unit
        return None

    # --- counts

    def _counts(self, at: Instant) -> Iterator[str]:
        yield "volume"
        yield "state:" + self._state(at)
        if self.done("resolve") is None and not self.of_type("cancelled"):
            yield "open"
            if self._assessed and self.passed("resolve", at):
                yield "overdue"

    def _state(self, at: Instant) -> str:
        by_citizens = self._counts_callbacks
        settled = self.done("resolve") is not None or self.passed("resolve", at)
        codes = [c for c, i in self.rules.indicators.items() if i.parts is None]
        excluded = all(code in self.exclusions for code in codes)
        ground = max(self.exclusions.values(), default=(0, ""))[1]
        questions = [
            ("not_assessed", not self._assessed),
            ("excluded:" + ground, excluded),
            ("suspended", self._set_aside(at)),
            ("valid", bool(self.valid_calls) if by_citizens else settled),
            ("unreachable", by_citizens and self.unreachable),
            ("not_yet_due", not settled),
            ("callback_pending", True),
        ]
        return next(name for name, holds in questions if holds)

    @cached_property
    def _counts_callbacks(self) -> bool:
        indicators = self.rules.indicators.values()
        return any(indicator.denominator == "valid_callbacks" for indicator in indicators)

    @cached_property
    def _assessed(self) -> bool:
        types = self.rules.assessed_types
        if self.received is None or not self.version.assesses or self.of_type("cancelled"):
            return False
        if types != "all" and self.received.data.get("demand_type") not in types:
            return False
        return self._counts_callbacks or self.due("resolve") is not None

    # --- indicators

    def _measure(self, code: str, at: Instant) -> tuple[Instant, int] | None:
        """Instant booked at and numerator, or None outside the denominator."""
        indicator = self.rules.indicators[code]
        if indicator.parts is not None or not self._takes_part(code, indicator, at):
            return None
        if indicator.all_of is None:
            return self._measured(indicator, at)
        found = [self._measure(part, at) for part in indicator.all_of]
        inside = [measure for measure in found if measure is not None]
        if len(inside) < len(found):
            return None
        return inside[0][0], 1000 if all(value == 1000 for _, value in inside) else 0

    def _takes_part(self, code: str, indicator: Indicator, at: Instant) -> bool:
        if not self._assessed or code in self.exclusions or self._set_aside(at):
            return False
        return self._fits(indicator.filter)

    def _set_aside(self, at: Instant) -> bool:
        return self.rules.suspensions.denominators == "out" and self.suspended(at)

    def _fits(self, wanted: Filter) -> bool:
        assert self.received is not None
        if not wanted.model_fields_set:
            return True
        data = self.received.data
        groups = [g for g, units in self.version.header.unit_groups.items() if self.lead in units]
        facts = {
            "category": data.get("category", []),
            "tag": data.get("tags", []),
            "demand_type": [data.get("demand_type")],
            "channel": [data.get("channel")],
            "urgency": [data.get("urgency")],
            "community": [data.get("community")],
            "unit": [self.lead],
            "unit_group": groups,
        }
        return all(
            getattr(wanted, key) is None or set(getattr(wanted, key)) & set(have)
            for key, have in facts.items()
        )

    def _measured(self, indicator: Indicator, at: Instant) -> tuple[Instant, int] | None:
        assert indicator.numerator is not None
        step = STEPS.get(indicator.numerator.source, "resolve")
        due = self.due(step)
        inside = {
            "valid_callbacks": bool(self.valid_calls),
            "settled": due is not None and (self.done(step) is not None or self.passed(step, at)),
            "closed": self._closed_at is not None,
            "assessed": True,
        }[str(indicator.denominator)]
        booked_at = self._booked_at(indicator, step) if inside else None
        numerator = self._numerator(indicator, step) if inside else None
        return None if booked_at is None or numerator is None else (booked_at, numerator)

    def _booked_at(self, indicator: Indicator, step: str) -> Instant | None:
        assert self.received is not None
        if indicator.attribution == "created":
            return self.received.occurred_at
        if indicator.attribution == "due":
            return self.booked_due(step)
        if indicator.attribution == "closed":
            return self._closed_at
        first = self.rules.reopening.attribution == "first"
        call = self.valid_calls[0] if first else self._standing
        return None if call is None else call.occurred_at

    @cached_property
    def _closed_at(self) -> Instant | None:
        first = self.rules.reopening.attribution == "first"
        return self.first_closed if first else self.done("resolve")

    def _numerator(self, indicator: Indicator, step: str) -> int | None:
        """In thousandths; None if the order leaves the denominator for want of an answer."""
        assert indicator.numerator is not None
        source, grades = indicator.numerator.source, indicator.numerator.grades
        if source in TIMINGS:
            done, due = self.done(step), self.due(step)
            in_time = done is not None and due is not None and done <= due
            return grades["in_time" if in_time else "late"]
        if source == "evidence":
            return grades["yes" if self.has_evidence else "no"]
        assert source in QUESTIONS
        answer = self._standing.data["answers"].get(source) if self._standing else None
        if answer is not None:
            return grades[answer]
        leaves = (indicator.unanswered or self.rules.callbacks.unanswered) == "leaves"
        return None if leaves else 0

    # --- which callback counts

    @cached_property
    def _standing(self) -> Event | None:
        basis, calls = self.rules.callbacks.basis, self.valid_calls
        if not calls:
            return None
        if basis == "best":
            best = max(self._worth(call) for call in calls)
            return [call for call in calls if self._worth(call) == best][-1]
        return calls[0] if basis == "first" else calls[-1]

    def _worth(self, call: Event) -> Fraction:
        score = self.rules.score
        weights = dict(score.weights or {})
        weights |= {code: points.maximum for code, points in (score.points or {}).items()}
        return sum(
            (Fraction(weight) * self._answered(code, call) for code, weight in weights.items()),
            Fraction(0),
        )

    def _answered(self, code: str, call: Event) -> Fraction:
        """Thousandths of a question's indicator, or the mean of those of its parts."""
        indicator = self.rules.indicators[code]
        if indicator.parts is not None:
            total = sum(indicator.parts.values())
            parts = indicator.parts.items()
            return sum(
                (Fraction(weight, total) * self._answered(part, call) for part, weight in parts),
                Fraction(0),
            )
        numerator = indicator.numerator
        if numerator is None or numerator.source not in QUESTIONS:
            return Fraction(0)
        answer = call.data["answers"].get(numerator.source)
        return Fraction(0 if answer is None else numerator.grades[answer])


def _one(unit: str, name: str, at: Instant) -> Contribution:
    return Contribution("lead", unit, name, at, 1, 0)


Said = tuple[Order, list[Contribution]]
