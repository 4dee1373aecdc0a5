"""The unit's score and rank if its appeal is upheld: the order with the exclusion, and without."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from schemas.codec import LIFE_CYCLE
from schemas.instants import Instant
from schemas.records import ZERO, Contribution, Event, Sums, Unit
from schemas.topics import partition_of
from services.api.appeals.models import IfUpheld, StandingModel
from services.api.context import ApiContext, ask
from services.api.figures import REASONS_ZH, by_unit, written
from services.api.register import in_force_at, read_entries
from services.api.scored import Scored, scored_by
from services.api.snapshot import Snapshot, read_sums
from services.api.writing import decimal_text, plain_text
from services.domain.adjustments import Adjustments
from services.domain.appeals import Appeal
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import Policy
from services.domain.pooling import sums_of_kind
from services.domain.ranking import RankedUnit, Ranking, UnrankedUnit, rank
from services.domain.registry import Registry
from services.domain.windows import Window, window
from services.storage import cycles
from services.storage.readers import UnitIndicator

_PLACE: Final = LIFE_CYCLE.index("excluded")
_MADE_UP: Final = "if-upheld"


class Difference(NamedTuple):
    """What an order adds now, and what it would add with the exclusion."""

    now: list[Contribution]
    then: list[Contribution]


def difference(appeal: Appeal, events: Sequence[Event], policy: Policy, at: Instant) -> Difference:
    """Evaluate the order as it is, and with the exclusion that the appeal asks for.

    Raises:
        CalendarError: a deadline falls into a year whose working days are not known.
    """
    data = {"indicators": [appeal.indicator], "ground": appeal.ground}
    excluded = Event(at, _PLACE, _MADE_UP, _MADE_UP, "excluded", appeal.order, data, b"")
    return Difference(
        contributions_at(evaluate(events, policy).flat, at),
        contributions_at(evaluate([*events, excluded], policy).flat, at),
    )


def contested(appeal: Appeal, policy: Policy, found: Difference) -> Contribution | None:
    """What of the order the appeal is about; None if it counts nothing for the unit.

    Where the indicator is out of it already, the order's volume stands for it.
    """
    own = [each for each in found.now if each.unit == appeal.unit]
    reached = policy.at(appeal.filed_at).reach.get(appeal.indicator, ())
    for each in (*(c for c in own if c.indicator in reached), *own):
        if each.indicator in reached or each.indicator == "volume":
            return each
    return None


def moved(
    sums: Mapping[UnitIndicator, Sums], found: Difference, of: Window, ranking: str
) -> dict[UnitIndicator, Sums]:
    """Sums of a window as they would be: what the order adds now is taken out, the other put in."""
    changed = dict(sums)
    change: Counter[Contribution] = Counter(found.then)
    change.subtract(Counter(found.now))
    for each, times in change.items():
        if each.ranking == ranking and of.begins_at <= each.attributed_at < of.ends_at:
            key = (each.unit, each.indicator)
            was = changed.get(key, ZERO)
            changed[key] = Sums(
                was.denominator + times * each.denominator, was.numerator + times * each.numerator
            )
    return changed


async def if_upheld(
    context: ApiContext, snapshot: Snapshot, registry: Registry, appeal: Appeal, at: Instant
) -> IfUpheld | None:
    """Both standings in the cycle that holds what is contested; None if it counts for nobody."""
    unit = registry.get(appeal.unit)
    first = await _difference(context, snapshot, appeal, at)
    about = contested(appeal, context.policy, first)
    if unit is None or about is None:
        return None
    cycle = window(context.policy, "cycle", None, about.attributed_at)
    scored = scored_by(context.policy, cycle, unit.kind, "")
    basis = scored.scoring.basis
    entries = await read_entries(context, scored)
    stored, now = await read_sums(context, snapshot.marks, cycle, snapshot.as_of, basis)
    found = await _difference(context, stored, appeal, _instant(stored, appeal, at))
    listed = registry.of_kind(unit.kind)
    is_frozen = bool(await ask(cycles.of_cycle, context.database, cycle.name))
    compare = _Comparison(unit, listed, scored, in_force_at(stored, entries), appeal.indicator)
    sums, would_be = (
        sums_of_kind(each, registry, unit.kind) for each in (now, moved(now, found, cycle, basis))
    )
    return await asyncio.to_thread(compare.told, sums, would_be, is_frozen=is_frozen)


async def _difference(
    context: ApiContext, snapshot: Snapshot, appeal: Appeal, at: Instant
) -> Difference:
    """By the events that the shards had stored at the snapshot."""

    def computed() -> Difference:
        found = cycles.events_until(context.database, [appeal.order], snapshot.marks)
        events = [logged.event for _, own in found for logged in own]
        return difference(appeal, events, context.policy, at)

    return await ask(computed)


def _instant(snapshot: Snapshot, appeal: Appeal, at: Instant) -> Instant:
    """When the order is looked at; live sums may have been read at later flushes than asked."""
    mark = snapshot.marks.get(partition_of(appeal.order, len(snapshot.marks)))
    return at if snapshot.as_of is not None or mark is None else mark.clock


class _Comparison(NamedTuple):
    unit: Unit
    listed: Sequence[Unit]
    scored: Scored
    adjustments: Adjustments
    indicator: str

    def told(
        self,
        sums: Mapping[UnitIndicator, Sums],
        would_be: Mapping[UnitIndicator, Sums],
        *,
        is_frozen: bool,
    ) -> IfUpheld:
        before = rank(self.listed, sums, self.scored.scoring, self.adjustments)
        after = rank(self.listed, would_be, self.scored.scoring, self.adjustments)
        was, will = self._entry(before), self._entry(after)
        both = (was, will) if isinstance(was, RankedUnit) and isinstance(will, RankedUnit) else None
        return IfUpheld(
            cycle=self.scored.window.name,
            kind=self.unit.kind,
            ranked_units=len(before.ranked),
            frozen=is_frozen,
            now=self._standing(was, sums),
            if_upheld=self._standing(will, would_be),
            score_change=plain_text(both[1].score - both[0].score) if both else None,
            rank_change=both[0].rank - both[1].rank if both else None,
        )

    def _entry(self, ranking: Ranking) -> RankedUnit | UnrankedUnit:
        entries: list[RankedUnit | UnrankedUnit] = [*ranking.ranked, *ranking.unranked]
        return next(entry for entry in entries if entry.unit.code == self.unit.code)

    def _standing(
        self, entry: RankedUnit | UnrankedUnit, sums: Mapping[UnitIndicator, Sums]
    ) -> StandingModel:
        own = by_unit(sums).get(self.unit.code, {})
        rate = written(entry, own, self.scored).indicators.get(self.indicator)
        ranked = entry if isinstance(entry, RankedUnit) else None
        reason = None if isinstance(entry, RankedUnit) else entry.reason
        return StandingModel(
            rank=ranked.rank if ranked else None,
            score=decimal_text(ranked.score if ranked else None),
            bottom=ranked.bottom if ranked else False,
            reason=reason,
            reason_zh=REASONS_ZH[reason] if reason else None,
            numerator=rate.numerator if rate else None,
            denominator=rate.denominator if rate else None,
            rate=rate.rate if rate else None,
        )
