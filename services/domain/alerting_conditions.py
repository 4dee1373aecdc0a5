"""Of which units the condition of an alert rule is true, and the numbers that show it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from schemas.policy.alerts import AlertRule
from services.domain.alerting_signs import NO_SIGNS, UnitSigns, apart, closed, ratings_apart
from services.domain.places import at_the_top, places
from services.domain.ranking import RankedUnit, Ranking, UnrankedUnit
from services.domain.scorings import Scoring
from services.domain.uncertainty import rank_uncertainty

Evidence = Mapping[str, str | int]
"""Numbers by name; decimals as text."""

_TOP: Final = 10
_RATE_SAMPLE: Final = 10
_FEWEST: Final = 2


class Standing(NamedTuple):
    """One list as it is; ``governed`` are the codes on the governed list (治理类) now.

    ``signs``: what the orders show of the units, read only for lists of `alerting_lists.SIGNS`.
    """

    ranking: Ranking
    scoring: Scoring
    governed: frozenset[str]
    signs: UnitSigns = NO_SIGNS


Condition = Callable[[AlertRule, Standing], dict[str, Evidence]]


def met(rule: AlertRule, standing: Standing) -> dict[str, Evidence]:
    """The units that meet the condition of a rule, with what only this rule shows of them.

    Of ``bottom_left`` the condition is to be in the bottom: it is told when that ends.
    """
    return _CONDITIONS[rule.rule](rule, standing)


def _everybody(standing: Standing) -> list[RankedUnit | UnrankedUnit]:
    found: list[RankedUnit | UnrankedUnit] = list(standing.ranking.ranked)
    found.extend(standing.ranking.unranked)
    return found


def _enough(rule: AlertRule, entry: RankedUnit, standing: Standing) -> bool:
    """Whether so many orders stand behind each indicator of the score as the rule wants."""
    if rule.minimum_sample is None:
        return True
    behind = (entry.sums[code].denominator for code in standing.scoring.measured)
    return min(behind, default=0) >= rule.minimum_sample


def _bottom(rule: AlertRule, standing: Standing) -> dict[str, Evidence]:
    return {
        entry.unit.code: {}
        for entry in standing.ranking.ranked
        if entry.bottom and _enough(rule, entry, standing)
    }


def _at_risk(rule: AlertRule, standing: Standing) -> dict[str, Evidence]:
    """Above the bottom, and near its best score or likely to belong to it."""
    ranked = standing.ranking.ranked
    line = max((entry.score for entry in ranked if entry.bottom), default=None)
    if line is None:
        return {}
    sure = rank_uncertainty(standing.ranking, standing.scoring) if rule.probability else {}
    found: dict[str, Evidence] = {}
    for entry in ranked:
        code = entry.unit.code
        if entry.bottom or not _enough(rule, entry, standing):
            continue
        chance = sure[code].bottom_probability if code in sure else None
        likely = chance is not None and rule.probability is not None and chance >= rule.probability
        near = rule.margin is not None and entry.score - line <= rule.margin
        if near or likely:
            found[code] = {} if chance is None else {"probability": f"{chance:f}"}
    return found


def _last(rule: AlertRule, standing: Standing) -> dict[str, Evidence]:
    """Whoever shares the last rank, once two are ranked."""
    ranked = standing.ranking.ranked
    if len(ranked) < _FEWEST:
        return {}
    return {
        entry.unit.code: {}
        for entry in ranked
        if entry.rank == ranked[-1].rank and _enough(rule, entry, standing)
    }


def _top_volume(rule: AlertRule, standing: Standing) -> dict[str, Evidence]:
    """The most orders, and not governed; once twice as many units have any."""
    count = rule.top or _TOP
    listed = [entry for entry in _everybody(standing) if entry.volume]
    if len(listed) < 2 * count:
        return {}
    listed.sort(key=lambda entry: (-entry.volume, entry.unit.code))
    found = places([entry.volume for entry in listed])
    return {
        entry.unit.code: {"volume": entry.volume, "volume_rank": place.rank}
        for entry, place in zip(listed, found, strict=True)
        if at_the_top(place, count) and entry.unit.code not in standing.governed
    }


def _rate_below(rule: AlertRule, standing: Standing) -> dict[str, Evidence]:
    """A rate that enough orders stand behind, compared as it is published."""
    code, threshold = rule.indicator, rule.threshold
    if code is None or threshold is None:
        return {}
    parts = standing.scoring.parts.get(code, (code,))
    least = rule.minimum_sample or _RATE_SAMPLE
    found: dict[str, Evidence] = {}
    for entry in _everybody(standing):
        rate = entry.rates.get(code)
        behind = [entry.sums[part].denominator for part in parts if part in entry.sums]
        if rate is not None and min(behind, default=0) >= least and rate < threshold:
            found[entry.unit.code] = {
                "indicator": code,
                "rate": f"{rate:f}",
                "threshold": f"{threshold:f}",
            }
    return found


def _below_floor(rule: AlertRule, standing: Standing) -> dict[str, Evidence]:
    """A ranked unit with a rate below its floor (底线)."""
    return {
        entry.unit.code: {
            "indicator": entry.below_floor[0],
            "rate": f"{entry.rates[entry.below_floor[0]]:f}",
            "threshold": f"{standing.scoring.floors[entry.below_floor[0]]:f}",
            "below": ",".join(entry.below_floor),
        }
        for entry in standing.ranking.ranked
        if entry.below_floor and _enough(rule, entry, standing)
    }


def _apart(rule: AlertRule, standing: Standing) -> dict[str, Evidence]:
    return apart(rule, standing.ranking)


def _closed(rule: AlertRule, standing: Standing) -> dict[str, Evidence]:
    return closed(rule, standing.ranking, standing.signs)


def _ratings_apart(rule: AlertRule, standing: Standing) -> dict[str, Evidence]:
    return ratings_apart(rule, standing.ranking, standing.signs)


_CONDITIONS: Final[Mapping[str, Condition]] = {
    "bottom_entered": _bottom,
    "bottom_left": _bottom,
    "at_risk": _at_risk,
    "last_district": _last,
    "last_department": _last,
    "last_company": _last,
    "top_volume": _top_volume,
    "rate_below": _rate_below,
    "below_floor": _below_floor,
    "excluded_apart": _apart,
    "returned_apart": _apart,
    "suspended_apart": _apart,
    "closed_unsolved": _closed,
    "closed_last_hour": _closed,
    "ratings_apart": _ratings_apart,
}
