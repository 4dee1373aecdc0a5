"""The course of one order, from the call to the last rating: a function of seed and number."""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from typing import Any, Final, NamedTuple

from schemas.instants import DAY, HOUR, MINUTE, Instant
from services.cli.simulate.citizen import Answer, answer, unreached
from services.cli.simulate.city import City
from services.cli.simulate.demand import into_hours, local_day, matters_of
from services.cli.simulate.dice import between, dice, lag, pick
from services.cli.simulate.matters import ASSESSED, CHANNELS, DEMANDS, LIMITS, MATTERS
from services.cli.simulate.writing import CloudEvent, Journal, local_time

_ATTEMPTS: Final = 3
_HASTY: Final = frozenset({"critical", "urgent"})  # worked on at night too
_ANSWERED_ONLINE_AFTER: Final = 3 * MINUTE
_REPEATING_CALLERS: Final = 4000
_EARLY_NUMBERS: Final = 40  # every day has so many orders at least, unless the city is tiny


def course_of(
    city: City, seed: int, subject: str, received_at: Instant
) -> list[tuple[Instant, CloudEvent]]:
    """All events of an order, in the order in which they happen.

    Args:
        city: its streets.
        seed: of the city.
        subject: the order's number.
        received_at: when the call came in.
    """
    return _Course(city, dice(seed, subject), subject, received_at).run()


class _Handling(NamedTuple):
    """What a unit made of the order: when it ended, and what the citizen noticed of it."""

    ended_at: Instant
    contacted: bool
    solved_chance: float


class _Course:
    def __init__(self, city: City, random: Random, subject: str, received_at: Instant) -> None:
        self._city = city
        self._random = random
        self._subject = subject
        self._received_at = received_at
        self._journal = Journal(subject)
        self._street = city.street(random)
        self._matter = pick(random, matters_of(local_day(received_at)))
        self._urgency = pick(random, self._matter.urgencies)
        self._demand = pick(random, DEMANDS)
        self._dispatched_at = received_at
        self._due = received_at

    def run(self) -> list[tuple[Instant, CloudEvent]]:
        self._receive()
        if self._demand not in ASSESSED:
            return self._journal.events()
        waiting = 30 * MINUTE if self._urgency not in _HASTY else 6 * MINUTE
        self._dispatch(self._received_at + between(self._random, MINUTE, waiting), 1)
        if self._happens(0.012):
            at = self._dispatched_at + lag(self._random, 3 * HOUR)
            self._journal.write(at, "cancelled", ground="withdrawn_by_citizen")
            return self._journal.events()
        if self._happens(self._street.returning):
            self._return()
        said = self._rate(self._handle(1))
        if said and not said.solved and self._happens(0.14):
            said = self._reopen(said)
        if said and not said.pleased and self._happens(0.05):
            self._appeal(said)
        if self._happens(0.006):
            self._correct()
        return self._journal.events()

    def _happens(self, chance: float) -> bool:
        return self._random.random() < chance

    def _receive(self) -> None:
        random = self._random
        quarter = random.randrange(1, 16)
        data: dict[str, Any] = {
            "demand_type": self._demand,
            "channel": pick(random, CHANNELS),
            "category": list(self._matter.category),
            "urgency": self._urgency,
            "community": f"{self._street.name}第{quarter}社区",
            "place_code": f"{self._street.code}{quarter:03}",
        }
        if self._happens(0.1):
            caller = f"caller {random.randrange(_REPEATING_CALLERS)}".encode()
            data["caller_hash"] = blake2b(caller, digest_size=16).hexdigest()
        self._journal.write(self._received_at, "received", **data)
        if self._happens(0.008):
            day = local_day(self._received_at - random.randrange(1, 10) * DAY)
            other = f"热线-{day:%y%m%d}-{random.randrange(1, _EARLY_NUMBERS):06}"
            at = self._received_at + between(random, MINUTE, _ANSWERED_ONLINE_AFTER)
            self._journal.write(at, "linked", order=other, relation="repeat")

    def _dispatch(self, at: Instant, round_: int) -> None:
        self._dispatched_at = at
        self._due = at + LIMITS[self._urgency]
        assisting = [self._city.neighbour(self._random, self._street).code]
        self._journal.write(
            at,
            "dispatched",
            unit=self._street.code,
            assisting=assisting if self._happens(0.1) else None,
            level="street",
            round=round_,
            resolve_due=local_time(self._due),
        )

    def _return(self) -> None:
        """The street finds that another one is responsible; most returns are granted."""
        asked_at = self._dispatched_at + lag(self._random, 3 * HOUR)
        decided_at = into_hours(asked_at + lag(self._random, 4 * HOUR))
        granted = self._happens(0.7)
        times = {"requested_at": local_time(asked_at), "ground": "out_of_jurisdiction"}
        office = {"unit": self._street.code, "requester": self._street.code}
        self._journal.write(asked_at, "returned", decision="requested", **office, **times)
        self._journal.write(
            decided_at,
            "returned",
            decision="approved" if granted else "refused",
            approver=self._street.district,
            decided_at=local_time(decided_at),
            **office,
            **times,
        )
        if granted:
            self._street = self._city.neighbour(self._random, self._street)
            self._dispatch(decided_at + between(self._random, MINUTE, HOUR), 1)

    def _handle(self, round_: int) -> _Handling:
        """The unit signs, contacts, works, and mostly reports the order done."""
        random, street = self._random, self._street
        hasty = self._urgency in _HASTY
        pace = street.slowness / (6 if hasty else 1)
        signed_at = self._dispatched_at + lag(random, int(50 * MINUTE * pace))
        self._journal.write(signed_at, "signed", unit=street.code)
        contacted = self._happens(0.995)
        at = signed_at
        if contacted:
            at += lag(random, int(2 * HOUR * pace))
            photo = [f"photo/{self._subject}/{round_}"] if self._happens(0.3) else None
            self._journal.write(at, "contacted", unit=street.code, evidence=photo)
        chance = street.solving + self._matter.ease + (0.06 if round_ > 1 else 0)
        if self._happens(0.02):  # never reported done: called back when the deadline has passed
            return _Handling(self._due, contacted, chance - 0.45)
        late = self._happens(street.late)
        resolved_at = max(at + between(random, 10 * MINUTE, HOUR), self._work_until(late=late))
        photo = [f"photo/{self._subject}/{round_}-done"] if self._happens(0.5) else None
        self._journal.write(resolved_at, "resolved", unit=street.code, evidence=photo)
        return _Handling(resolved_at, contacted, chance - (0.1 if late else 0))

    def _work_until(self, *, late: bool) -> Instant:
        """When the work is done: inside the deadline or not, extended or suspended on the way."""
        random = self._random
        limit = self._due - self._dispatched_at
        share = 1.02 + random.expovariate(5) if late else random.betavariate(1.5, 3.5)
        work = int(limit * share)
        if self._urgency in _HASTY:
            return self._dispatched_at + work
        if share > 0.6 and self._happens(0.35):  # noqa: PLR2004 - running short of time
            self._extend(limit)
        elif self._happens(0.012):
            return self._suspend(work)
        done_at = into_hours(self._dispatched_at + work)
        return done_at if late else min(done_at, self._dispatched_at + int(limit * 0.99))

    def _extend(self, limit: Instant) -> None:
        asked_at = self._dispatched_at + limit // 2
        decided_at = asked_at + between(self._random, HOUR, limit // 4)
        granted = self._happens(0.75)
        if granted:
            self._due += limit
        self._ask("extended", asked_at, None, "needs_time")
        due = local_time(self._due) if granted else None
        self._ask("extended", asked_at, decided_at, "needs_time", granted=granted, resolve_due=due)

    def _suspend(self, work: Instant) -> Instant:
        asked_at = self._dispatched_at + max(HOUR, work // 3)
        decided_at = asked_at + between(self._random, HOUR, DAY)
        resumed_at = into_hours(decided_at + between(self._random, 5 * DAY, 25 * DAY))
        self._ask("suspended", asked_at, decided_at, "needs_budget", granted=True)
        self._journal.write(resumed_at, "resumed", unit=self._street.code, ground="budget_granted")
        return into_hours(resumed_at + between(self._random, HOUR, 3 * DAY))

    def _ask(
        self,
        kind: str,
        asked_at: Instant,
        decided_at: Instant | None,
        ground: str,
        *,
        granted: bool = False,
        resolve_due: str | None = None,
    ) -> None:
        """What a unit asks for, or (with ``decided_at``) what its district makes of it."""
        decided = decided_at is not None
        self._journal.write(
            asked_at if decided_at is None else decided_at,
            kind,
            unit=self._street.code,
            decision=("approved" if granted else "refused") if decided else "requested",
            requester=self._street.code,
            approver=self._street.district if decided else None,
            requested_at=local_time(asked_at),
            decided_at=None if decided_at is None else local_time(decided_at),
            ground=ground,
            resolve_due=resolve_due,
        )

    def _rate(self, handling: _Handling) -> Answer | None:
        """The hotline calls back, three times on two days at most. None: out of reach."""
        random = self._random
        at = into_hours(handling.ended_at + between(random, 3 * HOUR, 40 * HOUR))
        for attempt in range(1, _ATTEMPTS + 1):
            channel = pick(random, (("phone", 88), ("sms", 8), ("web", 4)))
            said = {"attempt": attempt, "channel": channel}
            if self._happens(0.8 if attempt == 1 else 0.5):
                reply = answer(random, self._street, handling.contacted, handling.solved_chance)
                self._journal.write(
                    at, "callback", **said, reached=True, rater="citizen", answers=reply.answers
                )
                return reply
            reason = unreached(random, channel)
            self._journal.write(at, "callback", **said, reached=False, unreached_reason=reason)
            pause = (2 * HOUR, 5 * HOUR) if attempt == 1 else (20 * HOUR, 28 * HOUR)
            at = into_hours(at + between(random, *pause))
        return None

    def _reopen(self, said: Answer) -> Answer:
        at = self._journal.ends_at() + between(self._random, HOUR, DAY)
        unit = self._street.code
        self._journal.write(at, "reopened", unit=unit, round=2, ground="not_solved")
        self._dispatch(at + between(self._random, MINUTE, HOUR), 2)
        return self._rate(self._handle(2)) or said

    def _appeal(self, said: Answer) -> None:
        """The street contests the rating; the district reviews, the city decides."""
        random, unit = self._random, self._street.code
        indicator = "satisfaction" if said.solved or self._happens(0.5) else "resolution"
        grounds = (("unreasonable_demand", 5), ("historical_issue", 3), ("force_majeure", 1))
        ground = pick(random, grounds)
        appeal = f"申诉-{self._subject.removeprefix('热线-')}"
        file = [f"file/{appeal}"]
        at = into_hours(self._journal.ends_at() + between(random, 5 * HOUR, 2 * DAY))
        self._journal.write(
            at,
            "appealed",
            appeal=appeal,
            unit=unit,
            indicator=indicator,
            ground=ground,
            evidence=file,
            filer=f"{unit}-office",
        )
        for level, reviewer in (("district", self._street.district), ("city", "1101")):
            at = into_hours(at + between(random, 6 * HOUR, 2 * DAY))
            decision = "upheld" if self._happens(0.75) else "rejected"
            review = {"appeal": appeal, "level": level, "reviewer": f"{reviewer}-review"}
            self._journal.write(at, "reviewed", decision=decision, ground=ground, **review)
            if decision == "rejected":
                return
        everything = self._happens(0.3)
        self._journal.write(
            at + MINUTE,
            "excluded",
            indicators=None if everything else [indicator],
            ground=ground,
            approver="1101-review",
            evidence=file,
        )
        if self._happens(0.05):
            at = into_hours(at + between(random, DAY, 4 * DAY))
            self._journal.write(at, "reinstated", ground="review_of_city", approver="1101-review")

    def _correct(self) -> None:
        """Somebody noticed a slip of the pen."""
        at = into_hours(self._journal.ends_at() + between(self._random, HOUR, DAY))
        slip = self._random.randrange(3)
        if slip == 0:
            other = self._random.choice(MATTERS).category
            self._journal.correct(at, "received", "category", list(other))
        elif slip == 1:
            self._journal.correct(at, "received", "channel", "web")
        else:
            self._journal.correct(at, "signed", "time", None)
