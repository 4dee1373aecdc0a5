"""Appeals as answers tell them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from schemas.instants import Instant
from services.api.appeals.models import AppealEntry, AppealModel
from services.api.writing import local_text
from services.domain.appeal_words import STATES, WHY
from services.domain.appeals import Appeal, DistrictOf, Entry
from services.domain.registry import Registry
from services.domain.words import Text

_NOTHING = Text("", "")


def appeal_model(appeal: Appeal, zone: ZoneInfo) -> AppealModel:
    """One appeal, its instants in the policy's zone."""
    state, why = STATES[appeal.state], WHY.get(appeal.why, _NOTHING)

    def time(at: Instant | None) -> str | None:
        return None if at is None else local_text(at, zone)

    return AppealModel(
        id=appeal.number,
        order=appeal.order,
        unit=appeal.unit,
        indicator=appeal.indicator,
        ground=appeal.ground,
        evidence=list(appeal.evidence),
        filer=appeal.filer,
        filed_at=local_text(appeal.filed_at, zone),
        state=appeal.state,
        state_zh=state.zh,
        state_en=state.en,
        level=appeal.level,
        term_ends_at=time(appeal.term_ends_at),
        decided_at=time(appeal.decided_at),
        overdue=bool(appeal.missed),
        missed=list(appeal.missed),
        excluded_at=time(appeal.excluded_at),
        why=appeal.why,
        why_zh=why.zh,
        why_en=why.en,
        history=[_entry(each, zone) for each in appeal.history],
    )


def district_of(registry: Registry) -> DistrictOf:
    """The district of a unit by the registry."""

    def district(code: str) -> str:
        unit = registry.get(code)
        return unit.parent if unit else ""

    return district


def _entry(entry: Entry, zone: ZoneInfo) -> AppealEntry:
    why = WHY.get(entry.why, _NOTHING)
    return AppealEntry(
        at=local_text(entry.at, zone),
        what=entry.what,
        level=entry.level,
        by=entry.by,
        why=entry.why,
        why_zh=why.zh,
        why_en=why.en,
        source=entry.source,
        event=entry.event,
    )
