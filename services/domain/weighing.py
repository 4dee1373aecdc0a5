"""How much an answer is worth where the best of several callbacks counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import lcm

from schemas.policy.indicators import QUESTIONS, Indicator
from schemas.policy.scores import Score

Weighed = tuple[tuple[str, Mapping[str, int]], ...]
"""For each question of a score: where it is asked, and its grades, weighted."""


def weighed(indicators: Mapping[str, Indicator], score: Score) -> Weighed:
    """Integer weights in the ratio of the score's: only which callback is better counts.

    The weight of an indicator with points is their maximum; one with parts hands its own to them.
    """
    weights = dict(score.weights or {code: t.maximum for code, t in (score.points or {}).items()})
    shares = [
        share
        for code, weight in weights.items()
        for share in _shares(indicators, code, Fraction(weight))
    ]
    whole = lcm(*(share.denominator for _, share in shares))
    found = []
    for code, share in shares:
        numerator = indicators[code].numerator
        if numerator is not None and numerator.source in QUESTIONS:
            by = int(share * whole)
            grades = {grade: n * by for grade, n in numerator.grades.items()}
            found.append((numerator.source, grades))
    return tuple(found)


def _shares(
    indicators: Mapping[str, Indicator], code: str, weight: Fraction
) -> Iterator[tuple[str, Fraction]]:
    parts = indicators[code].parts
    if parts is None:
        yield code, weight
    else:
        total = sum(parts.values())
        yield from ((part, weight * share / total) for part, share in parts.items())
