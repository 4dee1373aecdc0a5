"""A frozen cycle: what freezing, revising and auditing all compute (docs/cycles.md).

The orders of the archive up to a position in every partition, looked at at one instant, under one
policy, one registry and the adjustments of that instant, give sums; sums give every list. Nothing
else enters, so the same inputs give the same bytes for ever.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from schemas.instants import FOREVER, Instant
from schemas.records import Contribution, Event, Fence, FlushMark, Position, Sums, Unit
from services.domain.adjustments import Entry, by_unit, in_force
from services.domain.canonical import canonical
from services.domain.outcome import evaluate
from services.domain.policy import Policy
from services.domain.pooling import sums_of_kind
from services.domain.ranking import RankedUnit, UnrankedUnit, rank
from services.domain.registry import Registry
from services.domain.windows import Window

ENGINE: Final = 2
"""The rules of this program; to be raised by a change that gives other numbers for old events.

Since 2 the lists of districts pool the sums of their units.
"""

UnitSums = dict[tuple[str, str], Sums]
"""Sums by (unit code, indicator or count)."""


class Mark(NamedTuple):
    """The last log position of one shard that counts, and the shard's clock then."""

    shard: int
    epoch: int
    offset: int
    clock: Instant


class Inputs(NamedTuple):
    """All that a revision depends on besides the archive.

    ``document`` is the policy's text, with its calendar; ``units`` is the registry by code;
    ``entries`` are the cycle's adjustments recorded until ``as_of``.
    """

    engine: int
    cycle: str
    as_of: Instant
    marks: tuple[Mark, ...]
    ruleset: int
    checksum: str
    document: str
    units: tuple[Unit, ...]
    entries: tuple[Entry, ...]

    def text(self) -> str:
        """Canonical JSON."""
        fields: dict[str, Any] = self._asdict()
        entries = [
            [*entry._replace(points=f"{entry.points:f}")]  # type: ignore[arg-type]  # as text
            for entry in self.entries
        ]
        return canonical(fields | {"entries": entries})

    @classmethod
    def read(cls, text: str) -> Inputs:
        """Read `text`."""
        found = json.loads(text)
        entries = (Entry._make(entry) for entry in found["entries"])
        return cls(
            **found
            | {
                "marks": tuple(Mark._make(mark) for mark in found["marks"]),
                "units": tuple(Unit._make(unit) for unit in found["units"]),
                "entries": tuple(entry._replace(points=Decimal(entry.points)) for entry in entries),
            }
        )

    def flush_marks(self) -> dict[int, FlushMark]:
        """The positions as readers of the archive want them."""
        return {
            mark.shard: FlushMark(Fence(0, 0), 0, Position(mark.epoch, mark.offset), mark.clock)
            for mark in self.marks
        }


class OrderPart(NamedTuple):
    """What one order adds to the cycle at ``as_of``, sorted.

    Before ``next_change`` only an event can change that; FOREVER if nothing else ever does.
    """

    subject: str
    next_change: Instant
    contributions: tuple[Contribution, ...]

    def line(self) -> str:
        """The contributions as canonical JSON."""
        return canonical(self.contributions)


def part_of(
    subject: str, events: Iterable[Event], policy: Policy, window: Window, at: Instant
) -> OrderPart | None:
    """What one order adds to a window at an instant, or may add later; None if it never does.

    Raises:
        CalendarError: a deadline falls into a year whose working days are not known.
    """
    spans = [
        span
        for span in evaluate(events, policy).flat
        if window.begins_at <= span[5] < window.ends_at and span[1] > at
    ]
    if not spans:
        return None
    contributions = sorted(Contribution._make(span[2:]) for span in spans if span[0] <= at)
    next_change = min(span[0] if span[0] > at else span[1] for span in spans)
    return OrderPart(subject, min(next_change, FOREVER), tuple(contributions))


class Fold:
    """Adds up the parts of all orders, in the order in which the archive gives them."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, str], list[int]] = {}
        self._digest = hashlib.sha256()
        self._orders = 0
        self._not_evaluable: list[str] = []

    def add(self, part: OrderPart) -> None:
        """Add one order."""
        self._orders += 1
        self._digest.update(f"{part.subject}\t{part.next_change}\t{part.line()}\n".encode())
        for ranking, unit, indicator, _at, denominator, numerator in part.contributions:
            both = self._sums.setdefault((ranking, unit, indicator), [0, 0])
            both[0] += denominator
            both[1] += numerator

    def fail(self, subject: str) -> None:
        """Name an order that no rule could evaluate: it counts nowhere, and is listed."""
        self._not_evaluable.append(subject)

    def results(self, inputs: Inputs, policy: Policy, window: Window) -> dict[str, Any]:
        """What the sums come to: JSON of texts and integers, the same for the same orders."""
        return {
            "orders": self._orders,
            "orders_digest": self._digest.hexdigest(),
            "not_evaluable": sorted(self._not_evaluable),
            "sums": [[*key, *both] for key, both in sorted(self._sums.items())],
            "lists": _lists(self._sums, inputs, policy, window),
        }


def checksum(inputs: str, results: str, ground: str, approver: str) -> str:
    """SHA-256 over all that a revision says."""
    return hashlib.sha256(canonical([inputs, results, ground, approver]).encode()).hexdigest()


def sums_of(results: Mapping[str, Any], ranking: str) -> UnitSums:
    """The stored sums of one ranking (``basis`` of a list)."""
    return {
        (unit, indicator): Sums(denominator, numerator)
        for name, unit, indicator, denominator, numerator in results["sums"]
        if name == ranking
    }


def _lists(
    sums: Mapping[tuple[str, str, str], Sequence[int]],
    inputs: Inputs,
    policy: Policy,
    window: Window,
) -> list[dict[str, Any]]:
    """Every list there is: of each kind of units, and of each of its peer groups."""
    registry = Registry(inputs.units)
    rules = policy.at(window.ends_at - 1)
    adjustments = by_unit(in_force(inputs.entries, inputs.as_of))
    found = []
    for kind in sorted({unit.kind for unit in inputs.units}):
        for group in ("", *registry.groups(kind)):
            scoring = rules.scorings.of(kind, group)
            own = {
                (unit, indicator): Sums(*both)
                for (ranking, unit, indicator), both in sums.items()
                if ranking == scoring.basis
            }
            listed = registry.of_kind(kind, group)
            ranking = rank(listed, sums_of_kind(own, registry, kind), scoring, adjustments)
            found.append(
                {
                    "kind": kind,
                    "group": group,
                    "basis": scoring.basis,
                    "ranked": [_ranked(entry) for entry in ranking.ranked],
                    "unranked": [_unranked(entry) for entry in ranking.unranked],
                }
            )
    return found


def _ranked(entry: RankedUnit) -> dict[str, Any]:
    return {
        "unit": entry.unit.code,
        "rank": entry.rank,
        "bottom": entry.bottom,
        "score": f"{entry.score:f}",
        "score_before": f"{entry.score_before:f}",
        "adjustment": f"{entry.adjustment:f}",
        "adjusted_by": [each.id for each in entry.adjusted_by],
        "volume": entry.volume,
        "rates": _rates(entry.rates),
    }


def _unranked(entry: UnrankedUnit) -> dict[str, Any]:
    return {
        "unit": entry.unit.code,
        "reason": entry.reason,
        "volume": entry.volume,
        "rates": _rates(entry.rates),
    }


def _rates(rates: Mapping[str, Decimal | None]) -> dict[str, str | None]:
    return {code: None if rate is None else f"{rate:f}" for code, rate in rates.items()}
