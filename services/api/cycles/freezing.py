"""Freezes a cycle, and revises it: a computation over what the shards have stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import uuid4

from schemas.instants import Instant
from schemas.records import FlushMark
from services.api.context import ApiContext, ask
from services.api.cycles.described import read_inputs
from services.api.cycles.models import Decision
from services.api.parameters import read_as_of
from services.api.refusals import refusal
from services.api.snapshot import read_marks
from services.domain.canonical import canonical
from services.domain.cycle_revision import ENGINE, Inputs, Mark, checksum
from services.domain.windows import Window, WindowError, window
from services.storage import adjustments, cycle_fold, cycles, units
from services.storage.cycles import StoredRevision
from services.web.problems import Problem


async def freeze(context: ApiContext, name: str, decision: Decision) -> StoredRevision:
    """Compute and store revision 1.

    Raises:
        Problem: 409, the cycle has not ended, or is frozen; 422; 503, a shard lags.
    """
    of = cycle_named(context, name)
    if await ask(cycles.of_cycle, context.database, of.name):
        raise refusal(
            "cycle_frozen",
            "Revision 1 is published: POST to /revise for the next one.",
            "该周期已冻结；请用 /revise 发布修订版。",
        )
    if context.clock() < of.ends_at:
        raise refusal(
            "cycle_not_ended",
            "Freeze it once it has ended.",
            "考核周期尚未结束。",
        )
    marks = await read_marks(context)
    as_of = _as_of(context, decision, marks, of.ends_at)
    policy = context.policy
    registry = await ask(units.all_units, context.database)
    inputs = Inputs(
        engine=ENGINE,
        cycle=of.name,
        as_of=as_of,
        marks=_positions(marks),
        ruleset=context.ruleset,
        checksum=policy.checksum,
        document=policy.document,
        units=tuple(registry),
        entries=(),
    )
    return await _publish(context, inputs, 1, decision)


async def revise(context: ApiContext, name: str, decision: Decision) -> StoredRevision:
    """Compute and store the next revision: under the frozen policy and registry, with all facts.

    Raises:
        Problem: 409, the cycle is not frozen; 422; 503, a shard lags.
    """
    of = cycle_named(context, name)
    last = (await frozen(context, of.name))[-1]
    before = read_inputs(last.inputs)[0]
    marks = await read_marks(context)
    as_of = _as_of(context, decision, marks, before.as_of)
    inputs = before._replace(engine=ENGINE, as_of=as_of, marks=_positions(marks))
    return await _publish(context, inputs, last.revision + 1, decision)


async def frozen(context: ApiContext, name: str) -> list[StoredRevision]:
    """The revisions of a cycle, at least one.

    Raises:
        Problem: 404.
    """
    found = await ask(cycles.of_cycle, context.database, name)
    if not found:
        raise refusal(
            "cycle_not_frozen",
            "POST to /freeze publishes its first revision.",
            "该周期尚未冻结；用 /freeze 发布第一版。",
        )
    return found


async def one_of(context: ApiContext, name: str, revision: int | None) -> StoredRevision:
    """One revision of a cycle; the last if none is named.

    Raises:
        Problem: 404.
    """
    found = await frozen(context, name)
    if revision is None:
        return found[-1]
    for each in found:
        if each.revision == revision:
            return each
    raise refusal(
        "unknown_revision",
        f"The cycle has the revisions 1 to {found[-1].revision}.",
        f"该周期有第 1 至 {found[-1].revision} 版。",
    )


def cycle_named(context: ApiContext, name: str) -> Window:
    """A cycle of the policy in force.

    Raises:
        Problem: 422.
    """
    try:
        return window(context.policy, "cycle", name, 0)
    except WindowError as error:
        raise refusal(
            "invalid_window",
            f"{str(error)[0].upper()}{str(error)[1:]}.",
            "考核周期名称不正确。",
        ) from None


def behind() -> Problem:
    """A shard has not stored what the answer needs."""
    return refusal(
        "shards_behind",
        "A shard has not stored everything until then: ask again in a moment.",
        "有分区尚未入账到该时刻，请稍后重试。",
        headers={"Retry-After": "5"},
    )


async def _publish(
    context: ApiContext, inputs: Inputs, revision: int, decision: Decision
) -> StoredRevision:
    entries = await ask(adjustments.of_cycle, context.database, inputs.cycle)
    counted = [entry for entry in entries if entry.recorded_at <= inputs.as_of]
    inputs = inputs._replace(entries=tuple(counted))
    computation = uuid4().hex
    results = canonical(
        await ask(cycle_fold.store, context.database, inputs, computation, lambda _done, _of: None)
    )
    text = inputs.text()
    new = StoredRevision(
        cycle=inputs.cycle,
        revision=revision,
        computation=computation,
        inputs=text,
        results=results,
        checksum=checksum(text, results, decision.ground, decision.approver),
        ground=decision.ground,
        approver=decision.approver,
        recorded_at=context.clock(),
    )
    stored = await asyncio.shield(ask(cycles.add, context.database, new))
    if stored.computation != computation:
        raise refusal(
            "revision_conflict",
            "Another process has published this revision meanwhile; look at it.",
            "其他进程已发布该版次，请查看。",
        )
    return stored


def _as_of(
    context: ApiContext, decision: Decision, marks: Mapping[int, FlushMark], least: Instant
) -> Instant:
    """The instant looked from, which every shard has stored."""
    asked = read_as_of(context, decision.as_of)
    if asked is not None and asked < least:
        raise refusal(
            "invalid_time",
            "as_of is not before the cycle's end, nor before that of the revision before.",
            "as_of 不得早于周期结束，也不得早于上一版的截至时刻。",
        )
    stored = min((mark.clock for mark in marks.values()), default=least - 1)
    if len(marks) < context.partitions or stored < (least if asked is None else asked):
        raise behind()
    return stored if asked is None else asked


def _positions(marks: Mapping[int, FlushMark]) -> tuple[Mark, ...]:
    return tuple(
        Mark(shard, *mark.position, clock=mark.clock) for shard, mark in sorted(marks.items())
    )
