from __future__ import annotations

from decimal import Decimal
from typing import Any

from schemas.instants import DAY
from schemas.records import Fence, FlushMark, Position
from services.domain.adjustments import Entry
from services.storage import adjustments
from services.storage.database import Database
from services.storage.shard_store import ShardStore
from tests.integration.storage.made import START


def entry(id_: str, **more: Any) -> Entry:
    plain = Entry(
        id=id_,
        kind="adjustment",
        unit="110101001",
        cycle="2026-11",
        points=Decimal("-1.25"),
        withdraws="",
        ground="创新",
        approver="1101",
        decided_at=START - DAY,
        recorded_at=0,
    )
    return plain._replace(**more)


def test_entries_come_back_as_they_were_recorded(db: Database) -> None:
    one = adjustments.record(db, entry("加分-1"), START)
    other = adjustments.record(
        db, entry("w", kind="withdrawal", points=Decimal(0), withdraws="加分-1"), START + 5
    )
    adjustments.record(db, entry("elsewhere", cycle="2026-12"), START + 6)
    assert one == entry("加分-1", recorded_at=START)
    assert adjustments.of_cycle(db, "2026-11") == [one, other]
    assert adjustments.find(db, "w") == other
    assert adjustments.find(db, "absent") is None


def test_the_first_of_two_entries_with_one_id_counts(db: Database) -> None:
    first = adjustments.record(db, entry("a"), START)
    second = adjustments.record(db, entry("a", cycle="2026-12", points=Decimal(9)), START + 1)
    assert second == first
    assert adjustments.of_cycle(db, "2026-11") == [first]
    assert adjustments.of_cycle(db, "2026-12") == []


def test_what_was_answered_stays_as_it_was_when_a_clock_is_set_back(db: Database) -> None:
    """A later entry never comes before an earlier one, nor before the clock of a shard."""
    first = adjustments.record(db, entry("a"), START)
    assert adjustments.record(db, entry("b"), START - DAY).recorded_at == first.recorded_at + 1
    store, fence = ShardStore(db, 0, 1), Fence(1, 1)
    assert store.claim(fence, START)
    store.write_flush(FlushMark(fence, 1, Position(1, 0), START + DAY))
    assert adjustments.record(db, entry("c"), START).recorded_at == START + DAY + 1
