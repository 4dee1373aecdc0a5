"""环比排名: the second ranking, by gain on the previous cycle (domain.md 4.1)."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from schemas.records import Unit
from services.domain.places import Place, places
from services.domain.ranking import Ranking
from services.domain.scorings import Scoring


class GainedUnit(NamedTuple):
    """A unit with a score in both cycles; ``gain`` is ``score`` less ``score_before``."""

    place: Place
    unit: Unit
    gain: Decimal
    score: Decimal
    score_before: Decimal

    @property
    def rank(self) -> int:
        """1, 2, 2, 4."""
        return self.place.rank


class GainRanking(NamedTuple):
    """Units by gain, the greatest first; ``unranked`` lack a score in one of the cycles, by code."""

    ranked: tuple[GainedUnit, ...]
    unranked: tuple[Unit, ...]


def rank_by_gain(present: Ranking, before: Ranking, scoring: Scoring) -> GainRanking:
    """Rank the units of the present list by what their published score gained.

    Equal gains are told apart as equal scores are: by ``scoring.ties``, with the present volume.
    """
    earlier = {entry.unit.code: entry.score for entry in before.ranked}
    both = [
        (entry.score - earlier[entry.unit.code], entry)
        for entry in present.ranked
        if entry.unit.code in earlier
    ]
    both.sort(key=lambda item: (-item[0], -item[1].volume, item[1].unit.code))
    by_volume = scoring.ties == "volume"
    found = places([(gain, entry.volume if by_volume else 0) for gain, entry in both])
    ranked = tuple(
        GainedUnit(place, entry.unit, gain, entry.score, earlier[entry.unit.code])
        for place, (gain, entry) in zip(found, both, strict=True)
    )
    there = {entry.unit.code for entry in ranked}
    units = [entry.unit for entry in present.ranked if entry.unit.code not in there]
    units += [entry.unit for entry in present.unranked]
    units.sort(key=lambda unit: unit.code)
    return GainRanking(ranked, tuple(units))
