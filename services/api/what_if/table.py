"""Two rankings as one table: JSON models, or CSV for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO

from schemas.records import Sums
from services.api.figures import REASONS_ZH, by_unit, unit_model, written
from services.api.scored import Scored
from services.api.tables.table import plain
from services.api.what_if.crew import Counted
from services.api.what_if.models import MOST_NAMED, Judged, Place, WhatIfLine, WhatIfResult
from services.api.what_if.plan import Plan, Side
from services.api.writing import decimal_text, plain_text
from services.domain.ranking import RankedUnit, Ranking, UnrankedUnit
from services.domain.what_if import side_by_side


def result_of(plan: Plan, counted: Counted, evaluated: int) -> WhatIfResult:
    """Rank both sides, and put them beside each other."""
    sums, would_be = plan.of_list(plan.sums), plan.of_list(counted.sums)
    present = plan.present.ranked(plan.units, sums, plan.snapshot)
    other = plan.other.ranked(plan.units, would_be, plan.snapshot)
    own, others = by_unit(sums), by_unit(would_be)
    head = plan.snapshot.head()
    return WhatIfResult(
        as_of=head["as_of"],
        complete=head["complete"],
        positions=head["positions"],
        kind=plan.asked.kind,
        group=plan.asked.group,
        evaluated=evaluated,
        not_evaluable=len(counted.not_evaluable),
        not_evaluable_orders=list(counted.not_evaluable[:MOST_NAMED]),
        present=_judged(plan, plan.present, present),
        other=_judged(plan, plan.other, other),
        units=[
            WhatIfLine(
                unit=unit_model(line.unit),
                present=_place(line.present, own.get(line.unit.code, {}), plan.present.scored),
                other=_place(line.other, others.get(line.unit.code, {}), plan.other.scored),
                move=line.move,
                score_change=_change(line.present, line.other),
            )
            for line in side_by_side(present, other)
        ],
    )


def csv_of(result: WhatIfResult) -> str:
    """The table with a byte order mark, as spreadsheets want it; one column for each rate."""
    text = StringIO()
    table = csv.writer(text)
    present = _codes(result, "present")
    other = _codes(result, "other")
    table.writerow(
        [
            "unit", "name", "present_rank", "rank", "move", "present_score", "score",
            "score_change", "present_volume", "volume", "present_bottom", "bottom",
            "present_reason", "reason",
            *(f"present_{code}" for code in present),
            *other,
        ]
    )  # fmt: skip
    for line in result.units:
        was, will = line.present, line.other
        table.writerow(
            [
                plain(line.unit.code), plain(line.unit.name), was.rank, will.rank, line.move,
                was.score, will.score, line.score_change, was.volume, will.volume,
                int(was.bottom), int(will.bottom), was.reason_zh, will.reason_zh,
                *(was.indicators[code].rate for code in present),
                *(will.indicators[code].rate for code in other),
            ]
        )  # fmt: skip
    return "\ufeff" + text.getvalue()


def _codes(result: WhatIfResult, side: str) -> list[str]:
    return list(getattr(result.units[0], side).indicators) if result.units else []


def _judged(plan: Plan, side: Side, ranking: Ranking) -> Judged:
    policy, scored = side.policy, side.scored
    return Judged(
        id=policy.id,
        name_zh=policy.name_zh,
        name_en=policy.name_en,
        version=scored.rules.version,
        versions=scored.versions,
        checksum=policy.checksum,
        window=plan.snapshot.window_text(scored.window),
        ranked=len(ranking.ranked),
    )


def _place(entry: RankedUnit | UnrankedUnit, own: Mapping[str, Sums], scored: Scored) -> Place:
    ranked = entry if isinstance(entry, RankedUnit) else None
    reason = None if isinstance(entry, RankedUnit) else entry.reason
    return Place(
        rank=ranked.rank if ranked else None,
        score=decimal_text(ranked.score if ranked else None),
        bottom=ranked.bottom if ranked else False,
        reason=reason,
        reason_zh=REASONS_ZH[reason] if reason else None,
        volume=entry.volume,
        indicators=written(entry, own, scored).indicators,
    )


def _change(present: RankedUnit | UnrankedUnit, other: RankedUnit | UnrankedUnit) -> str | None:
    if isinstance(present, RankedUnit) and isinstance(other, RankedUnit):
        return plain_text(other.score - present.score)
    return None
