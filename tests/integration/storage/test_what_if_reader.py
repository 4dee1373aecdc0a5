"""Whole orders read out of the archive for other processes."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from random import Random
from typing import Final

import pytest

from schemas.instants import DAY, Instant
from schemas.records import Event, FlushMark, LoggedEvent, Position
from services.domain.outcome import evaluate
from services.domain.what_if import Reach, reach
from services.domain.windows import window
from services.storage.database import Database
from services.storage.order_lines import blocks, orders
from services.storage.shard_store import ShardStore
from services.storage.what_if_reader import WhatIfReader
from tests.integration.storage.made import FENCE, START, event, mark, owned
from tests.oracle.agreement import case
from tests.support.random_orders import random_order

EVER: Final = Reach(0, START + 400 * DAY, pauses=False)


def stored(db: Database, *parts: Sequence[LoggedEvent], shard: int = 0) -> dict[int, FlushMark]:
    """Archive events, each part in an insert of its own; the mark up to which they are."""
    store = owned(ShardStore(db, shard, 1))
    for part in parts:
        store.write_events(FENCE, part)
    return {shard: mark(position=max(logged.position for part in parts for logged in part))}


def read(db: Database, marks: dict[int, FlushMark], of: Reach = EVER) -> dict[str, list[Event]]:
    reader = WhatIfReader(db, marks, of)
    count = reader.count()
    found = [order for _, block in reader.blocks() for order in orders(block)]
    assert len(found) == len(dict(found)) == count
    return dict(found)


def bare(logged: LoggedEvent) -> Event:
    return logged.event._replace(digest=b"")


def told(events: Sequence[Event]) -> list[Event]:
    return sorted(each._replace(digest=b"") for each in events)


def test_events_come_back_as_they_were_archived(db: Database) -> None:
    """Characters that JSON or the engine's format escape, too."""
    names = ["热线-1", "it's", 'a "b"', "back\\slash", "\\n", "tab\\t'", "😀", "x/y?"]
    logged = [
        event(subject, id_, source=source, at=(1, place, 0))
        for place, (subject, id_, source) in enumerate(
            zip(names, reversed(names), names[3:] + names[:3], strict=True)
        )
    ]

    found = read(db, stored(db, logged))

    assert found.keys() == set(names)
    for one in logged:
        assert told(found[one.event.subject]) == [bare(one)]


def test_of_two_contents_the_first_in_the_log_counts_and_copies_once(db: Database) -> None:
    later = event("a", "1", demand_type="help", at=(1, 7, 0))
    first = event("a", "1", demand_type="complaint", at=(1, 5, 1))
    copy = event("a", "1", demand_type="complaint", at=(1, 6, 0))

    marks = stored(db, [later], [copy], [first])

    assert told(read(db, marks)["a"]) == [bare(first)]


def test_only_what_a_shard_had_stored_is_read(db: Database) -> None:
    old, new = event("a", "1", at=(1, 9, 0)), event("a", "2", at=(2, 0, 0))
    stored(db, [old, new, event("b", "3", at=(2, 1, 0))])
    stored(db, [event("c", "4", at=(1, 0, 0))], shard=1)

    found = read(db, {0: mark(position=Position(1, 9))})

    assert {subject: told(events) for subject, events in found.items()} == {"a": [bare(old)]}
    assert read(db, {0: mark(position=Position(2, 0))}).keys() == {"a"}


def test_an_instant_told_in_the_data_brings_an_order_into_reach(db: Database) -> None:
    events = {
        "before": [event("before", "1", occurred_at=START - 40 * DAY)],
        "told": [_with_due("told", START - 40 * DAY, "2026-07-03T00:00:00Z")],
        "late": [_with_due("late", START + 40 * DAY, "2026-07-02T23:59:59.5Z")],
        "within": [event("within", "1")],
    }
    logged = [
        each._replace(position=Position(1, place))
        for place, each in enumerate(each for found in events.values() for each in found)
    ]
    marks = stored(db, logged)

    near = read(db, marks, Reach(START - DAY, START + DAY, pauses=False))

    assert near.keys() == {"told", "late", "within"}


def _with_due(subject: str, at: Instant, due: str) -> LoggedEvent:
    made = event(subject, "1", occurred_at=at)
    data = {**made.event.data, "resolve_due": due}
    return made._replace(event=made.event._replace(data=data))


@pytest.mark.parametrize("name", ["every-denominator", "pausing", "shandong", "lianyungang-2022"])
def test_every_order_that_counts_in_a_window_is_in_its_reach(db: Database, name: str) -> None:
    of, rng = case(name), Random(name)
    drawn = {str(number): random_order(rng, of.world, str(number)) for number in range(150)}
    logged = [
        LoggedEvent(each, Position(1, place), 0)
        for place, each in enumerate(each for events in drawn.values() for each in events)
    ]
    marks = stored(db, logged)
    spans = {subject: evaluate(events, of.policy).spans for subject, events in drawn.items()}
    attributed = sorted({s.contribution.attributed_at for found in spans.values() for s in found})
    seen = left_out = 0
    for at in rng.sample(attributed, 8):
        for kind in ("cycle", "day"):
            cut = window(of.policy, kind, None, at)
            counted = {
                subject
                for subject, found in spans.items()
                if any(cut.begins_at <= s.contribution.attributed_at < cut.ends_at for s in found)
            }
            near = read(db, marks, reach(of.policy, cut))
            assert counted <= near.keys()
            assert all(told(near[s]) == told(drawn[s]) for s in near)
            seen += len(counted)
            left_out += len(drawn) - len(near)
    assert seen
    assert left_out  # otherwise nothing was chosen


@pytest.mark.parametrize("size", [1, 100, 1 << 20])
def test_blocks_are_cut_between_orders(size: int) -> None:
    lines = b"".join(
        b'[%d,0,"s","%d","received","order %d",{},""]\n' % (n, n, n // 3) for n in range(100)
    )

    cut = list(blocks(BytesIO(lines), size))

    assert b"".join(cut) == lines
    found = [subject for block in cut for subject, _ in orders(block)]
    assert found == [f"order {n}" for n in range(34)]
    assert all(len(block) <= size + 200 for block in cut)
