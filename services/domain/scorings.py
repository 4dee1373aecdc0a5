"""How one version scores and ranks which units: everything that happens after counting, compiled.

A version has one scoring at its top, and others for kinds of units or their peer groups. What they
leave out is as at the top (docs/rules.md, score and ranking).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from schemas import policy as documents
from schemas.policy.document import Cycle, Header
from schemas.policy.scores import Adjustments, RankingRules, Score

Basis = Literal["lead", "line"]

_CYCLE_MONTHS: Final = {"month": 1, "quarter": 3}
# What may change only where a cycle begins. Alerts may change at any time.
_AFTER_COUNTING: Final = ("score", "ranking", "rankings", "classes", "annual")


class Threshold(NamedTuple):
    """Points of one indicator.

    ``maximum``, less ``per_point`` for each percentage point of the rate below ``threshold``
    percent, never less than ``minimum``.
    """

    maximum: Fraction
    threshold: Fraction
    per_point: Fraction
    minimum: Fraction


class Caps(NamedTuple):
    """What adjustments may add and take away in a cycle; None: without limit, or any ground."""

    bonus: Decimal | None
    deduction: Decimal | None
    grounds: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Scoring:
    """How the units of one list are scored and ranked.

    ``indicators`` are the codes of all the version's indicators, in its order, ``codes`` those
    that make the score, by ``weights`` or by ``points`` (the other one is empty), ``measured`` the
    same with their parts in the place of those that have any. ``parts`` are the composites: the
    codes of their parts with the parts' weights. ``floors`` in percent. ``caps`` is None where
    the score knows no adjustments. ``listed_from``: ranked units that it takes for a bottom.
    ``counts_callbacks``: whether an indicator counts valid callbacks.
    """

    basis: Basis
    indicators: tuple[str, ...]
    codes: tuple[str, ...]
    measured: tuple[str, ...]
    weights: Mapping[str, Fraction]
    points: Mapping[str, Threshold]
    decimals: int
    rate_decimals: int | None
    point_decimals: int | None
    caps: Caps | None
    ties: Literal["volume", "shared"]
    bottom: int
    minimum_sample: int
    listed_from: int
    parts: Mapping[str, Mapping[str, int]]
    floors: Mapping[str, Decimal]
    counts_callbacks: bool


@dataclass(frozen=True, slots=True)
class Scorings:
    """The scorings of one version: that of its top, and the others by (kind, group or None)."""

    top: Scoring
    others: tuple[tuple[str, str | None, Scoring], ...]

    def of(self, kind: str, group: str = "") -> Scoring:
        """The scoring of a list: of all units of a kind, or of one peer group.

        The first entry that fits counts. One with a group fits that group's list alone; one
        without fits the kind's and every group's.
        """
        for its_kind, its_group, scoring in self.others:
            if its_kind == kind and its_group in (None, group):
                return scoring
        return self.top


def compile_scorings(rules: documents.Rules) -> Scorings:
    """Compile what one version says about scores and rankings."""
    top = _scoring(rules, "lead", rules.score, rules.ranking)
    others = tuple(
        (
            entry.kind,
            entry.group,
            _scoring(
                rules, entry.basis, entry.score or rules.score, entry.ranking or rules.ranking
            ),
        )
        for entry in rules.rankings
    )
    return Scorings(top, others)


def misplaced_changes(header: Header, versions: Sequence[documents.Rules]) -> list[tuple[int, str]]:
    """Where score or ranking rules change elsewhere than at the beginning of a cycle.

    ``versions`` ascend, each with all its keys. Returns the place of the version and the key that
    may not change there: ``indicators`` where an indicator's parts do.
    """
    found = []
    for place, (before, after) in enumerate(pairwise(versions), start=1):
        begins = after.effective.from_
        if begins is not None and _begins_cycle(header.cycle, begins.month, begins.day):
            continue
        found += [
            (place, key) for key in _AFTER_COUNTING if getattr(before, key) != getattr(after, key)
        ]
        if _parts(before) != _parts(after):
            found.append((place, "indicators"))
    return found


def _begins_cycle(cycle: Cycle, month: int, day: int) -> bool:
    return day == cycle.start_day and (month - 1) % _CYCLE_MONTHS[cycle.kind] == 0


def _scoring(rules: documents.Rules, basis: Basis, score: Score, ranking: RankingRules) -> Scoring:
    listed_from = ranking.listed_from
    parts = _parts(rules)
    return Scoring(
        basis=basis,
        indicators=tuple(rules.indicators),
        codes=score.codes,
        measured=tuple(
            dict.fromkeys(part for code in score.codes for part in parts.get(code, (code,)))
        ),
        weights={code: Fraction(weight) for code, weight in (score.weights or {}).items()},
        points={
            code: Threshold(
                Fraction(points.maximum),
                Fraction(points.threshold),
                Fraction(points.per_point),
                Fraction(points.minimum),
            )
            for code, points in (score.points or {}).items()
        },
        decimals=score.decimals,
        rate_decimals=score.rate_decimals,
        point_decimals=score.point_decimals,
        caps=_caps(score.adjustments),
        ties=ranking.ties,
        bottom=ranking.bottom,
        minimum_sample=ranking.minimum_sample,
        listed_from=2 * ranking.bottom if listed_from is None else listed_from,
        parts=parts,
        floors=_floors(rules),
        counts_callbacks=any(
            indicator.denominator == "valid_callbacks" for indicator in rules.indicators.values()
        ),
    )


def _caps(adjustments: Adjustments | None) -> Caps | None:
    if adjustments is None:
        return None
    grounds = adjustments.grounds
    return Caps(
        adjustments.bonus_cap,
        adjustments.deduction_cap,
        None if grounds is None else frozenset(grounds),
    )


def _parts(rules: documents.Rules) -> dict[str, dict[str, int]]:
    return {
        code: dict(indicator.parts)
        for code, indicator in rules.indicators.items()
        if indicator.parts is not None
    }


def _floors(rules: documents.Rules) -> dict[str, Decimal]:
    return {
        code: indicator.floor
        for code, indicator in rules.indicators.items()
        if indicator.floor is not None
    }
