"""The lines of a ranking, from sums that were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.records import Sums
from services.api.certainty import ABOUT, certainty
from services.api.certainty_models import Surely
from services.api.comparing import Thens
from services.api.figures import REASONS_ZH, by_unit, figures, pooled, unit_model, written
from services.api.ranking_models import Figures, Ranked, RankingAnswer, UnknownUnit, Unranked
from services.api.register import in_force_at
from services.api.scored import Scored
from services.api.snapshot import Snapshot
from services.api.writing import plain_text
from services.domain.adjustments import Entry
from services.domain.pooling import sums_of_kind
from services.domain.ranking import RankedUnit, rank
from services.domain.registry import Registry
from services.storage.readers import UnitIndicator
from services.web.access.caller import Restriction

_ALONE: Final = Thens()
_NOBODY: Final = ""  # the unit of orders that no unit leads


def ranking_answer(
    snapshot: Snapshot,
    sums: Mapping[UnitIndicator, Sums],
    registry: Registry,
    scored: Scored,
    entries: Sequence[Entry],
    *,
    thens: Thens = _ALONE,
    only: Restriction | None = None,
) -> RankingAnswer:
    """Rank the units of a list by sums that were read; these must be those of its ``basis``.

    ``sums`` are of the units that orders name; a district is ranked by all of its units together.
    ``thens`` are earlier windows, beside which each line is put. With ``only`` all are ranked, and
    nothing but the places and numbers of these units is told.
    """
    sees = _everybody if only is None else only.sees
    listed = registry.of_kind(scored.kind, scored.group)
    of_list = sums_of_kind(sums, registry, scored.kind)
    ranking = rank(listed, of_list, scored.scoring, in_force_at(snapshot, entries))
    named = {code: found for code, found in by_unit(sums).items() if sees(code)}
    own = {code: found for code, found in by_unit(of_list).items() if sees(code)}
    sure = certainty(ranking, scored.scoring)
    return RankingAnswer(
        **scored.head(snapshot),
        compared=thens.heads(),
        kind=scored.kind,
        group=scored.group,
        uncertainty=ABOUT,
        bottom=[e.unit.code for e in ranking.ranked if e.bottom and sees(e.unit.code)],
        ranked=[
            Ranked(
                rank=entry.rank,
                bottom=entry.bottom,
                unit=unit_model(entry.unit),
                score=f"{entry.score:f}",
                changes=thens.lines(entry.unit.code, entry),
                **adjusted(entry),
                **surely(sure[entry.unit.code]),
                **fields(written(entry, own.get(entry.unit.code, {}), scored)),
            )
            for entry in ranking.ranked
            if sees(entry.unit.code)
        ],
        unranked=[
            Unranked(
                unit=unit_model(entry.unit),
                reason=entry.reason,
                reason_zh=REASONS_ZH[entry.reason],
                changes=thens.lines(entry.unit.code, entry),
                **fields(written(entry, own.get(entry.unit.code, {}), scored)),
            )
            for entry in ranking.unranked
            if sees(entry.unit.code)
        ],
        unknown_units=[
            UnknownUnit(code=code, figures=figures(found, scored))
            for code, found in sorted(named.items())
            if code != _NOBODY and code not in registry
        ],
        undispatched=figures(named.get(_NOBODY, {}), scored),
        incomplete=pooled(named.values()).get("incomplete", Sums(0, 0)).denominator,
        totals=figures(pooled(own.get(unit.code, {}) for unit in listed), scored),
    )


def adjusted(entry: RankedUnit) -> dict[str, Any]:
    """The fields of a line about its adjustments."""
    return {
        "score_before": f"{entry.score_before:f}",
        "adjustment": plain_text(entry.adjustment),
        "adjusted_by": [counted.id for counted in entry.adjusted_by],
    }


def surely(sure: Surely) -> dict[str, Any]:
    """The fields of a line about its uncertainty."""
    return {name: getattr(sure, name) for name in Surely.model_fields}


def fields(found: Figures) -> dict[str, Any]:
    """The fields of a line that are figures."""
    return {name: getattr(found, name) for name in Figures.model_fields}


def _everybody(_unit: str) -> bool:
    return True
