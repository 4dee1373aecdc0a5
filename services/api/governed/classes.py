"""The classes of a frozen cycle: by its ranking, its gains, and the governed list at its end."""

from __future__ import annotations

from typing import Final, Literal

from services.api.context import ApiContext, ask
from services.api.cycles.described import fields, read_inputs
from services.api.cycles.freezing import cycle_named, one_of
from services.api.cycles.frozen_ranking import Frozen, read_frozen
from services.api.figures import unit_model
from services.api.governed.models import ClassesAnswer, ClassLine
from services.api.refusals import refusal
from services.api.register import in_force_at
from services.domain.classes import Class, classify
from services.domain.earlier_windows import previous
from services.domain.gains import rank_by_gain
from services.domain.governed import governed_at
from services.domain.pooling import sums_of_kind
from services.domain.ranking import Ranking, rank
from services.domain.windows import WindowError
from services.storage import cycles, governed

CLASSES_ZH: Final[dict[Class, str]] = {
    "governed": "治理类",
    "rectifying": "整改类",
    "leading": "先进类",
    "improving": "进步类",
}


async def read_classes(
    context: ApiContext, name: str, revision: int | None, kind: str, group: str
) -> ClassesAnswer:
    """Classify the units of one list.

    The list is read as of the cycle's end, from the entries recorded by the revision's instant;
    gains are those on the last revision of the previous cycle.

    Raises:
        Problem: 404, not frozen; 422, no such cycle or group.
    """
    stored = await one_of(context, cycle_named(context, name).name, revision)
    frozen = await read_frozen(context, stored.cycle, stored.revision, kind, group)
    groups = frozen.registry.groups(kind)
    if group and group not in groups:
        raise refusal(
            "unknown_group",
            f"Groups of this kind are {', '.join(groups) or 'none'}.",
            f"该类单位的分类组：{'、'.join(groups) or '无'}。",
            path="group",
        )
    present = _ranking(frozen)
    compared, before = await _before(context, frozen)
    gains = rank_by_gain(present, before, frozen.scored.scoring)
    inputs, _, of = read_inputs(stored.inputs)
    entries = await ask(governed.all_entries, context.database)
    listed = {unit.code: unit for unit in frozen.registry.of_kind(kind, group)}
    on_list = governed_at(
        (entry for entry in entries if entry.recorded_at <= inputs.as_of), of.ends_at - 1
    )
    found = classify(
        present,
        gains,
        on_list & listed.keys(),
        frozen.scored.scoring,
        frozen.scored.rules.document.classes,
    )
    places = {entry.unit.code: entry for entry in present.ranked}
    gained = {entry.unit.code: f"{entry.gain:f}" for entry in gains.ranked}
    published = fields(stored)
    return ClassesAnswer(
        cycle=stored.cycle,
        revision=stored.revision,
        standing=published["standing"],
        as_of=published["as_of"],
        compared=compared,
        kind=kind,
        group=group,
        classes=[
            ClassLine(
                unit=unit_model(listed[code]),
                name=each.name,
                name_zh=CLASSES_ZH[each.name],
                labels=list(each.labels),
                rank=places[code].rank if code in places else None,
                score=f"{places[code].score:f}" if code in places else None,
                gain=gained.get(code),
            )
            for code, each in found.items()
        ],
    )


async def _before(
    context: ApiContext, frozen: Frozen
) -> tuple[Literal["none", "frozen", "revised"], Ranking]:
    """The ranking of the previous cycle's last revision; empty if it has none."""
    try:
        name = previous(context.policy, frozen.scored.window).name
    except WindowError:
        return "none", Ranking((), ())
    found = await ask(cycles.of_cycle, context.database, name)
    if not found:
        return "none", Ranking((), ())
    kind, group = frozen.scored.kind, frozen.scored.group
    earlier = await read_frozen(context, name, found[-1].revision, kind, group)
    return "frozen" if len(found) == 1 else "revised", _ranking(earlier)


def _ranking(frozen: Frozen) -> Ranking:
    scored = frozen.scored
    return rank(
        frozen.registry.of_kind(scored.kind, scored.group),
        sums_of_kind(frozen.sums, frozen.registry, scored.kind),
        scored.scoring,
        in_force_at(frozen.snapshot, frozen.entries),
    )
