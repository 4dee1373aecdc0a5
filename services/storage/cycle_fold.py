"""Computes a cycle from the archive: what freezing, revising and auditing share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from services.domain.canonical import canonical, first_difference
from services.domain.cycle_revision import ENGINE, Fold, Inputs, OrderPart, checksum, part_of
from services.domain.policy import Policy, load_policy
from services.domain.what_if import reach
from services.domain.windows import Window, window
from services.storage import cycles
from services.storage.cycles import StoredRevision
from services.storage.database import Database
from services.storage.order_lines import orders
from services.storage.what_if_reader import WhatIfReader

_AT_ONCE: Final = 50_000  # orders in one insert

OnProgress = Callable[[int, int], None]
"""Is told how many orders are done, and of how many; what it raises ends the computation."""


class Difference(NamedTuple):
    """Where a stored revision is not what the log says. Values as canonical JSON."""

    path: str
    stored: str
    computed: str


def frozen_rules(inputs: Inputs) -> tuple[Policy, Window]:
    """The policy of a revision, and its window."""
    policy = load_policy(inputs.document)
    return policy, window(policy, "cycle", inputs.cycle, 0)


def fold(
    db: Database,
    inputs: Inputs,
    on_parts: Callable[[Sequence[OrderPart]], None],
    on_progress: OnProgress,
) -> dict[str, Any]:
    """Evaluate every order that is near the cycle, block by block; return the results (blocking).

    The archive is read shard by shard, in the order of the orders' numbers, so the same inputs
    give the parts in the same order.

    Raises:
        StorageUnavailable: the engine cannot answer now.
    """
    policy, of = frozen_rules(inputs)
    reader = WhatIfReader(db, inputs.flush_marks(), reach(policy, of))
    count, done, sums = reader.count(), 0, Fold()
    on_progress(0, count)
    for _shard, block in reader.blocks():
        parts = []
        for subject, events in orders(block):
            done += 1
            try:
                part = part_of(subject, events, policy, of, inputs.as_of)
            except Exception:  # noqa: BLE001 - as when scoring: one order must not stop the others
                sums.fail(subject)
                continue
            if part is not None:
                sums.add(part)
                parts.append(part)
        on_parts(parts)
        on_progress(done, count)
    return sums.results(inputs, policy, of)


def store(
    db: Database, inputs: Inputs, computation: str, on_progress: OnProgress
) -> dict[str, Any]:
    """Compute a cycle, and store its orders under the name of the computation (blocking)."""
    waiting: list[OrderPart] = []

    def on_parts(parts: Sequence[OrderPart]) -> None:
        waiting.extend(parts)
        if len(waiting) >= _AT_ONCE:
            cycles.add_orders(db, computation, waiting)
            waiting.clear()

    results = fold(db, inputs, on_parts, on_progress)
    cycles.add_orders(db, computation, waiting)
    return results


def audit(db: Database, stored: StoredRevision, on_progress: OnProgress) -> list[Difference]:
    """Compute a stored revision again from the log alone; all that differs, at most one of a kind.

    Compared are: every order, the results, the checksum of the policy's text, and the checksum of
    the whole revision.
    """
    inputs = Inputs.read(stored.inputs)
    if (elsewhere := _of_another_log(db, inputs)) is not None:
        return [elsewhere]
    found: list[Difference] = []
    seen = 0

    def on_parts(parts: Sequence[OrderPart]) -> None:
        nonlocal seen
        seen += len(parts)
        if not found:
            found.extend(_different(db, stored.computation, parts))

    results = canonical(fold(db, inputs, on_parts, on_progress))
    count = cycles.order_count(db, stored.computation)
    if not found and count != seen:
        found.append(Difference("/orders", str(count), str(seen)))
    place = first_difference(json.loads(stored.results), json.loads(results), "/results")
    if place is not None:
        found.append(Difference(place[0], canonical(place[1]), canonical(place[2])))
    found += _differing_heads(stored, inputs, results)
    return found


def _of_another_log(db: Database, inputs: Inputs) -> Difference | None:
    """Whether the positions are those of a log that this archive was not filled from."""
    last = max((mark.position.epoch for mark in inputs.flush_marks().values()), default=0)
    ((first,),) = db.query("SELECT min(epoch) FROM events")
    if first <= last:
        return None
    return Difference("/inputs/positions", f"epoch {last}", f"a log that begins at epoch {first}")


def _differing_heads(stored: StoredRevision, inputs: Inputs, results: str) -> Iterator[Difference]:
    text = frozen_rules(inputs)[0].checksum
    if text != inputs.checksum:
        yield Difference("/inputs/checksum", canonical(inputs.checksum), canonical(text))
    if inputs.engine != ENGINE:
        yield Difference("/inputs/engine", str(inputs.engine), str(ENGINE))
    whole = checksum(stored.inputs, results, stored.ground, stored.approver)
    if whole != stored.checksum:
        yield Difference("/checksum", canonical(stored.checksum), canonical(whole))


def _different(db: Database, computation: str, parts: Sequence[OrderPart]) -> Iterator[Difference]:
    """The first order of a block that is not stored as it is computed."""
    stored = cycles.orders(db, computation, [part.subject for part in parts])
    for part in parts:
        next_change, line = stored.get(part.subject, (None, ""))
        if line != part.line():
            yield Difference(f"/orders/{part.subject}", line, part.line())
            return
        if next_change != part.next_change:
            path = f"/orders/{part.subject}/next_change"
            yield Difference(path, str(next_change), str(part.next_change))
            return
