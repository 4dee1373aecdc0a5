"""Numbers of the rules, written out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from schemas.records import ZERO, Sums, Unit
from services.api.models import UnitModel
from services.api.ranking_models import Figures, Rate, Reason, States
from services.api.scored import Scored
from services.api.writing import decimal_text, thousandths_text
from services.domain import ranking
from services.domain.policy import Indicator
from services.domain.score import OwnSums, valid_callback_rate

REASONS_ZH: Final[Mapping[Reason, str]] = {
    "no_demand": "无诉求",
    "no_valid_callback": "样本不足：没有有效回访",
    "too_few": "样本不足",
}
_EXCLUDED: Final = "excluded:"

_Figured = ranking.Figures | ranking.RankedUnit | ranking.UnrankedUnit


def by_unit(sums: Mapping[tuple[str, str], Sums]) -> dict[str, dict[str, Sums]]:
    """Sums of each unit by indicator or count."""
    found: dict[str, dict[str, Sums]] = {}
    for (code, indicator), value in sums.items():
        found.setdefault(code, {})[indicator] = value
    return found


def pooled(parts: Iterable[OwnSums]) -> dict[str, Sums]:
    """Numerators and denominators of several units, added up: rates are never averaged."""
    denominators: Counter[str] = Counter()
    numerators: Counter[str] = Counter()
    for part in parts:
        for indicator, sums in part.items():
            denominators[indicator] += sums.denominator
            numerators[indicator] += sums.numerator
    return {name: Sums(denominators[name], numerators[name]) for name in denominators}


def figures(sums: OwnSums, scored: Scored) -> Figures:
    """All numbers of one unit, or of several pooled."""
    return written(ranking.figures_of(sums, scored.scoring), sums, scored)


def written(found: _Figured, sums: OwnSums, scored: Scored) -> Figures:
    """The same, of figures that ranking has computed."""
    states = {name: count for name, count in found.states.items() if not name.startswith(_EXCLUDED)}
    return Figures(
        indicators={
            indicator.code: _rate(indicator, found, scored) for indicator in scored.rules.indicators
        },
        volume=found.volume,
        states=States(
            not_assessed=states.get("not_assessed", 0),
            not_yet_due=states.get("not_yet_due", 0),
            callback_pending=states.get("callback_pending", 0),
            unreachable=states.get("unreachable", 0),
            valid=states.get("valid", 0),
            excluded={
                name.removeprefix(_EXCLUDED): count
                for name, count in found.states.items()
                if name.startswith(_EXCLUDED)
            },
            suspended=states.get("suspended", 0),
        ),
        open=found.counts["open"],
        overdue=found.counts["overdue"],
        returned=found.counts["returned"],
        reopened=found.counts["reopened"],
        incomplete=sums.get("incomplete", ZERO).denominator,
        valid_callback_rate=decimal_text(valid_callback_rate(found.states, scored.scoring)),
    )


def unit_model(unit: Unit) -> UnitModel:
    """A unit of the registry."""
    return UnitModel(**unit._asdict())


def nameless(code: str) -> UnitModel:
    """A unit that orders name and the registry does not (yet)."""
    return UnitModel(code=code, name="", kind="", parent="", group="")


def _rate(indicator: Indicator, found: _Figured, scored: Scored) -> Rate:
    code = indicator.code
    sums = found.sums.get(code)  # none of an indicator with parts
    parts = scored.scoring.parts.get(code)
    return Rate(
        name_zh=indicator.name_zh,
        name_en=indicator.name_en,
        numerator=None if sums is None else thousandths_text(sums.numerator),
        denominator=None if sums is None else sums.denominator,
        rate=decimal_text(found.rates[code]),
        parts=None if parts is None else dict(parts),
        floor=decimal_text(scored.scoring.floors.get(code)),
        below_floor=code in found.below_floor,
    )
