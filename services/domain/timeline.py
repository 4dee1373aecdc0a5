"""From steps to spans: what an order adds, and from when to when (docs/rules.md)."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import Any, Final

from schemas.instants import FOREVER, Instant
from schemas.records import FlatSpan

LEAD: Final = "lead"  # the ranking by the unit that leads the order
LINE: Final = "line"  # by the line department of its field

Counts = tuple[str | None, ...]
"""The names of the `COUNTS` counts that hold: volume or incomplete, the state, open, overdue."""
Rate = tuple[Instant, int]
"""Where an order is booked in an indicator, and its thousandths."""
Rates = tuple[Rate | None, ...]

# An instant as the object that spans hold. Compiled, an `Instant` is a machine word, of which an
# object would be made anew for every span.
_Moment = Any

COUNTS: Final = 4
INCOMPLETE: Final[Counts] = ("incomplete", None, None, None)
NO_COUNTS: Final[Counts] = (None, None, None, None)


class Timeline:
    """Collects the steps of one order, in order of time.

    A step says which counts hold and what each indicator has; a span begins and ends only where
    that changes.

    Args:
        codes: Of the indicators, as the rates of a step are ordered.
    """

    __slots__ = (
        "_attributed_at",
        "_boundaries",
        "_codes",
        "_counts",
        "_rates",
        "_since",
        "_spans",
        "_unit",
    )

    def __init__(self, codes: Sequence[str]) -> None:
        self._codes = codes
        self._spans: list[FlatSpan] = []
        self._boundaries: list[Instant] = []
        # What holds at present, and since when.
        self._unit = ""
        self._attributed_at: _Moment = 0
        self._counts: Counts = NO_COUNTS
        self._rates: tuple[Any, ...] = (None,) * len(codes)
        self._since: list[_Moment] = [0] * (COUNTS + len(codes))

    def step(
        self, at: _Moment, unit: str, attributed_at: _Moment, counts: Counts, rates: Rates
    ) -> None:
        """From ``at`` on this holds; ``attributed_at`` is that of the counts."""
        moved = unit != self._unit
        rebooked = moved or attributed_at != self._attributed_at
        if rebooked or counts != self._counts:
            self._count(at, counts, rebooked)
        elif rates == self._rates:
            return
        if moved or rates != self._rates:
            self._rate(at, rates, moved)
        self._unit, self._attributed_at = unit, attributed_at
        self._counts, self._rates = counts, rates
        self._boundaries.append(at)

    def occurred(self, at: Instant, unit: str, name: str) -> None:
        """Something happened at ``at`` that counts from then on."""
        self._spans.append((at, FOREVER, LEAD, unit, name, at, 1, 0))
        if at not in self._boundaries:
            insort(self._boundaries, at)

    def close(self) -> tuple[tuple[FlatSpan, ...], tuple[Instant, ...]]:
        """All spans, and the instants at which something changes."""
        self._count(FOREVER, NO_COUNTS, True)
        self._rate(FOREVER, (None,) * len(self._codes), True)
        return tuple(self._spans), tuple(self._boundaries)

    def _count(self, at: _Moment, counts: Counts, moved: bool) -> None:
        since = self._since
        for place, name in enumerate(self._counts):
            if moved or name != counts[place]:
                if name is not None:
                    booked_at = self._attributed_at
                    self._spans.append((since[place], at, LEAD, self._unit, name, booked_at, 1, 0))
                since[place] = at

    def _rate(self, at: _Moment, rates: Rates, moved: bool) -> None:
        since = self._since
        for place, rate in enumerate(self._rates):
            if moved or rate != rates[place]:
                if rate is not None:
                    begins_at, code = since[COUNTS + place], self._codes[place]
                    self._spans.append((begins_at, at, LEAD, self._unit, code, rate[0], 1, rate[1]))
                since[COUNTS + place] = at
