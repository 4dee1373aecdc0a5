"""What a trial of an alert rule asks of the orders themselves (docs/alerts.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.instants import Instant
from schemas.records import FlushMark
from services.api.context import ApiContext, ask
from services.domain.alerting_lists import SIGNS, RankedList, series_ranking
from services.domain.alerting_signs import NO_SIGNS, UnitSigns
from services.domain.order_alerts import Occurrence, order_evidence
from services.domain.pooling import parts_of, sums_of_kind
from services.domain.registry import Registry
from services.domain.windows import Window
from services.storage.order_watch import Watched, untold
from services.storage.sign_reader import SignsOf, signs


class Tried(NamedTuple):
    """One list that a rule is about: its window and ranking, and the instant that is asked about."""

    listed: RankedList
    registry: Registry
    window: Window
    ranking: str
    at: Instant


async def tried_signs(context: ApiContext, tried: Tried) -> UnitSigns:
    """What the orders show of the units, if the rule is about that."""
    listed, registry, window, ranking, at = tried
    if listed.part != SIGNS:
        return NO_SIGNS
    found = await ask(
        signs,
        context.database,
        SignsOf(context.ruleset, ranking, window, at),
        {rule.rule for rule in listed.alerts},
        context.policy.at(window.ends_at - 1).document.indicators,
    )
    return sums_of_kind(found, registry, listed.kind)


async def tried_orders(
    context: ApiContext, tried: Tried, marks: Mapping[int, FlushMark]
) -> dict[str, dict[str, Any]]:
    """The orders that would be told of now and were not before, by the unit of the list."""
    listed, registry, window, ranking, at = tried
    rule = listed.alerts[0]
    holder = {
        part: unit.code
        for unit in registry.of_kind(listed.kind, listed.group)
        for part in parts_of(unit, registry)
    }
    of = Watched(
        ruleset=context.ruleset,
        ranking=ranking,
        series=series_ranking(ranking, listed.part),
        kind=listed.kind,
        group=listed.group,
        window=window,
        units=holder.keys(),
        as_of=at,
    )
    positions = {shard: mark.position for shard, mark in marks.items()}
    found = await ask(untold, context.database, rule, of, {}, positions)
    by_unit: dict[str, list[Occurrence]] = {}
    for each in found:
        by_unit.setdefault(holder[each.unit], []).append(each)
    return {code: order_evidence(rule, own) for code, own in sorted(by_unit.items())}
