"""The lists that are ranked again and again: each is evaluated, stored with its alerts, then told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple

import orjson

from schemas.instants import Instant, format_instant
from schemas.policy.alerts import AlertRule
from schemas.records import Position, Sums
from schemas.topics import RANK_ALERTS
from services.domain.adjustments import Adjustments, by_unit, in_force
from services.domain.alerting import Moved
from services.domain.alerting_lists import (
    ORDERS,
    SIGNS,
    RankedList,
    ranking_of,
    series_ranking,
)
from services.domain.alerting_signs import NO_SIGNS, UnitSigns
from services.domain.governed import governed_at
from services.domain.order_alerts import Occurrence
from services.domain.pooling import parts_of, sums_of_kind
from services.domain.registry import Registry
from services.domain.windows import Window
from services.scoring.context import ScoringContext
from services.scoring.faust_app import Kafka
from services.scoring.lease import Lease, persist
from services.scoring.order_standing import evaluate_orders
from services.scoring.ranking_board import View
from services.scoring.standing import CHECKED_EVERY, Picture, evaluate_standing
from services.storage import adjustments, evaluations, governed
from services.storage.evaluations import Alert, Evaluation, Series
from services.storage.movers import Range, movers
from services.storage.order_watch import Watched, untold
from services.storage.rules import ActivePolicy
from services.storage.sign_reader import SignsOf, signs

logger = logging.getLogger(__name__)


class Moment(NamedTuple):
    """What the board holds at an instant; ``sums`` gives those of a view."""

    as_of: Instant
    positions: Mapping[int, Position]
    registry: Registry
    sums: Callable[[View], Mapping[tuple[str, str], Sums]]


class _Last(NamedTuple):
    """The evaluation before; ``rescored``: it is one of an earlier ruleset, or there is none."""

    evaluation: Evaluation | None
    rescored: bool

    def is_due(self, as_of: Instant) -> bool:
        """Whether the store is to be asked again what only the orders tell (docs/alerts.md)."""
        if self.evaluation is None or self.rescored:
            return True
        return as_of - self.evaluation.as_of >= CHECKED_EVERY


class Standings:
    """The last evaluation of every list, under one ruleset.

    Two processes that both believe that they rank are told apart by the evaluation's number: who
    finds another evaluation under his number than his own publishes nothing.

    ``unsure``: a predecessor may have died before it sent the alerts that it stored last. They are
    sent again then, under the same ids.
    """

    def __init__(
        self,
        context: ScoringContext,
        kafka: Kafka,
        lease: Lease,
        rules: ActivePolicy,
        *,
        unsure: bool,
    ) -> None:
        self._context = context
        self._kafka = kafka
        self._lease = lease
        self._rules = rules
        self._unsure = unsure
        self._last: dict[Series, _Last] = {}

    async def evaluate(self, listed: RankedList, view: View, moment: Moment) -> bool:
        """Evaluate one list; returns whether it has to be done again."""
        series = self._series(listed, view)
        if series not in self._last:
            self._last[series] = last = await self._read(series, moment.as_of)
            if self._unsure and last.evaluation is not None:
                await self._publish(last.evaluation)
        before = self._last[series]
        if listed.part and not before.is_due(moment.as_of):
            return False
        found = await self._context.in_thread(
            partial(self._evaluate, listed, view, moment, series, before)
        )
        return found is not None and not await self._store_and_publish(found)

    async def _read(self, series: Series, as_of: Instant) -> _Last:
        database = self._context.database
        newest = await self._context.in_thread(partial(evaluations.newest, database, series))
        if newest is not None:
            return _Last(newest, rescored=False)
        earlier = await self._context.in_thread(
            partial(evaluations.before_switch, database, series, as_of)
        )
        return _Last(earlier, rescored=earlier is not None)

    def _evaluate(
        self, listed: RankedList, view: View, moment: Moment, series: Series, before: _Last
    ) -> Evaluation | None:
        rules = self._rules.policy.at(view.window.ends_at - 1)
        picture = Picture(
            series=series,
            window=view.window,
            units=moment.registry.of_kind(listed.kind, listed.group),
            sums=sums_of_kind(moment.sums(view), moment.registry, listed.kind),
            scoring=rules.scorings.of(listed.kind, listed.group),
            alerts=listed.alerts,
            zone=self._rules.policy.time_zone,
            as_of=moment.as_of,
            positions=moment.positions,
            adjustments=self._adjustments(view.window, moment.as_of),
            governed=self._governed(listed, moment.as_of),
            signs=self._signs(listed, view, moment),
        )
        if listed.part == ORDERS:
            return self._of_orders(picture, view, moment, before)

        def moved(units: Collection[str], since: Mapping[int, Position]) -> Mapping[str, Moved]:
            return self._moved(view, moment, units, since)

        return evaluate_standing(picture, before.evaluation, moved, rescored=before.rescored)

    def _moved(
        self, view: View, moment: Moment, units: Collection[str], since: Mapping[int, Position]
    ) -> dict[str, Moved]:
        """Read whose orders moved; of a district those of all its units."""
        parts = {
            code: parts_of(unit, moment.registry)
            for code in units
            if (unit := moment.registry.get(code)) is not None
        }
        of = Range(self._rules.ruleset, view.ranking, view.window.begins_at, view.window.ends_at)
        wanted = {part for codes in parts.values() for part in codes}
        found = movers(self._context.database, of, wanted, since, moment.positions)
        return {
            code: Moved.together([found[part] for part in codes if part in found])
            for code, codes in parts.items()
            if not found.keys().isdisjoint(codes)
        }

    def _of_orders(self, picture: Picture, view: View, moment: Moment, before: _Last) -> Evaluation:
        """Ask about single orders; those of a district's units are told of the district."""
        holder = {
            part: unit.code for unit in picture.units for part in parts_of(unit, moment.registry)
        }
        of = Watched(
            ruleset=self._rules.ruleset,
            ranking=view.ranking,
            series=picture.series.ranking,
            kind=picture.series.kind,
            group=picture.series.group,
            window=view.window,
            units=holder.keys(),
            as_of=moment.as_of,
        )

        def untold_of(rule: AlertRule, since: Mapping[int, Position]) -> list[Occurrence]:
            found = untold(self._context.database, rule, of, since, moment.positions)
            return [each._replace(unit=holder[each.unit]) for each in found]

        return evaluate_orders(picture, before.evaluation, untold_of, rescored=before.rescored)

    def _signs(self, listed: RankedList, view: View, moment: Moment) -> UnitSigns:
        """What the orders show; of a district added up over its units."""
        if listed.part != SIGNS:
            return NO_SIGNS
        of = SignsOf(self._rules.ruleset, view.ranking, view.window, moment.as_of)
        indicators = self._rules.policy.at(view.window.ends_at - 1).document.indicators
        asked = {rule.rule for rule in listed.alerts}
        found = signs(self._context.database, of, asked, indicators)
        return sums_of_kind(found, moment.registry, listed.kind)

    def _adjustments(self, current: Window, as_of: Instant) -> Adjustments:
        """Those in force; read anew, so that none recorded before ``as_of`` is missing."""
        if current.kind != "cycle":
            return {}
        entries = adjustments.of_cycle(self._context.database, current.name)
        return by_unit(in_force(entries, as_of))

    def _governed(self, listed: RankedList, as_of: Instant) -> frozenset[str]:
        if all(rule.rule != "top_volume" for rule in listed.alerts):
            return frozenset()
        return governed_at(governed.all_entries(self._context.database), as_of)

    async def _store_and_publish(self, evaluation: Evaluation) -> bool:
        """Returns False if another worker wrote under this number."""
        database = self._context.database

        def store() -> Evaluation | None:
            newest = evaluations.newest(database, evaluation.series)
            if (newest.number if newest else 0) >= evaluation.number:
                return newest
            evaluations.write(database, evaluation)
            return evaluations.newest(database, evaluation.series)

        stored = await self._context.in_thread(store)
        self._last[evaluation.series] = _Last(stored, rescored=False)
        if stored != evaluation:
            logger.warning("another worker wrote evaluation %d", evaluation.number)
            return False
        await self._publish(evaluation)
        return True

    async def _publish(self, evaluation: Evaluation) -> None:
        for alert in evaluation.alerts:
            if not alert.withheld:
                value = encode_alert(alert, evaluation)
                await persist(self._lease, partial(self._kafka.send, RANK_ALERTS, 0, None, value))

    def _series(self, listed: RankedList, view: View) -> Series:
        return Series(
            ruleset=self._rules.ruleset,
            ranking=series_ranking(view.ranking, listed.part),
            kind=listed.kind,
            group=listed.group,
            window_kind=view.window.kind,
            window_name=view.window.name,
        )


def encode_alert(alert: Alert, evaluation: Evaluation) -> bytes:
    """Write a message of `rank-alerts` (schemas.feeds)."""
    series = evaluation.series
    return orjson.dumps(
        {
            "id": alert.id,
            "rule": alert.kind,
            "name": alert.name or alert.kind,
            "unit": alert.unit,
            "ruleset": series.ruleset,
            "ranking": ranking_of(series.ranking),
            "kind": series.kind,
            "group": series.group,
            "window": {"kind": series.window_kind, "name": series.window_name},
            "evaluation": evaluation.number,
            "as_of": format_instant(evaluation.as_of),
            "not_before": format_instant(alert.not_before) if alert.not_before else None,
            "recipients": alert.recipients,
            "evidence": dict(alert.evidence),
        }
    )
