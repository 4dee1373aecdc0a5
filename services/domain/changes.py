"""A unit beside itself in an earlier window: what its rank, score, rates and volume changed by."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from services.domain.ranking import Figures, RankedUnit, UnrankedUnit
from services.domain.score import PERCENT, half_up

VOLUME_DECIMALS: Final = 2

Figured = Figures | RankedUnit | UnrankedUnit
"""Of one unit; `Figures` alone have no place, as those of a unit that no registry knows."""


class RateChange(NamedTuple):
    """A rate then, in percent, and what it changed by, in percentage points."""

    rate: Decimal | None
    change: Decimal | None


class Changes(NamedTuple):
    """How a unit stood then, and what has changed; None where one of the two is missing.

    ``rank_change`` is positive for a unit that has risen: from rank 5 to rank 3 is 2.
    ``volume_change`` in percent of the volume then, None where that was zero. ``rates`` of the
    indicators of the present version; None of one that the version then did not have.
    """

    rank: int | None
    rank_change: int | None
    score: Decimal | None
    score_change: Decimal | None
    volume: int
    volume_change: Decimal | None
    rates: Mapping[str, RateChange]


def changes(now: Figured, then: Figured) -> Changes:
    """Compare the published, rounded, numbers of one unit."""
    (rank, score), (rank_then, score_then) = _place(now), _place(then)
    return Changes(
        rank=rank_then,
        rank_change=None if rank is None or rank_then is None else rank_then - rank,
        score=score_then,
        score_change=_less(score, score_then),
        volume=then.volume,
        volume_change=_percent(now.volume, then.volume),
        rates={
            code: RateChange(then.rates.get(code), _less(rate, then.rates.get(code)))
            for code, rate in now.rates.items()
        },
    )


def _place(found: Figured) -> tuple[int | None, Decimal | None]:
    return (found.rank, found.score) if isinstance(found, RankedUnit) else (None, None)


def _less(now: Decimal | None, then: Decimal | None) -> Decimal | None:
    return None if now is None or then is None else now - then


def _percent(now: int, then: int) -> Decimal | None:
    if then == 0:
        return None
    return half_up(Fraction((now - then) * PERCENT, then), VOLUME_DECIMALS)
