"""Competition ranking: 1, 2, 2, 4, and who stands at an end of the list (domain.md 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """``rank`` from 1; ``after``: how many come strictly after it."""

    rank: int
    after: int


def places(keys: Sequence[object]) -> list[Place]:
    """The places of a sorted list; equal neighbours share a rank."""
    ranks: list[int] = []
    for number, key in enumerate(keys, start=1):
        shared = number > 1 and key == keys[number - 2]
        ranks.append(ranks[-1] if shared else number)
    after = {rank: len(keys) - number for number, rank in enumerate(ranks, start=1)}
    return [Place(rank, after[rank]) for rank in ranks]


def at_the_top(place: Place, count: int) -> bool:
    """Whether fewer than so many come strictly before it: equal ranks at the edge are all in."""
    return place.rank <= count


def at_the_bottom(place: Place, count: int) -> bool:
    """Whether fewer than so many come strictly after it: equal ranks at the edge are all in."""
    return place.after < count
