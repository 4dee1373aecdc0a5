"""The figures of units in the cycle in force, read once for all clients of the process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schemas.records import FlushMark, Sums
from services.api.context import ApiContext, ask
from services.api.figures import by_unit, figures, nameless, pooled, unit_model
from services.api.models import UnitModel
from services.api.ranking_models import Figures, ScoredAnswer
from services.api.scored import Scored, scored_by
from services.api.snapshot import Snapshot, live_instant, read_marks, read_sums
from services.api.stream.client import event_body
from services.api.stream.position import RATES, short_digest
from services.domain.pooling import parts_of
from services.domain.registry import Registry
from services.domain.windows import Window, window
from services.storage import units

_CYCLE = "cycle"


class UnitRatesEvent(Figures, ScoredAnswer):
    """The figures of one unit in the cycle in force, as `/v1/units/{code}/rates` has them."""

    unit: UnitModel


class UnitState(NamedTuple):
    """What is sent of a unit, written once, and a digest of what in it are figures."""

    body: bytes
    digest: str


class _Basis(NamedTuple):
    snapshot: Snapshot
    sums: Mapping[str, Mapping[str, Sums]]


class RateBoard:
    """Kept until the shards have stored more. Used by one task at a time, whose rules are pinned."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._seen: object = None
        self._marks: Mapping[int, FlushMark] = {}
        self._registry = Registry(())
        self._window: Window | None = None
        self._bases: dict[str, _Basis] = {}
        self._states: dict[str, UnitState] = {}

    async def refresh(self) -> bool:
        """Look whether the figures may have changed; forget what was read if so.

        Raises:
            Problem: 503.
        """
        context = self._context
        marks = await read_marks(context)
        listed = await ask(units.all_units, context.database)
        versions = {shard: mark.version() for shard, mark in marks.items()}
        seen = (context.ruleset, versions, listed)
        if seen == self._seen:
            return False
        self._marks, self._registry = marks, Registry(listed)
        at = await live_instant(context, marks)
        self._window = window(context.policy, _CYCLE, None, at)
        self._bases, self._states = {}, {}
        self._seen = seen
        return True

    async def of(self, code: str) -> UnitState:
        """What there is to tell of a unit; a code that nobody knows has figures of nothing.

        Raises:
            Problem: 503.
        """
        if code not in self._states:
            self._states[code] = await self._read(code)
        return self._states[code]

    async def _read(self, code: str) -> UnitState:
        if self._window is None:
            await self.refresh()
        if self._window is None:
            raise RuntimeError("a refresh opens a window")
        unit = self._registry.get(code)
        scored = scored_by(self._context.policy, self._window, unit.kind if unit else "", "")
        basis = await self._basis(scored)
        parts = [code] if unit is None else parts_of(unit, self._registry)
        own = figures(pooled(basis.sums.get(part, {}) for part in parts), scored)
        head = scored.head(basis.snapshot)
        event = UnitRatesEvent(
            **head,
            unit=unit_model(unit) if unit else nameless(code),
            **{name: getattr(own, name) for name in Figures.model_fields},
        )
        told = (code, own.model_dump_json(), self._window, scored.versions, str(head["policy"]))
        body = event_body(RATES, event.model_dump_json(by_alias=True).encode())
        return UnitState(body, short_digest(repr(told)))

    async def _basis(self, scored: Scored) -> _Basis:
        name = scored.scoring.basis
        if name not in self._bases:
            snapshot, sums = await read_sums(self._context, self._marks, scored.window, None, name)
            self._bases[name] = _Basis(snapshot, by_unit(sums))
        return self._bases[name]
