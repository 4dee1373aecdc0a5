"""The register of adjustments: which of them an answer counts, and what may enter it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from schemas.instants import Instant
from schemas.records import Unit
from services.api.adjustment_models import AdjustmentModel
from services.api.context import ApiContext, ask
from services.api.refusals import problem, refusal
from services.api.scored import Scored
from services.api.snapshot import Snapshot
from services.api.writing import local_text, plain_text
from services.domain.adjustments import Adjustments, Entry, accepts, by_unit, in_force
from services.domain.policy import Policy
from services.domain.registry import Registry
from services.domain.windows import WindowError, window
from services.storage import adjustments

Mistake = dict[str, str]
"""One entry of a problem's ``errors``."""


async def read_entries(context: ApiContext, scored: Scored) -> list[Entry]:
    """The register's entries of a cycle; other windows have none, nor has a score without them."""
    if scored.window.kind != "cycle" or scored.scoring.caps is None:
        return []
    return await ask(adjustments.of_cycle, context.database, scored.window.name)


def in_force_at(snapshot: Snapshot, entries: Sequence[Entry]) -> Adjustments:
    """Those in force at the instant that the snapshot's answer names as its own, by unit.

    So a live answer holds an entry as soon as the shards' clocks have passed its recording, and
    the same question as of that instant gives the same numbers later.
    """
    at = snapshot.stored_until if snapshot.as_of is None else snapshot.as_of
    return {} if at is None else by_unit(in_force(entries, at))


def listed(
    entries: Sequence[Entry], policy: Policy, registry: Registry, at: Instant
) -> Iterator[AdjustmentModel]:
    """What was recorded by ``at``, each with what became of it."""
    known = [entry for entry in entries if entry.recorded_at <= at]
    standing = {entry.id for entry in in_force(known, at)}
    withdrawn = {entry.withdraws: entry.id for entry in reversed(known) if entry.withdraws}
    for entry in known:
        unit = registry.get(entry.unit)
        yield AdjustmentModel(
            id=entry.id,
            kind=entry.kind,
            unit=entry.unit,
            cycle=entry.cycle,
            points=plain_text(entry.points) if entry.kind == "adjustment" else None,
            withdraws=entry.withdraws or None,
            withdrawn_by=withdrawn.get(entry.id),
            counts=entry.id in standing
            and unit is not None
            and _is_accepted(policy, unit, entry.cycle, entry.ground),
            ground=entry.ground,
            approver=entry.approver,
            decided_at=local_text(entry.decided_at, policy.time_zone),
            recorded_at=local_text(entry.recorded_at, policy.time_zone),
        )


def read_cycle(policy: Policy, name: str | None, at: Instant) -> str:
    """The name of a cycle; that of the one which holds ``at`` if none is given.

    Raises:
        Problem: 422.
    """
    try:
        return window(policy, "cycle", name, at).name
    except WindowError as error:
        raise refusal(
            "invalid_window",
            _sentence(error),
            "考核周期名称不正确。",
            path="cycle",
            reason="invalid_name",
        ) from None


def refuse(found: Iterable[Mistake]) -> None:
    """Refuse an entry that has any mistake.

    Raises:
        Problem: 422, naming them all.
    """
    if errors := list(found):
        raise problem(
            "invalid_adjustment", "Mend what the errors name.", "请按 errors 修改。", errors=errors
        )


def decision_mistakes(decided_at: Instant, now: Instant) -> Iterator[Mistake]:
    """A decision must have been taken."""
    if decided_at > now:
        yield _mistake(
            "decided_at",
            "time_in_future",
            "A decision does not lie in the future.",
            "批准时间不能晚于当前时刻。",
        )


def mistakes(
    policy: Policy, unit: Unit | None, cycle: str, points: Decimal, ground: str
) -> Iterator[Mistake]:
    """What is wrong with an adjustment, beyond its form."""
    if unit is None:
        yield _mistake(
            "unit", "unknown_unit", "No unit of this code is registered.", "该单位未登记。"
        )
    if not points:
        yield _mistake("points", "zero_points", "Zero points adjust nothing.", "分值不能为零。")
    try:
        window(policy, "cycle", cycle, 0)
    except WindowError as error:
        yield _mistake("cycle", "invalid_name", _sentence(error), "考核周期名称不正确。")
    else:
        if unit is not None and not _is_accepted(policy, unit, cycle, ground):
            yield _mistake(
                "ground",
                "ground_not_accepted",
                "The policy accepts no adjustment of this unit on this ground in this cycle.",
                "考核办法在该周期不接受以此理由对该单位加减分。",
            )


def _is_accepted(policy: Policy, unit: Unit, cycle: str, ground: str) -> bool:
    """Whether the list of the unit's kind, or of its peer group, counts this ground."""
    try:
        ends_at = window(policy, "cycle", cycle, 0).ends_at
    except WindowError:  # recorded when the policy cut its cycles otherwise
        return False
    scorings = policy.at(ends_at - 1).scorings
    caps = (scorings.of(unit.kind, group).caps for group in ("", unit.group))
    return any(each is not None and accepts(each, ground) for each in caps)


def _sentence(error: WindowError) -> str:
    return f"{str(error)[0].upper()}{str(error)[1:]}."


def _mistake(field: str, reason: str, detail: str, detail_zh: str) -> Mistake:
    return {
        "in": "body",
        "path": f"/{field}",
        "reason": reason,
        "detail": detail,
        "detail_zh": detail_zh,
    }
