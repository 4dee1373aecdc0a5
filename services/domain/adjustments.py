"""加减分: points that an office adds to a unit's score of a cycle, or takes away (domain.md 4.7).

They stand in a register beside the log (docs/decisions/0004-adjustments.md). Nothing in it is
changed: an entry that was wrong is withdrawn by another one that names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from schemas.instants import Instant
from services.domain.scorings import Caps, Scoring


class Entry(NamedTuple):
    """One entry of the register.

    An ``adjustment`` has signed ``points``; a ``withdrawal`` names the adjustment that it
    ``withdraws``, repeats its unit and cycle, and has no points. ``cycle`` is the name of a
    window of kind cycle.
    """

    id: str
    kind: Literal["adjustment", "withdrawal"]
    unit: str
    cycle: str
    points: Decimal
    withdraws: str
    ground: str
    approver: str
    decided_at: Instant
    recorded_at: Instant


Adjustments = Mapping[str, Sequence[Entry]]
"""Those in force in one cycle, by unit."""


class Applied(NamedTuple):
    """What entries do to one score: ``counted`` are those with an accepted ground.

    ``points`` are theirs, bonuses and deductions each cut off at their cap.
    """

    points: Decimal
    counted: tuple[Entry, ...]


_NOTHING: Final = Applied(Decimal(0), ())


def in_force(entries: Iterable[Entry], as_of: Instant) -> list[Entry]:
    """The adjustments that were recorded by then and not withdrawn, in the order of recording."""
    known = sorted(
        (entry for entry in entries if entry.recorded_at <= as_of),
        key=lambda entry: (entry.recorded_at, entry.id),
    )
    withdrawn = {entry.withdraws for entry in known if entry.kind == "withdrawal"}
    return [entry for entry in known if entry.kind == "adjustment" and entry.id not in withdrawn]


def by_unit(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Entries of each unit, in their order."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.unit, []).append(entry)
    return found


def apply(entries: Sequence[Entry], scoring: Scoring) -> Applied:
    """Add up a unit's adjustments of one cycle that are in force."""
    caps = scoring.caps
    if caps is None or not entries:
        return _NOTHING
    counted = tuple(entry for entry in entries if accepts(caps, entry.ground))
    bonus = sum((entry.points for entry in counted if entry.points > 0), Decimal(0))
    deduction = -sum((entry.points for entry in counted if entry.points < 0), Decimal(0))
    points = _capped(bonus, caps.bonus) - _capped(deduction, caps.deduction)
    return Applied(points, counted)


def accepts(caps: Caps, ground: str) -> bool:
    """Whether the policy accepts this ground."""
    return caps.grounds is None or ground in caps.grounds


def _capped(points: Decimal, cap: Decimal | None) -> Decimal:
    return points if cap is None else min(points, cap)
