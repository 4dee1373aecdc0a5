"""Random orders that reach every rule of a policy.

A `World` holds the words and instants that matter to one policy: categories, tags and units that
it names, how long its deadlines run, when its versions change. Orders draw from them, so that
events fall on deadlines to the microsecond, in the same second, in make-up weeks and at the change
of a version far more often than by chance. The same seed gives the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from schemas.events.base import DemandType, Grade, Solved, Urgency
from schemas.instants import (
    DAY,
    EARLIEST,
    FOREVER,
    HOUR,
    MINUTE,
    SECOND,
    Instant,
    format_instant,
    from_datetime,
    to_datetime,
)  # fmt: skip
from schemas.policy.deadlines import Duration
from schemas.records import Event
from tests.oracle.document import Version
from tests.support.orders import INDICATORS, SOURCE, UNITS, event

# Around holidays with make-up days, the end of a year, and a change of the clocks in New York.
_DATES: Final = (
    "2024-09-27", "2024-12-27", "2025-01-20", "2025-03-06", "2025-04-24", "2025-09-24",
    "2025-10-30", "2025-12-27", "2026-02-10", "2026-03-05", "2026-04-10",
)  # fmt: skip
_STEPS: Final = (
    0, 1, SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY, 2 * DAY, 4 * DAY,
)  # fmt: skip
_TYPES: Final = (
    "dispatched", "dispatched", "signed", "contacted", "resolved", "resolved", "resolved",
    "callback", "callback", "callback", "returned", "returned", "extended", "extended",
    "suspended", "suspended", "resumed", "excluded", "excluded", "reinstated", "reopened",
    "reopened", "cancelled", "received", "linked",
)  # fmt: skip
_CORRECTABLE: Final = (
    "time", "time", "unit", "resolve_due", "decision", "answers", "demand_type", "until", "ground",
    "evidence", "category", "round", "reached",
)  # fmt: skip


class World:
    """The words and the instants that a policy knows, and some that it does not."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self.zone: ZoneInfo = versions[0].zone
        documents = [version.rules for version in versions]
        filters = [i.filter for rules in documents for i in rules.indicators.values()]
        matches = [entry.match for rules in documents for entry in rules.deadlines]
        groups = versions[0].header.unit_groups
        lines = [entry.category for rules in documents for entry in rules.line_departments]

        def words(key: str, *others: str) -> list[str]:
            named = [getattr(part, key) for part in (*filters, *matches) if hasattr(part, key)]
            return sorted({word for words in named for word in words or ()} | set(others))

        self.units = sorted({*words("unit", *UNITS), *(u for g in groups.values() for u in g[:2])})
        self.categories = sorted({*words("category", "环境", "噪声"), *lines})
        self.tags = words("tag", "夜间")
        self.channels = words("channel", "phone", "web")
        self.communities = words("community", "多福巷社区")
        self.indicators = sorted({c for rules in documents for c in rules.indicators})
        self.indicators += [code for code in INDICATORS if code not in self.indicators][:1]
        self.grounds = sorted(
            {e.ground for rules in documents for e in rules.exclusions or ()} | {"unreasonable"}
        )
        self.raters = sorted(
            {r for rules in documents for r in rules.callbacks.raters or ()} | {"staff"}
        )
        self.durations = list(_durations(documents))
        self.edges = [v.begins_at for v in versions if v.begins_at > EARLIEST]
        self.edges += [v.ends_at for v in versions if v.ends_at < FOREVER]
        self.edges += [
            self.midnight(day)
            for match in matches
            if match.period
            for day in (match.period.from_.isoformat(), match.period.to.isoformat())
        ]

    def midnight(self, day: str) -> Instant:
        return from_datetime(datetime.fromisoformat(day).replace(tzinfo=self.zone))

    def start(self, rng: Random) -> Instant:
        """When an order begins."""
        if self.edges and rng.random() < 0.5:
            return rng.choice(self.edges) + rng.choice((-9, -3, -1, 0, 1)) * DAY + rng.randint(0, 1)
        day = self.midnight(rng.choice(_DATES)) + rng.randrange(12) * DAY
        return day + rng.choice((0, 9 * HOUR, 12 * HOUR - 1, 17 * HOUR, DAY - SECOND))

    def ends(self, rng: Random, started_at: Instant) -> Iterator[Instant]:
        """Where its durations might end when they begin here."""
        for duration in self.durations:
            if duration.working_days is None:
                minutes = duration.minutes + 60 * duration.hours
                yield started_at + minutes * MINUTE + duration.days * DAY
            else:
                local = to_datetime(started_at).astimezone(self.zone)
                days = duration.working_days + rng.randrange(8)
                day = (local + timedelta(days=days)).date()
                yield self.midnight(day.isoformat())
                yield started_at + days * DAY


def random_order(rng: Random, world: World, subject: str = "热线-260706-000001") -> list[Event]:
    """Distinct events of one order, in no particular order."""
    return _Drawing(rng, world, subject).events()


class _Drawing:
    def __init__(self, rng: Random, world: World, subject: str) -> None:
        self.rng = rng
        self.world = world
        self.subject = subject
        self.units = rng.sample(world.units, min(3, len(world.units)))
        self.lead = self.units[0]
        self.at = world.start(rng)
        self.pool = [self.at]
        self.used = [self.at]

    def events(self) -> list[Event]:
        rng = self.rng
        types = rng.choices(_TYPES, k=rng.choice((1, 2, 4, 6, 8, 11)))
        if rng.random() < 0.93:
            types = ["received", "dispatched", *types]
        found = [self._event(number, type_) for number, type_ in enumerate(types)]
        if rng.random() < 0.2:
            for number in range(rng.choice((1, 1, 2, 3))):
                found.append(self._correction(number, found))
        rng.shuffle(found)
        return found

    def _event(self, number: int, type_: str) -> Event:
        begins = number == 0 or (number == 1 and self.rng.random() < 0.6)
        at = self.at if begins else self._instant()
        self.used.append(at)
        data = getattr(self, f"_{type_}")(at)
        source = SOURCE if self.rng.random() < 0.9 else "province-hotline"
        return event(type_, at, subject=self.subject, source=source, id_=f"e{number}", **data)

    def _instant(self) -> Instant:
        draw = self.rng.random()
        if draw < 0.45:
            at = self.rng.choice(self.pool) + self.rng.choice((-1, 0, 0, 1, SECOND, DAY))
            return at if at > self.at - 3 * DAY else self.at
        if draw < 0.6:
            return self.rng.choice(self.used)
        self.at += self.rng.choice(_STEPS)
        return self.at

    def _moment(self) -> str:
        draw = self.rng.random()
        at = self.rng.choice(self.pool) if draw < 0.5 else self.at + self.rng.choice(_STEPS)
        self.pool.append(at)
        return format_instant(at)

    def _maybe(self, chance: float, **more: Any) -> dict[str, Any]:
        return {key: value for key, value in more.items() if self.rng.random() < chance}

    def _unit(self) -> str:
        return self.lead if self.rng.random() < 0.85 else self.rng.choice(self.units)

    def _platform(self, chance: float) -> dict[str, Any]:
        steps = [s for s in ("sign", "contact", "resolve") if self.rng.random() < chance]
        return {f"{step}_due": self._moment() for step in steps}

    # --- one for each type of event

    def _received(self, at: Instant) -> dict[str, Any]:
        rng, world = self.rng, self.world
        self.pool += world.ends(rng, at)
        assessed = ("help", "complaint", "report", "suggestion")
        types = assessed if rng.random() < 0.9 else DemandType.__args__  # type: ignore[attr-defined]
        return {
            "demand_type": rng.choice(types),
            **self._maybe(
                0.8,
                urgency=rng.choice(Urgency.__args__),  # type: ignore[attr-defined]
                channel=rng.choice(world.channels),
                category=rng.sample(world.categories, rng.randint(1, 2)),
                community=rng.choice(world.communities),
                tags=rng.sample(world.tags, rng.randint(1, min(2, len(world.tags)))),
            ),
            **self._platform(0.3),
        }

    def _dispatched(self, at: Instant) -> dict[str, Any]:
        rng = self.rng
        if rng.random() < 0.5:
            self.lead = rng.choice(self.units)
        self.pool += self.world.ends(rng, at)
        handling = self._maybe(0.6, round=rng.randint(1, 3))
        return {"unit": self.lead, **handling, **self._platform(0.12)}

    def _signed(self, _: Instant) -> dict[str, Any]:
        return {"unit": self._unit()}

    def _contacted(self, _: Instant) -> dict[str, Any]:
        return {"unit": self._unit(), **self._maybe(0.4, evidence=["photo/1"])}

    _resolved = _contacted

    def _callback(self, _: Instant) -> dict[str, Any]:
        rng = self.rng
        rater = self._maybe(0.4, rater=rng.choice(("citizen", *self.world.raters)))
        if rng.random() < 0.4:
            reason = {"unreached_reason": "no_answer"}
            return {"attempt": 1, "reached": False, **reason, **rater}
        answers = self._maybe(1, answers=self._answers())
        return {"attempt": 1, "reached": True, **{k: v for k, v in answers.items() if v}, **rater}

    def _answers(self) -> dict[str, Any]:
        rng = self.rng
        grades: tuple[str, ...] = Grade.__args__  # type: ignore[attr-defined]
        return self._maybe(
            0.8,
            contacted=rng.choice(("yes", "no")),
            solved=rng.choice(Solved.__args__),  # type: ignore[attr-defined]
            satisfaction=rng.choice(grades),
            effect=rng.choice(grades),
            attitude=rng.choice(grades),
        )

    def _decided(self) -> dict[str, Any]:
        decision = self.rng.choice(("approved",) * 5 + ("requested", "refused"))
        return {"unit": self._unit(), "decision": decision}

    def _returned(self, _: Instant) -> dict[str, Any]:
        return {**self._decided(), **self._maybe(0.3, requested_at=self._moment())}

    def _extended(self, _: Instant) -> dict[str, Any]:
        decided = self._maybe(0.3, decided_at=self._moment())
        return {**self._decided(), "resolve_due": self._moment(), **decided}

    def _suspended(self, _: Instant) -> dict[str, Any]:
        return {**self._decided(), **self._maybe(0.4, until=self._moment())}

    def _resumed(self, _: Instant) -> dict[str, Any]:
        return {"unit": self._unit()}

    def _excluded(self, _: Instant) -> dict[str, Any]:
        return {"ground": self.rng.choice(self.world.grounds), **self._reinstated(0)}

    def _reinstated(self, _: Instant) -> dict[str, Any]:
        codes = self.world.indicators
        some = self.rng.sample(codes, self.rng.randint(1, len(codes)))
        return self._maybe(0.5, indicators=some)

    def _reopened(self, at: Instant) -> dict[str, Any]:
        self.pool += self.world.ends(self.rng, at)
        return self._maybe(0.3, unit=self._unit(), round=self.rng.randint(2, 3))

    def _cancelled(self, _: Instant) -> dict[str, Any]:
        return {} if self.rng.random() < 0.3 else {"ground": "by_citizen"}

    def _linked(self, _: Instant) -> dict[str, Any]:
        return {"order": "热线-260701-000002", "relation": "same_case"}

    # --- what was told wrong

    def _correction(self, number: int, told: Sequence[Event]) -> Event:
        rng, world = self.rng, self.world
        target = rng.choice(told)
        fitting = [f for f in _CORRECTABLE if f == "time" or f in target.data]
        field = rng.choice(fitting if rng.random() < 0.9 else _CORRECTABLE)
        values: dict[str, Any] = {
            "unit": rng.choice(self.units),
            "decision": rng.choice(("approved", "refused")),
            "answers": self._answers() or {"solved": "yes"},
            "reached": rng.random() < 0.5,
            "demand_type": rng.choice(("complaint", "thanks")),
            "ground": rng.choice(world.grounds),
            "evidence": ["photo/2"],
            "category": [rng.choice(world.categories)],
            "round": rng.randint(1, 3),
        }
        new = values[field] if field in values else self._moment()
        empties = rng.random() < 0.25
        return event(
            "corrected",
            self._instant(),
            subject=self.subject,
            id_=f"c{number}",
            event=target.id,
            field=field,
            **({} if empties else {"new": new}),
        )


def _durations(parts: object) -> Iterator[Duration]:
    """Every duration in a document, wherever it stands."""
    if isinstance(parts, Duration):
        yield parts
    elif isinstance(parts, BaseModel):
        for name in type(parts).model_fields:
            yield from _durations(getattr(parts, name))
    elif isinstance(parts, list | tuple):
        for part in parts:
            yield from _durations(part)
