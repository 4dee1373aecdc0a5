"""A ranking as a revision holds it, in the form of the live one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.records import Sums
from services.api.context import ApiContext
from services.api.cycles.described import fields, read_inputs
from services.api.cycles.freezing import one_of
from services.api.refusals import refusal
from services.api.scored import Scored, scored_by
from services.api.snapshot import Snapshot
from services.domain.adjustments import Entry
from services.domain.cycle_revision import sums_of
from services.domain.registry import Registry
from services.storage.readers import UnitIndicator


class Frozen(NamedTuple):
    """All that a ranking is made of; ``head`` replaces what a live answer says of itself."""

    snapshot: Snapshot
    sums: Mapping[UnitIndicator, Sums]
    registry: Registry
    scored: Scored
    entries: tuple[Entry, ...]
    head: dict[str, Any]


def check_asked(window: str | None, name: str | None, *others: str | None) -> str:
    """The cycle that is asked for with a revision.

    Raises:
        Problem: 422, something else than a cycle by its name.
    """
    if name is None or window not in {None, "cycle"} or any(others):
        raise refusal(
            "invalid_window",
            "A revision is of one cycle: give its name, and neither from, to nor as_of.",
            "版次属于某个考核周期：请给出 name，不要给出 from、to、as_of。",
            path="revision",
        )
    return name


async def read_frozen(
    context: ApiContext, cycle: str, revision: int, kind: str, group: str
) -> Frozen:
    """Read what a revision holds of one list.

    Raises:
        Problem: 404, no such revision.
    """
    stored = await one_of(context, cycle, revision)
    inputs, policy, of = read_inputs(stored.inputs)
    scored = scored_by(policy, of, kind, group)
    published = fields(stored)
    return Frozen(
        Snapshot(context, inputs.flush_marks(), inputs.as_of),
        sums_of(json.loads(stored.results), scored.scoring.basis),
        Registry(inputs.units),
        scored,
        inputs.entries,
        {name: published[name] for name in ("policy", "standing", "revision", "positions")},
    )
