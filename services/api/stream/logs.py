"""The two logs of the stream, alerts and evaluations, as events ready to be sent."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol

import orjson

from schemas.instants import format_instant
from services.api.context import ApiContext, ask
from services.api.push.messages import alert_data
from services.api.stream.client import Wish, event_body
from services.api.stream.position import ALERTS, RANKINGS
from services.storage import push_feed, units
from services.storage.push_feed import LoggedEvaluation


class LogEvent(NamedTuple):
    """One event, written once; ``unit`` is whom an alert is about, "" for what is for everybody.

    One that is not ``told`` has its place, and is for nobody.
    """

    sequence: int
    body: bytes
    unit: str = ""
    told: bool = True

    def is_for(self, wish: Wish) -> bool:
        """Whether a client asked for it."""
        return self.told and (not self.unit or wish.hears_of(self.unit))


class Log(Protocol):
    """Events in the order in which they were stored. Every call may raise the 503 of `ask`."""

    async def newest(self) -> int:
        """The place of the last one."""

    async def after(self, sequence: int, limit: int) -> list[LogEvent]:
        """Those after a place; ``limit``, or some more."""

    async def state(self) -> list[LogEvent]:
        """What a new client begins with."""


class AlertLog:
    """A new client begins with nothing: it is told of alerts to come."""

    def __init__(self, context: ApiContext) -> None:
        self._database = context.database

    async def newest(self) -> int:
        """The place of the last one."""
        return await ask(push_feed.newest_alert, self._database)

    async def after(self, sequence: int, limit: int) -> list[LogEvent]:
        """Those after a place."""
        found = await ask(push_feed.alerts_after, self._database, sequence, limit)
        if not found:
            return []
        names = {unit.code: unit.name for unit in await ask(units.all_units, self._database)}
        return [
            LogEvent(
                alert.sequence,
                event_body(ALERTS, orjson.dumps(alert_data(alert, names.get(alert.unit, "")))),
                alert.unit,
                alert.is_pushed,
            )
            for alert in found
        ]

    async def state(self) -> list[LogEvent]:
        """Nothing."""
        await asyncio.sleep(0)
        return []


class RankingLog:
    """A new client begins with the list of each ranking as it is."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    async def newest(self) -> int:
        """The place of the last one."""
        return await ask(push_feed.newest_evaluation, self._context.database)

    async def after(self, sequence: int, limit: int) -> list[LogEvent]:
        """Those after a place."""
        found = await ask(push_feed.evaluations_after, self._context.database, sequence, limit)
        return [_ranking_event(logged) for logged in found]

    async def state(self) -> list[LogEvent]:
        """The last evaluation of each list."""
        context = self._context
        found = await ask(push_feed.present, context.database, context.ruleset)
        return [_ranking_event(logged) for logged in found]


def _ranking_event(logged: LoggedEvaluation) -> LogEvent:
    series = logged.series
    data = {
        "ranking": series.ranking,
        "kind": series.kind,
        "group": series.group,
        "window": {
            "kind": series.window_kind,
            "name": series.window_name,
            "from": format_instant(logged.window_from),
            "to": format_instant(logged.window_to),
        },
        "ruleset": series.ruleset,
        "evaluation": logged.number,
        "as_of": format_instant(logged.as_of),
        "bottom": list(logged.bottom),
        "ranked": [line._asdict() for line in logged.ranked],
    }
    return LogEvent(logged.sequence, event_body(RANKINGS, orjson.dumps(data)))
