"""Where units may stand, given how each one's true score is spread (docs/uncertainty.md).

Whole numbers throughout: a probability is an integer in parts of ``ONE``, a score in parts of
``POINT``. Sums of integers have no order, so every machine gives the same answer. The one
square root is of a float64 and correctly rounded (IEEE 754), which is the same everywhere too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

BITS: Final = 30
ONE: Final = 1 << BITS
"""The probability one."""
POINT: Final = 1_000_000
"""Parts of one point of a score."""

STEPS: Final = 8
"""Nodes of a unit's spread for each standard deviation."""
REACH: Final = 4
"""Standard deviations that it spans on each side; beyond lie 6 in 100 000."""
NODES: Final = range(-REACH * STEPS, REACH * STEPS + 1)

_FINE: Final = 64  # entries of the normal table for each standard deviation
_FINE_REACH: Final = 6
_CELLS: Final = 64  # of the whole list, and as many again where its bottom is decided
_CENTRAL: Final = slice(REACH * STEPS - 20, REACH * STEPS + 21)  # within 2.5 standard deviations
_EXACT: Final = 24  # units up to which every place is counted without the normal curve


def _normal_table() -> Ints:
    """The standard normal distribution from -6 to 6, by its series in integers of 2^-100."""
    shift = 100
    density = 39894228040143267793994605993438 * (1 << shift) // 10**32  # 1 / sqrt(2 pi)
    upper = []
    for step in range(_FINE_REACH * _FINE + 1):
        power, total, order = (step << shift) // _FINE, 0, 0
        while power:
            term = power // (2 * order + 1)
            total += -term if order % 2 else term
            order += 1
            power = power * step * step // (2 * order * _FINE * _FINE)
        upper.append(ONE // 2 + (total * density >> (2 * shift - BITS)))
    return np.array([ONE - value for value in upper[:0:-1]] + upper, dtype=np.int64)


_NORMAL: Final = _normal_table()
_AT_NODES: Final = _NORMAL[
    (_FINE_REACH - REACH) * _FINE : (_FINE_REACH + REACH) * _FINE + 1 : _FINE // STEPS
]


class Chances:
    """Units whose true scores are spread independently of each other.

    ``spreads``: of each unit the score at every one of `NODES`, in parts of `POINT`, never
    falling along a row. Two units whose scores fall into one cell of the grid are as likely in
    either order. ``bottom``: how many stand at the bottom, at least 1.
    """

    def __init__(self, spreads: Ints, bottom: int) -> None:
        self._count = len(spreads)
        self._bottom = bottom
        below = _below(spreads, _edges(spreads, bottom))
        self._mass = np.diff(below, axis=1)
        self._below = (below[:, 1:] + below[:, :-1]) // 2

    def at_the_bottom(self) -> Ints:
        """The probability of each unit that fewer than ``bottom`` others stand below it."""
        if self._bottom >= self._count:
            return np.full(self._count, ONE, dtype=np.int64)
        return self._at_most([self._bottom - 1])[:, 0]

    def ranks(self, tail: int) -> tuple[Ints, Ints]:
        """First and last place of each unit; beyond either lies at most ``tail`` of ``ONE``."""
        best = self._count - self._quantile(ONE - tail)
        worst = self._count - self._quantile(tail)
        return best, worst

    def _quantile(self, target: int) -> Ints:
        """The least number of others below each unit that is not exceeded with ``target``."""
        if self._count <= _EXACT:
            at_most = self._at_most(range(self._count))
            at_most[:, -1] = ONE
            least: Ints = (at_most < target).sum(axis=1)
            return least
        low = np.zeros(self._count, dtype=np.int64)
        high = np.full(self._count, self._count - 1, dtype=np.int64)
        mean, deviation = self._moments()
        while np.any(low < high):
            middle = (low + high) // 2
            is_enough = self._roughly_at_most(middle, mean, deviation) >= target
            high = np.where(is_enough, middle, high)
            low = np.where(is_enough, low, np.minimum(middle + 1, high))
        return low

    def _moments(self) -> tuple[Ints, Ints]:
        """Mean and standard deviation of the number of others below, for each unit and cell."""
        variances = self._below * (ONE - self._below) >> BITS
        mean = self._below.sum(axis=0) - self._below
        variance = variances.sum(axis=0) - variances
        deviation = (np.sqrt(variance.astype(np.float64)) * (1 << BITS // 2)).astype(np.int64)
        return mean, np.maximum(deviation, 1)

    def _roughly_at_most(self, count: Ints, mean: Ints, deviation: Ints) -> Ints:
        """By the normal curve with continuity correction."""
        distance = ((count << BITS) + ONE // 2)[:, None] - mean
        reach = _FINE_REACH * _FINE
        place = np.minimum(np.maximum(distance * _FINE // deviation, -reach), reach) + reach
        mixed: Ints = (self._mass * _NORMAL[place]).sum(axis=1) >> BITS
        return mixed

    def _at_most(self, wanted: Sequence[int]) -> Ints:
        """How likely at most so many others stand below each unit, exactly (Poisson binomial).

        Given the cell of a unit the others are below it or not independently of each other. Their
        number is that of the units before it in the list and that of the units behind it.
        """
        most = max(wanted)
        # Beyond these cells it is less likely than one in ONE (Chernoff's bound).
        cells = self._below.sum(axis=0) < (5 * most + 45) * ONE
        below, mass = self._below[:, cells], self._mass[:, cells]
        before = _counts(below, most + 1)
        behind = _counts(below[::-1], most + 1)[::-1].cumsum(axis=1)
        return np.stack(
            [
                (mass * ((before[:, : k + 1] * behind[:, k::-1]).sum(axis=1) >> BITS)).sum(axis=1)
                >> BITS
                for k in wanted
            ],
            axis=1,
        )


def _counts(below: Ints, slots: int) -> Ints:
    """By unit, number and cell: how likely so many of the units before it are below the cell."""
    units, cells = below.shape
    found = np.zeros((units, slots, cells), dtype=np.int64)
    found[0, 0] = ONE
    for unit in range(units - 1):
        now, then = found[unit], found[unit + 1]
        is_below = below[unit]
        np.multiply(now, ONE - is_below, out=then)
        then[1:] += now[:-1] * is_below
        then >>= BITS
    return found


def _edges(spreads: Ints, bottom: int) -> Ints:
    """Edges of the cells: where scores are dense, and once more where the bottom is decided."""
    central = np.sort(spreads[:, _CENTRAL], axis=None)
    each = len(central) // len(spreads)
    low = central[: min(len(central), 3 * bottom * each)]
    inner = [part[np.arange(_CELLS + 1) * (len(part) - 1) // _CELLS] for part in (central, low)]
    ends = np.array([spreads.min() - 1, spreads.max()], dtype=np.int64)
    return np.unique(np.concatenate([*inner, ends]))


def _below(spreads: Ints, edges: Ints) -> Ints:
    """By unit and edge: how likely its score is not above the edge, from 0 to `ONE`."""
    last = len(NODES) - 1
    place = np.stack([np.searchsorted(nodes, edges, side="right") for nodes in spreads]) - 1
    left = np.minimum(np.maximum(place, 0), last - 1)
    start = np.take_along_axis(spreads, left, axis=1)
    width = np.maximum(np.take_along_axis(spreads, left + 1, axis=1) - start, 1)
    inside = _AT_NODES[left] + (_AT_NODES[left + 1] - _AT_NODES[left]) * (edges - start) // width
    return np.where(place < 0, 0, np.where(place >= last, ONE, inside))
