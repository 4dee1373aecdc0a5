"""Stored revisions, written out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from services.api.cycles.models import FrozenList, Revision, RevisionAnswer, UnitChange
from services.api.models import PolicyName, ShardPosition, WindowText
from services.api.writing import local_text
from services.domain.cycle_revision import Inputs
from services.domain.policy import Policy
from services.domain.windows import Window
from services.storage.cycle_fold import frozen_rules
from services.storage.cycles import StoredRevision

_NO_LINE: Final[Mapping[str, Any]] = {
    "rank": None, "score": None, "volume": 0, "bottom": False, "adjusted_by": [],
}  # fmt: skip


@lru_cache(maxsize=32)
def read_inputs(text: str) -> tuple[Inputs, Policy, Window]:
    """What a revision depends on, its policy, and its window; revisions never change."""
    inputs = Inputs.read(text)
    return inputs, *frozen_rules(inputs)


def fields(stored: StoredRevision) -> dict[str, Any]:
    """The fields of `models.Revision`."""
    inputs, policy, of = read_inputs(stored.inputs)
    results, zone = json.loads(stored.results), policy.time_zone
    rules = policy.at(of.ends_at - 1)
    return {
        "cycle": stored.cycle,
        "revision": stored.revision,
        "standing": "frozen" if stored.revision == 1 else "revised",
        "window": WindowText(
            kind=of.kind,
            name=of.name,
            from_=local_text(of.begins_at, zone),
            to=local_text(of.ends_at, zone),
        ),
        "as_of": local_text(inputs.as_of, zone),
        "recorded_at": local_text(stored.recorded_at, zone),
        "ground": stored.ground,
        "approver": stored.approver,
        "policy": PolicyName(id=policy.id, version=rules.version, ruleset=inputs.ruleset),
        "engine": inputs.engine,
        "positions": [
            ShardPosition(**mark._asdict() | {"clock": local_text(mark.clock, zone)})
            for mark in inputs.marks
        ],
        "units": len(inputs.units),
        "adjustments": len(inputs.entries),
        "orders": results["orders"],
        "not_evaluable": results["not_evaluable"],
        "checksum": stored.checksum,
    }


def described(stored: StoredRevision) -> Revision:
    """The head of a revision."""
    return Revision(**fields(stored))


def whole(stored: StoredRevision, revisions: Iterable[int]) -> RevisionAnswer:
    """A revision with its lists."""
    return RevisionAnswer(
        **fields(stored),
        revisions=list(revisions),
        lists=[FrozenList(**each) for each in json.loads(stored.results)["lists"]],
    )


def unit_changes(before: StoredRevision, after: StoredRevision) -> Iterator[UnitChange]:
    """Every line of every list that is another one, by list and unit."""
    old, new = _lines(before), _lines(after)
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key, _NO_LINE), new.get(key, _NO_LINE)
        if was == now:
            continue
        kind, group, unit = key
        yield UnitChange(
            kind=kind,
            group=group,
            unit=unit,
            rank_before=was.get("rank"),
            rank=now.get("rank"),
            score_before=was.get("score"),
            score=now.get("score"),
            volume_before=was["volume"],
            volume=now["volume"],
            bottom_before=was.get("bottom", False),
            bottom=now.get("bottom", False),
            adjusted=_adjustments(was) != _adjustments(now),
        )


def _lines(stored: StoredRevision) -> dict[tuple[str, str, str], dict[str, Any]]:
    return {
        (each["kind"], each["group"], line["unit"]): line
        for each in json.loads(stored.results)["lists"]
        for line in (*each["ranked"], *each["unranked"])
    }


def _adjustments(line: Mapping[str, Any]) -> tuple[Any, Any]:
    return line.get("adjustment"), line.get("adjusted_by")
