"""先进、进步、整改、治理类: the classes that units fall into after a cycle (domain.md 4.3)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Literal, NamedTuple

from schemas.policy.scores import Classes
from services.domain.gains import GainRanking
from services.domain.places import at_the_bottom, at_the_top, places
from services.domain.ranking import Ranking
from services.domain.scorings import Scoring

Class = Literal["governed", "rectifying", "leading", "improving"]


class Classified(NamedTuple):
    """The class of a unit, and the ``labels`` of the others whose condition it meets too."""

    name: Class
    labels: tuple[Class, ...]


def classify(
    ranking: Ranking,
    gains: GainRanking,
    governed: AbstractSet[str],
    scoring: Scoring,
    classes: Classes,
) -> dict[str, Classified]:
    """The class of every unit that has one, by code.

    Leading are the first by score, improving the first by gain, rectifying the last by score;
    equal ranks at an edge are all in. Governed is a dated list that the caller reads as of the
    cycle's end; a unit on it need not be ranked. Of several conditions the first of
    ``classes.order`` is the class. Who gained nothing does not improve; nobody rectifies before
    twice as many units are ranked, nor before a bottom is listed (DEFAULT).
    """
    conditions: dict[Class, AbstractSet[str]] = {
        "governed": governed,
        "rectifying": _last(ranking, scoring, classes.rectifying),
        "leading": {entry.unit.code for entry in ranking.ranked if entry.rank <= classes.leading},
        "improving": {
            entry.unit.code
            for entry in gains.ranked
            if entry.gain > 0 and at_the_top(entry.place, classes.improving)
        },
    }
    met: dict[str, list[Class]] = {}
    for name in dict.fromkeys(classes.order):
        for code in conditions[name]:
            met.setdefault(code, []).append(name)
    return {code: Classified(names[0], tuple(names[1:])) for code, names in sorted(met.items())}


def _last(ranking: Ranking, scoring: Scoring, count: int) -> set[str]:
    least = max(2 * count, scoring.listed_from)
    if len(ranking.ranked) < least:
        return set()
    by_volume = scoring.ties == "volume"
    found = places([(entry.score, entry.volume if by_volume else 0) for entry in ranking.ranked])
    return {
        entry.unit.code
        for entry, place in zip(ranking.ranked, found, strict=True)
        if at_the_bottom(place, count)
    }
