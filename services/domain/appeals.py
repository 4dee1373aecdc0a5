"""Appeals (申诉, 复核): what became of them, by the events of their order (docs/appeals.md).

A fold like that of the order itself: of the set of its events, in the order of their content; an
instant chooses how far. Nothing here counts: an appeal that is upheld counts by its `excluded`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple

from schemas.instants import Instant
from schemas.policy import Rules as Document
from schemas.policy.appeals import Level
from schemas.policy.deadlines import Duration
from schemas.records import Event
from services.domain.calendar import CalendarError
from services.domain.corrections import in_order
from services.domain.deadlines import ends_at
from services.domain.policy import Policy, Rules

State = Literal["filed", "in_review", "upheld", "refused", "lapsed", "void"]
"""At the first level, at a later one; decided for or against the unit; no level above decided in
time; or filed in a way that makes it none."""

PENDING: Final = frozenset({"filed", "in_review"})
DISTRICT: Final = "district"
TOLD: Final = frozenset({"callback", "resolved"})  # since when a unit can know what counts

# Why an event changed nothing.
REPEATED: Final = "repeated"
ALREADY_PENDING: Final = "already_pending"
UNKNOWN_INDICATOR: Final = "unknown_indicator"
GROUND_NOT_ACCEPTED: Final = "ground_not_accepted"
TOO_LATE: Final = "too_late"
NOT_PENDING: Final = "not_pending"
WRONG_LEVEL: Final = "wrong_level"
NO_REVIEWER: Final = "no_reviewer"
REVIEWED_BY_FILER: Final = "reviewed_by_filer"
NOT_OF_LEVEL: Final = "not_of_level"
NOT_UPHELD: Final = "not_upheld"

DistrictOf = Callable[[str], str]
"""The code of the district of a unit; "" if it has none, or is not registered."""


class Entry(NamedTuple):
    """One entry of the history.

    ``what``: filed, upheld, rejected, term_over, excluded. ``why`` it changed nothing, "" if it
    did. ``source`` and ``event`` name the event, "" for a term that ran out.
    """

    at: Instant
    what: str
    level: str = ""
    by: str = ""
    why: str = ""
    source: str = ""
    event: str = ""


class Appeal(NamedTuple):
    """One appeal as it stands at an instant.

    ``level`` has it, until ``term_ends_at`` (None: nobody has it, or the calendar of its year is
    not known). ``missed`` are the levels that let their term run out. ``excluded_at``: since when
    the exclusion is there that an upheld appeal entails. ``why`` a void one is void.
    """

    number: str
    order: str
    unit: str
    indicator: str
    ground: str
    evidence: tuple[str, ...]
    filer: str
    filed_at: Instant
    state: State
    level: str
    term_ends_at: Instant | None
    decided_at: Instant | None
    missed: tuple[str, ...]
    excluded_at: Instant | None
    why: str
    history: tuple[Entry, ...]


def appeals_of(
    events: Iterable[Event], policy: Policy, district_of: DistrictOf, at: Instant
) -> list[Appeal]:
    """The appeals of one order at an instant, in the order in which they were filed.

    Repetitions and the order of arrival change nothing. Of the events of one (source, id) all have
    the same content; the caller has settled conflicts.
    """
    found: dict[str, _Appeal] = {}
    ordered = [event for event in in_order(events) if event.occurred_at <= at]
    told_at: Instant | None = None
    for event in ordered:
        if event.type in TOLD:
            told_at = event.occurred_at
        elif event.type == "appealed":
            _file(found, event, policy.at(event.occurred_at), district_of, told_at)
        elif event.type == "reviewed":
            appeal = found.get(event.data.get("appeal", ""))
            if appeal is not None:
                appeal.review(event)
    for appeal in found.values():
        appeal.pass_terms(at)
    for event in ordered:  # may sort before the decision of the same instant
        if event.type == "excluded" and (appeal := found.get(event.data.get("appeal", ""))):
            appeal.exclude(event)
    return [appeal.told() for appeal in found.values()]


def accepts(rules: Rules, indicator: str, ground: str) -> bool:
    """Whether one may appeal against an indicator on a ground."""
    listed = rules.document.appeals.grounds
    if listed is not None and ground not in listed:
        return False
    reached = rules.grounds
    return reached is None or not reached.get(ground, frozenset()).isdisjoint(
        rules.reach[indicator]
    )


def levels_for(document: Document, district: str) -> Sequence[Level]:
    """The levels that review; a unit without a district goes to those above one."""
    above = [level for level in document.appeals.levels if level.name != DISTRICT]
    return document.appeals.levels if district or not above else above


def _file(
    found: dict[str, _Appeal],
    event: Event,
    rules: Rules,
    district_of: DistrictOf,
    told_at: Instant | None,
) -> None:
    number = event.data.get("appeal", "")
    if (known := found.get(number)) is not None:
        known.note(event, "filed", by=event.data.get("filer", ""), why=REPEATED)
        return
    appeal = _Appeal(event, rules, district_of(event.data.get("unit", "")))
    for other in found.values():
        other.pass_terms(event.occurred_at)
    appeal.open(told_at, list(found.values()))
    found[number] = appeal


class _Appeal:
    """An appeal while its order's events are gone through."""

    def __init__(self, event: Event, rules: Rules, district: str) -> None:
        data = event.data
        self.unit: str = data.get("unit", "")
        self.indicator: str = data.get("indicator", "")
        self._event = event
        self._rules = rules
        self._district = district
        self._levels = levels_for(rules.document, district)
        self._place = 0
        self.state: State = "filed"
        self._term: Instant | None = None
        self._decided_at: Instant | None = None
        self._missed: list[str] = []
        self._excluded_at: Instant | None = None
        self._why = ""
        self._history: list[Entry] = []

    @property
    def is_pending(self) -> bool:
        return self.state in PENDING

    @property
    def _level(self) -> Level:
        return self._levels[self._place]

    def open(self, told_at: Instant | None, others: Sequence[_Appeal]) -> None:
        """Take it on, or find that it is none."""
        event = self._event
        self._why = self._refuse_filing(told_at, others)
        self.note(event, "filed", by=event.data.get("filer", ""), why=self._why)
        if self._why:
            self.state = "void"
        else:
            self._term = self._ends(event.occurred_at, self._level.within)

    def _refuse_filing(self, told_at: Instant | None, others: Sequence[_Appeal]) -> str:
        rules, ground = self._rules, self._event.data.get("ground", "")
        if self.indicator not in rules.reach:
            return UNKNOWN_INDICATOR
        if ground and not accepts(rules, self.indicator, ground):
            return GROUND_NOT_ACCEPTED
        contested = (self.unit, self.indicator)
        if any(each.is_pending and (each.unit, each.indicator) == contested for each in others):
            return ALREADY_PENDING
        within = rules.document.appeals.file_within
        term = None if told_at is None else self._ends(told_at, within)
        return TOO_LATE if term is not None and self._event.occurred_at >= term else ""

    def review(self, event: Event) -> None:
        """One level says what it thinks; the last one, or the first that refuses, decides."""
        self.pass_terms(event.occurred_at)
        decision, level = event.data.get("decision", ""), event.data.get("level", "")
        by = event.data.get("reviewer", "")
        why = self._refuse_review(level, by)
        own = level or (self._level.name if self.is_pending else "")
        self.note(event, decision, level=own, by=by, why=why)
        if why:
            return
        if decision == "rejected":
            self._decide("refused", event.occurred_at)
        elif self._place + 1 < len(self._levels):
            self._pass_on(event.occurred_at)
        else:
            self._decide("upheld", event.occurred_at)

    def _refuse_review(self, level: str, reviewer: str) -> str:
        if not self.is_pending:
            return TOO_LATE if self.state == "lapsed" or level in self._missed else NOT_PENDING
        if level and level != self._level.name:
            return TOO_LATE if level in self._missed else WRONG_LEVEL
        if not reviewer:
            return NO_REVIEWER
        if reviewer == self._event.data.get("filer") or _is_of(reviewer, self.unit):
            return REVIEWED_BY_FILER
        if self._district and _is_of(reviewer, self._district) != (self._level.name == DISTRICT):
            return NOT_OF_LEVEL
        return ""

    def exclude(self, event: Event) -> None:
        """The exclusion that an upheld appeal entails is there."""
        if self.state != "upheld":
            why = NOT_UPHELD
        else:
            why = REPEATED if self._excluded_at is not None else ""
        if not why:
            self._excluded_at = event.occurred_at
        self.note(event, "excluded", by=event.data.get("approver", ""), why=why)

    def pass_terms(self, until: Instant) -> None:
        """Terms that have run out: the next level has it then, and after the last one nobody."""
        while self.is_pending and self._term is not None and until >= self._term:
            over = self._term
            self._missed.append(self._level.name)
            self._history.append(Entry(over, "term_over", self._level.name))
            if self._place + 1 < len(self._levels):
                self._pass_on(over)
            else:
                self._decide("lapsed", over)

    def note(self, event: Event, what: str, *, level: str = "", by: str = "", why: str) -> None:
        """Remember an event, with what it did or why it did nothing."""
        at = event.occurred_at
        self._history.append(Entry(at, what, level, by, why, event.source, event.id))

    def told(self) -> Appeal:
        data = self._event.data
        return Appeal(
            number=data.get("appeal", ""),
            order=self._event.subject,
            unit=self.unit,
            indicator=self.indicator,
            ground=data.get("ground", ""),
            evidence=tuple(data.get("evidence", ())),
            filer=data.get("filer", ""),
            filed_at=self._event.occurred_at,
            state=self.state,
            level=self._level.name if self.is_pending else "",
            term_ends_at=self._term if self.is_pending else None,
            decided_at=self._decided_at,
            missed=tuple(self._missed),
            excluded_at=self._excluded_at,
            why=self._why,
            history=tuple(sorted(self._history, key=_instant_of_entry)),
        )

    def _pass_on(self, at: Instant) -> None:
        self._place += 1
        self.state = "in_review"
        self._term = self._ends(at, self._level.within)

    def _decide(self, state: State, at: Instant) -> None:
        self.state = state
        self._decided_at = at

    def _ends(self, started_at: Instant, within: Duration) -> Instant | None:
        """The end of a term; None in a year whose working days are not known: it runs on."""
        try:
            return ends_at(started_at, within, self._rules.zone, self._rules.working_days)
        except CalendarError:
            return None


def _is_of(office: str, unit: str) -> bool:
    """Whether a code is that of a unit, or of an office of it: the unit's, a dash, a word."""
    return office == unit or office.startswith(f"{unit}-")


def _instant_of_entry(entry: Entry) -> Instant:
    return entry.at
