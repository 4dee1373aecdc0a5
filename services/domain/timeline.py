"""From steps to spans: what an order adds, and from when to when (docs/rules.md)."""

from __future__ import annotations

from functools import partial
from typing import Final

from schemas.instants import FOREVER, Instant
from schemas.records import Contribution, Span

LEAD: Final = "lead"  # the ranking by the unit that leads the order
LINE: Final = "line"  # by the line department of its field

Labels = tuple[str, str, str, str]
Rates = tuple[Contribution | None, ...]

COUNTS: Final = 4
INCOMPLETE: Final[Labels] = ("incomplete", "", "", "")

# Half the time of calling the class, and making contributions is most of the work.
_contribution = partial(tuple.__new__, Contribution)
_span = partial(tuple.__new__, Span)


def contribution(unit: str, name: str, attributed_at: Instant, numerator: int = 0) -> Contribution:
    """One order's part in a count, or with a numerator in thousandths in an indicator."""
    return _contribution((LEAD, unit, name, attributed_at, 1, numerator))


class Timeline:
    """Collects the steps of one order, in order of time.

    A step has four labels for the counts that hold for a time (volume or incomplete, state,
    open, overdue; "" for none) and one place for each indicator. A span begins and ends only
    where the content of its place changes.
    """

    __slots__ = (
        "_attributed_at",
        "_boundaries",
        "_labels",
        "_open",
        "_rates",
        "_since",
        "_spans",
        "_unit",
    )

    def __init__(self, indicators: int) -> None:
        self._spans: list[Span] = []
        self._boundaries: list[Instant] = []
        self._open: list[Contribution | None] = [None] * (COUNTS + indicators)
        self._since: list[Instant] = [0] * (COUNTS + indicators)
        # What the open contributions were made from.
        self._unit = ""
        self._attributed_at: Instant | None = None
        self._labels: Labels = ("", "", "", "")
        self._rates: Rates = (None,) * indicators

    def step(
        self, at: Instant, unit: str, attributed_at: Instant, labels: Labels, rates: Rates
    ) -> None:
        """From ``at`` on this holds; ``attributed_at`` is that of the counts."""
        moved = unit != self._unit or attributed_at != self._attributed_at
        if not moved and labels == self._labels and rates == self._rates:
            return
        for place in range(COUNTS):
            label = labels[place]
            if moved or label != self._labels[place]:
                self._put(place, at, contribution(unit, label, attributed_at) if label else None)
        if rates != self._rates:
            for place, rate in enumerate(rates):
                if rate != self._rates[place]:
                    self._put(COUNTS + place, at, rate)
        self._unit, self._attributed_at = unit, attributed_at
        self._labels, self._rates = labels, rates
        self._boundaries.append(at)

    def count(self, at: Instant, unit: str, name: str) -> None:
        """Something happened at ``at`` that counts from then on."""
        self._spans.append(_span((at, FOREVER, contribution(unit, name, at))))
        self._boundaries.append(at)

    def close(self) -> tuple[tuple[Span, ...], tuple[Instant, ...]]:
        """All spans, and the instants at which something changes."""
        for place in range(len(self._open)):
            self._put(place, FOREVER, None)
        return tuple(self._spans), tuple(sorted(set(self._boundaries)))

    def _put(self, place: int, at: Instant, new: Contribution | None) -> None:
        before = self._open[place]
        if before is not None:
            self._spans.append(_span((self._since[place], at, before)))
        self._open[place] = new
        self._since[place] = at
