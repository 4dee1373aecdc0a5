"""How sure the places of a ranking are, as answers show it; computed once for the same numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Final

from services.api.certainty_models import RankInterval, ScoreInterval, Surely, Sureness
from services.domain.ranking import Ranking
from services.domain.scorings import Scoring
from services.domain.uncertainty import LEVEL, METHOD, Uncertainty, rank_uncertainty

ABOUT: Final = Sureness(method=METHOD, level=f"{LEVEL:f}")
NOTHING: Final = Surely()
"""Of a unit without a place."""

_REMEMBERED: Final = 32  # rankings; the wall of every visitor asks for the same few


def certainty(ranking: Ranking, scoring: Scoring) -> Mapping[str, Surely]:
    """Of every ranked unit, by code. ``scoring`` is the one that ranked them."""
    return _remembered(_Asked(ranking, scoring))


class _Asked:
    """A question, equal to another one if what its answer depends on is equal."""

    __slots__ = ("_content", "ranking", "scoring")

    def __init__(self, ranking: Ranking, scoring: Scoring) -> None:
        self.ranking = ranking
        self.scoring = scoring
        self._content: Hashable = (
            repr(scoring),
            tuple(
                (
                    entry.unit.code,
                    entry.rank,
                    entry.score,
                    entry.adjustment,
                    *(entry.sums[code] for code in scoring.measured),
                )
                for entry in ranking.ranked
            ),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)


@lru_cache(maxsize=_REMEMBERED)
def _remembered(asked: _Asked) -> Mapping[str, Surely]:
    found = rank_uncertainty(asked.ranking, asked.scoring)
    return {code: _written(uncertainty) for code, uncertainty in found.items()}


def _written(found: Uncertainty) -> Surely:
    probability = found.bottom_probability
    return Surely(
        rank_interval=RankInterval(from_=found.rank_from, to=found.rank_to),
        score_interval=ScoreInterval(from_=f"{found.score_from:f}", to=f"{found.score_to:f}"),
        bottom_probability=None if probability is None else f"{probability:f}",
    )
