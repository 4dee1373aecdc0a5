"""What one what-if compares: the present ranking is read at once, the other one is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from schemas.records import FlushMark, Sums, Unit
from services.api.context import ApiContext
from services.api.policies import mistake
from services.api.rankings import check_list, marks_and_units
from services.api.refusals import problem
from services.api.register import in_force_at, read_entries
from services.api.scored import Scored, scored_by
from services.api.snapshot import Snapshot, live_instant, read_sums
from services.api.what_if.models import NewWhatIf
from services.domain.adjustments import Entry
from services.domain.policy import Policy, PolicyError
from services.domain.policy_diff import counts_alike
from services.domain.pooling import sums_of_kind
from services.domain.ranking import Ranking, rank
from services.domain.registry import Registry
from services.domain.what_if import window_beside
from services.domain.windows import Window, WindowError, window
from services.storage.readers import UnitIndicator

_ATTEMPTS: Final = 10

OwnSums = Mapping[UnitIndicator, Sums]


class Side(NamedTuple):
    """One policy and what it says about the cycle; ``entries`` are the cycle's adjustments."""

    policy: Policy
    scored: Scored
    entries: Sequence[Entry]

    def ranked(self, units: Sequence[Unit], sums: OwnSums, snapshot: Snapshot) -> Ranking:
        """The ranking of the units by these sums."""
        return rank(units, sums, self.scored.scoring, in_force_at(snapshot, self.entries))


class Plan(NamedTuple):
    """Everything but the sums under the other policy. Sums are of the units that orders name.

    ``stored`` are those where both count alike, at the same flushes: then no order is evaluated.
    """

    asked: NewWhatIf
    snapshot: Snapshot
    registry: Registry
    units: Sequence[Unit]
    present: Side
    sums: OwnSums
    other: Side
    stored: OwnSums | None

    def of_list(self, sums: OwnSums) -> OwnSums:
        """The sums by which the units of the list are ranked."""
        return sums_of_kind(sums, self.registry, self.asked.kind)


async def prepare(context: ApiContext, asked: NewWhatIf) -> Plan:
    """Check the question, and read what is stored.

    Raises:
        Problem: 422, mistakes in the policy, no such cycle, kind or group; 503.
    """
    other_policy = await asyncio.to_thread(_read_policy, context, asked.document)
    marks, registry = await marks_and_units(context)
    check_list(registry, asked.kind, asked.group)
    of = _cycle(context.policy, asked.cycle, await live_instant(context, marks))
    present = await _side(context, context.policy, of, asked)
    other = await _side(context, other_policy, window_beside(other_policy, of), asked)
    snapshot, sums = await _sums(context, marks, present.scored)
    stored: OwnSums | None = None
    if counts_alike(present.policy, other.policy, other.scored.window.ends_at):
        for _ in range(_ATTEMPTS):
            before = snapshot
            snapshot, stored = await _sums(context, snapshot.marks, other.scored)
            if snapshot.marks == before.marks:
                break
            snapshot, sums = await _sums(context, snapshot.marks, present.scored)
    units = registry.of_kind(asked.kind, asked.group)
    return Plan(asked, snapshot, registry, units, present, sums, other, stored)


async def _side(context: ApiContext, policy: Policy, of: Window, asked: NewWhatIf) -> Side:
    scored = scored_by(policy, of, asked.kind, asked.group)
    return Side(policy, scored, await read_entries(context, scored))


async def _sums(
    context: ApiContext, marks: Mapping[int, FlushMark], scored: Scored
) -> tuple[Snapshot, dict[UnitIndicator, Sums]]:
    return await read_sums(context, marks, scored.window, None, scored.scoring.basis)


def _cycle(policy: Policy, name: str | None, at: int) -> Window:
    try:
        return window(policy, "cycle", name, at)
    except WindowError as error:
        sentence = f"{str(error)[0].upper()}{str(error)[1:]}."
        found = {"in": "body", "path": "/cycle", "reason": "invalid_name", "detail": sentence}
        raise problem(
            "invalid_window",
            sentence,
            "考核周期名称不正确。",
            errors=[found | {"detail_zh": "考核周期名称不正确。"}],
        ) from None


def _read_policy(context: ApiContext, text: str) -> Policy:
    try:
        return context.read_policy(text)
    except PolicyError as error:
        raise problem(
            "invalid_policy",
            "Mend what the errors name; nothing was changed.",
            "请按 errors 修改；未做任何更改。",
            errors=[mistake(line) for line in str(error).splitlines()],
        ) from None
