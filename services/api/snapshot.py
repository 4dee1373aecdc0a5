"""What the shards had stored when a question was asked: the head of every answer with numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from schemas.instants import Instant
from schemas.records import FlushMark, Sums
from services.api.context import ApiContext, ask
from services.api.models import PolicyName, ShardPosition, WindowText
from services.api.parameters import LEAD
from services.api.writing import local_text
from services.domain.windows import Window
from services.storage.readers import UnitIndicator

_ATTEMPTS: Final = 10


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The last flush of every shard, and the instant asked for (None: live)."""

    context: ApiContext
    marks: Mapping[int, FlushMark]
    as_of: Instant | None

    @property
    def stored_until(self) -> Instant | None:
        """The smallest clock of all shards; None before the first flush."""
        return min((mark.clock for mark in self.marks.values()), default=None)

    @property
    def missing(self) -> list[int]:
        """Shards that have stored nothing yet."""
        return [shard for shard in range(self.context.partitions) if shard not in self.marks]

    def head(self) -> dict[str, Any]:
        """The fields of `models.Answer`."""
        context, until = self.context, self.stored_until
        zone = context.policy.time_zone
        as_of = until if self.as_of is None else self.as_of
        is_behind = until is None or (as_of is not None and until < as_of)
        return {
            "as_of": None if as_of is None else local_text(as_of, zone),
            "live": self.as_of is None,
            "complete": not (self.missing or is_behind),
            "missing_shards": self.missing,
            "policy": policy_name(context),
            "positions": [
                ShardPosition(
                    shard=shard,
                    epoch=mark.position.epoch,
                    offset=mark.position.offset,
                    clock=local_text(mark.clock, zone),
                )
                for shard, mark in sorted(self.marks.items())
            ],
        }

    def window_text(self, window: Window) -> WindowText:
        """A window in the policy's zone."""
        zone = self.context.policy.time_zone
        begins_at, ends_at = (local_text(at, zone) for at in (window.begins_at, window.ends_at))
        name = f"{begins_at}/{ends_at}" if window.kind == "custom" else window.name
        return WindowText(kind=window.kind, name=name, from_=begins_at, to=ends_at)


def policy_name(context: ApiContext) -> PolicyName:
    """Id, version and number of the policy."""
    policy = context.policy
    return PolicyName(id=policy.id, version=policy.version, ruleset=context.ruleset)


async def read_marks(context: ApiContext) -> dict[int, FlushMark]:
    """The last flush of every shard."""
    return await ask(context.readers.flush_marks, context.ruleset)


async def live_instant(context: ApiContext, marks: Mapping[int, FlushMark]) -> Instant:
    """Where a live window without a name lies: at the stored clock, or before a flush at now."""
    return min((mark.clock for mark in marks.values()), default=context.clock())


async def read_sums(
    context: ApiContext,
    marks: Mapping[int, FlushMark],
    window: Window,
    as_of: Instant | None,
    ranking: str = LEAD,
) -> tuple[Snapshot, dict[UnitIndicator, Sums]]:
    """Sums of a window in one ranking, and the flushes that they are exactly those of.

    A flush that runs meanwhile may be in the sums in part: then both are read again. Under a load
    whose every reading meets a flush, the last marks are named, which the sums may be ahead of.
    """
    readers, bounds = context.readers, (window.begins_at, window.ends_at)
    where = (context.ruleset, ranking, *bounds)
    is_cycle = window.kind == "cycle" and all(mark.totals for mark in marks.values())
    sums = await ask(readers.window_sums, *where, as_of, marks=marks, is_cycle=is_cycle)
    if as_of is not None:
        return Snapshot(context, marks, as_of), sums
    for _ in range(_ATTEMPTS):
        versions = await ask(readers.live_versions, *where, is_cycle=is_cycle)
        if all(
            shard in marks and version <= marks[shard].version()
            for shard, version in versions.items()
        ):
            break
        marks = await read_marks(context)
        sums = await ask(readers.window_sums, *where, marks=marks, is_cycle=is_cycle)
    return Snapshot(context, marks, as_of), sums
