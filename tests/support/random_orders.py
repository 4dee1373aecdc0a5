"""Random orders that reach every rule of a policy.

They draw from the `World` of a policy: categories, tags and units that it names, how long its
deadlines run, when its versions change. So events fall on deadlines to the microsecond, in the same
second, in make-up weeks and at the change of a version far more often than by chance. The same
seed gives the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Final

from schemas.events.base import DemandType, Grade, Solved, Urgency
from schemas.instants import DAY, HOUR, MINUTE, SECOND, Instant, format_instant
from schemas.records import Event
from tests.support.orders import SOURCE, event
from tests.support.worlds import World

_STEPS: Final = (
    0, 1, SECOND, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 12 * HOUR, DAY, DAY, 2 * DAY, 4 * DAY,
)  # fmt: skip
_TYPES: Final = (
    "dispatched", "dispatched", "signed", "contacted", "resolved", "resolved", "resolved",
    "callback", "callback", "callback", "returned", "returned", "extended", "extended",
    "suspended", "suspended", "resumed", "excluded", "excluded", "reinstated", "reopened",
    "reopened", "cancelled", "received", "linked",
)  # fmt: skip
# Most orders have a bit of everything, some mainly one trouble.
_KINDS: Final = (
    *(8 * (_TYPES,)),
    ("callback", "callback", "callback", "reopened", "returned", "dispatched"),
    ("extended", "extended", "suspended", "resumed", "reopened", "dispatched", "resolved"),
)
_CORRECTABLE: Final = (
    "time", "time", "unit", "resolve_due", "decision", "answers", "demand_type", "until", "ground",
    "evidence", "category", "round", "reached",
)  # fmt: skip


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
        types = rng.choices(rng.choice(_KINDS), k=rng.choice((1, 2, 4, 6, 8, 11)))
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
