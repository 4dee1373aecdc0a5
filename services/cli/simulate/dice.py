"""Chance that can be repeated: every draw hangs on the seed and on what is drawn for."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, TypeVar

from schemas.instants import SECOND, Instant

_Item = TypeVar("_Item")

_LONGEST_LAG: Final = 4  # of lags around a median, as a multiple of it


def dice(*names: object) -> Random:
    """A generator of its own for what the names name; the same in every process."""
    return Random("/".join(map(str, names)))  # noqa: S311 (a demo, no secret)


def pick(random: Random, weighted: Sequence[tuple[_Item, int]]) -> _Item:
    """Draw one item by weight."""
    rest = random.random() * sum(weight for _, weight in weighted)
    for item, weight in weighted:
        rest -= weight
        if rest < 0:
            return item
    return weighted[-1][0]


def lag(random: Random, median: Instant) -> Instant:
    """A waiting time of whole seconds: mostly around the median, now and then much longer."""
    factor = min(random.lognormvariate(0, 0.7), _LONGEST_LAG)
    return int(median * factor) // SECOND * SECOND + SECOND


def between(random: Random, shortest: Instant, longest: Instant) -> Instant:
    """A waiting time of whole seconds, all lengths alike."""
    return random.randrange(shortest // SECOND, longest // SECOND) * SECOND
