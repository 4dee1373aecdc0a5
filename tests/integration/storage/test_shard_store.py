"""What a shard writes and loads again, and what a crash between two steps of a flush leaves."""

from __future__ import annotations

import pytest

from schemas.instants import DAY, EARLIEST, FOREVER, QUARTER_HOUR, parse_instant
from schemas.records import ZERO, Fence, Position, Sums
from services.storage.chunks import PARAMETER_BYTES, by_bytes
from services.storage.database import Database
from services.storage.rows import precedence
from services.storage.shard_store import ShardStore
from tests.integration.storage.made import (
    FENCE,
    START,
    SUMMARY,
    event,
    flush,
    key,
    mark,
    order,
    owned,
    span,
)

BUCKET = START - START % QUARTER_HOUR
A, B = "热线-260703-000001", "热线-260703-000002"


@pytest.fixture
def store(db: Database) -> ShardStore:
    return owned(ShardStore(db, 3, 1))


def test_an_empty_shard(db: Database) -> None:
    store = ShardStore(db, 3, 1)
    assert store.last_flush() is None
    assert store.resume_position() is None
    assert list(store.unfolded(10)) == []
    assert store.fetch([A]) == ({}, {})
    assert store.fetch([]) == ({}, {})
    assert store.contribution_sums(START) == {}
    assert store.counters() == {}
    assert store.upcoming(START, FOREVER, 9) == []


def test_an_order_comes_back_as_it_was(store: ShardStore) -> None:
    full = order(
        A,
        [
            span("", "incomplete", begins_at=EARLIEST, ends_at=START, attributed_at=EARLIEST),
            span("110105001", "satisfaction", begins_at=START, numerator=900),
            span("部门", "state:excluded:不合理", denominator=-1, numerator=-2_000_000_000),
        ],
        folded=[bytes(16), b"\xff" * 16, b"'\\\n\t\x00\x80" + bytes(10)],
        boundaries=[START, START + 1, FOREVER - 1],
        summary=SUMMARY._replace(received_at=EARLIEST, resolve_due=FOREVER, resolved_at=START + 1),
    )
    bare = order(B, summary=SUMMARY._replace(received_at=None, category=(), unit="", community=""))
    store.write_orders(mark(), [full, bare])
    assert store.fetch([A, B, "热线"])[0] == {A: full, B: bare}
    assert store.fetch_rows([B, B]) == {B: bare}


def test_an_event_comes_back_as_it_was(store: ShardStore) -> None:
    one = event(A, "'1\\", occurred_at=EARLIEST, unknown=("phone", "name"), at=(2, 2**62, 499))
    assert one.dropped == ("name", "phone")
    store.write_events(FENCE, [one])
    assert store.fetch([A])[1] == {A: [one]}


def test_the_newest_version_replaces(db: Database, store: ShardStore) -> None:
    counters = {key("u", "volume", BUCKET): Sums(1, 0), key("v", "volume", BUCKET): Sums(1, 0)}
    late = order(A, [span("u", "volume", ends_at=START + DAY)], boundaries=[START + DAY])
    flush(store, mark(1), orders=[late, order(B)], counters=counters)
    newer = order(A, [span("v", "volume", numerator=5)])
    flush(store, mark(2), orders=[newer], counters={key("u", "volume", BUCKET): ZERO})
    for _ in ("unmerged", "merged"):
        assert store.fetch_rows([A, B]) == {A: newer, B: order(B)}
        assert store.contribution_sums(START) == {key("v", "volume", BUCKET): Sums(1, 5)}
        assert store.counters() == {key("v", "volume", BUCKET): Sums(1, 0)}
        assert store.upcoming(START, FOREVER, 9) == []
        assert store.last_flush() == mark(2)
        for table in ("work_orders", "counters", "shard_flushes"):
            db.execute(f"SYSTEM START MERGES {table}")
            db.execute(f"OPTIMIZE TABLE {table} FINAL")


def test_an_older_version_that_comes_late_changes_nothing(store: ShardStore) -> None:
    """A repeated write of a flush that has been overtaken, with versions beyond 64 bits."""
    flush(
        store,
        mark(2**40),
        orders=[order(A, [span("u")])],
        counters={key("u", "x", BUCKET): Sums(2, 0)},
    )
    flush(store, mark(1), orders=[order(A)], counters={key("u", "x", BUCKET): Sums(1, 0)})
    assert store.fetch_rows([A]) == {A: order(A, [span("u")])}
    assert store.counters() == {key("u", "x", BUCKET): Sums(2, 0)}
    assert store.last_flush() == mark(2**40)


def test_of_identical_copies_the_first_in_the_log_stays(db: Database, store: ShardStore) -> None:
    places = [(2, 0, 0), (1, 7, 3), (1, 7, 2), (1, 8, 0)]
    for place in places:
        store.write_events(FENCE, [event(A, at=place)])
    for _ in ("unmerged", "merged"):
        assert store.fetch([A])[1] == {A: [event(A, at=(1, 7, 2))]}
        db.execute("SYSTEM START MERGES events")
        db.execute("OPTIMIZE TABLE events FINAL")
    assert db.query("SELECT count() FROM events") == [(1,)]


def test_conflicting_copies_are_listed_in_log_order(store: ShardStore) -> None:
    complaint = event(A, at=(1, 9, 0))
    praise = event(A, demand_type="praise", at=(1, 8, 9))
    other = event(A, "2", at=(1, 8, 10))
    store.write_events(FENCE, [complaint, other, praise])
    assert store.fetch([A])[1] == {A: [praise, other, complaint]}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (((0, 0), 0), ((0, 0), 1)),
        (((0, 0), 499), ((0, 1), 0)),
        (((0, 2**63 - 1), 499), ((1, 0), 0)),
        (((7, 2**33), 0), ((7, 2**33 + 1), 0)),
    ],
)
def test_precedence_is_greater_the_earlier(
    earlier: tuple[tuple[int, int], int], later: tuple[tuple[int, int], int]
) -> None:
    first, second = (precedence(Position(*place), index) for place, index in (earlier, later))
    assert 2**128 > first > second > 0


def test_shards_and_rulesets_are_kept_apart(db: Database, store: ShardStore) -> None:
    other_shard, other_ruleset = owned(ShardStore(db, 4, 1)), ShardStore(db, 3, 2)
    flush(store, mark(4), events=[event(A)], orders=[order(A, [span()], boundaries=[START + 1])],
          counters={key("u", "x", BUCKET): Sums(1, 0)})  # fmt: skip
    for each in (other_shard, other_ruleset):
        assert each.last_flush() is None
        assert each.fetch_rows([A]) == {}
        assert each.contribution_sums(START) == {}
        assert each.counters() == {}
        assert each.upcoming(START, FOREVER, 9) == []
    assert other_shard.fetch([A])[1] == {}
    assert other_ruleset.fetch([A])[1] == {A: [event(A)]}  # the archive is of all rulesets
    assert other_shard.resume_position() is None
    assert other_ruleset.resume_position() == mark(4).position


def test_the_resume_position_is_the_greatest_of_all_rulesets(db: Database) -> None:
    old, new = owned(ShardStore(db, 3, 1)), ShardStore(db, 3, 2)
    old.write_flush(mark(1, position=Position(1, 900)))
    assert owned(new, Fence(2, 0)).resume_position() == Position(1, 900)
    new.write_flush(mark(1, fence=Fence(2, 0), position=Position(2, 4)))
    assert old.resume_position() == Position(2, 4)


def test_unfolded_orders_lie_beyond_the_last_flush(store: ShardStore) -> None:
    store.write_events(FENCE, [event(f"{n}", at=(1, n, 0)) for n in range(10)])
    everything = [f"{n}" for n in range(10)]
    assert list(store.unfolded(4)) == [everything[:4], everything[4:8], everything[8:]]
    store.write_flush(mark(1, position=Position(1, 6)))
    assert list(store.unfolded(100)) == [["7", "8", "9"]]
    store.write_events(FENCE, [event("2", "later", at=(2, 0, 0)), event("3", at=(1, 6, 0))])
    assert list(store.unfolded(100)) == [["2", "7", "8", "9"]]
    store.write_flush(mark(2, position=Position(2, 0)))
    assert list(store.unfolded(100)) == []


def test_unfolded_orders_come_in_pages(store: ShardStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.storage.shard_orders._SUBJECTS_AT_ONCE", 10)
    subjects = [f"热线-{n:03d}" for n in range(30)]
    store.write_events(FENCE, [event(subject, at=(1, n, 0)) for n, subject in enumerate(subjects)])
    pages = list(store.unfolded(7))
    assert [subject for page in pages for subject in page] == subjects
    assert max(map(len, pages)) == 7


def test_orders_are_built_when_their_row_has_folded_what_counts(store: ShardStore) -> None:
    first = [event(subject, "1", at=(1, n, 0)) for n, subject in enumerate("abcd")]
    late = event("b", "2", demand_type="help", at=(1, 7, 0))
    conflicting = event("c", "1", demand_type="help", at=(1, 8, 0))
    store.write_events(FENCE, [*first, late, conflicting, first[0]._replace(frame_index=9)])
    new = store.under(2)
    assert [*new.unbuilt(3)] == [["a", "b", "c"], ["d"]]
    rows = [order(each.event.subject, folded=[each.event.digest]) for each in first[:3]]
    store.write_orders(mark(), rows)  # of another ruleset
    assert [*new.unbuilt(9)] == [["a", "b", "c", "d"]]
    new.write_orders(mark(), rows)
    assert [*new.unbuilt(9)] == [["b", "d"]]
    new.write_orders(mark(2), [order("b", folded=[late.event.digest, first[1].event.digest])])
    assert [*new.unbuilt(9)] == [["d"]]
    earlier = event("c", "1", demand_type="thanks", at=(1, 0, 0))
    store.write_events(FENCE, [earlier])
    assert [*new.unbuilt(9)] == [["c", "d"]]
    assert [*new.touched(Position(1, 6), 9)] == [["b", "c"]]


def test_a_crash_after_the_archive(store: ShardStore) -> None:
    flush(store, mark(1), events=[event(A)], orders=[order(A)])
    store.write_events(FENCE, [event(A, "2", at=(1, 2, 0)), event(B, at=(1, 2, 1))])
    assert list(store.unfolded(10)) == [[A, B]]
    assert store.resume_position() == mark(1).position


def test_a_crash_after_the_orders(store: ShardStore) -> None:
    flush(store, mark(1), events=[event(A)], orders=[order(A, [span()])],
          counters={key("110105001", "volume", BUCKET): Sums(1, 0)})  # fmt: skip
    moved = order(A, [span("110105002")])
    store.write_events(FENCE, [event(A, "2", at=(1, 2, 0))])
    store.write_orders(mark(2), [moved])
    assert list(store.unfolded(10)) == [[A]]
    assert store.last_flush() == mark(1)
    assert store.contribution_sums(START) == {key("110105002", "volume", BUCKET): Sums(1, 0)}
    assert store.counters() == {key("110105001", "volume", BUCKET): Sums(1, 0)}  # to be mended


def test_a_crash_after_the_counters(store: ShardStore) -> None:
    store.write_events(FENCE, [event(A)])
    store.write_orders(mark(1), [order(A, [span()])])
    store.write_counters(mark(1), {key("110105001", "volume", BUCKET): Sums(1, 0)})
    assert store.last_flush() is None
    assert store.resume_position() is None
    assert list(store.unfolded(10)) == [[A]]
    assert store.contribution_sums(START) == store.counters()


def test_contributions_count_from_their_first_instant_to_before_their_last(
    store: ShardStore,
) -> None:
    store.write_orders(mark(), [order(A, [span("u", begins_at=START, ends_at=START + 10)])])
    one = {key("u", "volume", BUCKET): Sums(1, 0)}
    sums = [store.contribution_sums(START + after) for after in (-1, 0, 9, 10)]
    assert sums == [{}, one, one, {}]


@pytest.mark.parametrize(
    "at", ["1900-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z",
           "2026-07-03T07:14:59.999999+08:00", "2298-12-30T23:45:00Z"]
)  # fmt: skip
def test_buckets_are_quarter_hours_at_all_times(store: ShardStore, at: str) -> None:
    instant = parse_instant(at)
    first = instant - instant % QUARTER_HOUR
    store.write_orders(mark(), [order(A, [span("u", attributed_at=instant)])])
    assert store.contribution_sums(START) == {key("u", "volume", first): Sums(1, 0)}
    counters = {key("u", "volume", first): Sums(1, 0)}
    store.write_counters(mark(), counters)
    assert store.counters() == counters


def test_contributions_that_cancel_out_are_no_sum(store: ShardStore) -> None:
    store.write_orders(
        mark(), [order(A, [span(numerator=900)]), order(B, [span(denominator=-1, numerator=-900)])]
    )
    assert store.contribution_sums(START) == {}


def test_upcoming_boundaries(store: ShardStore) -> None:
    store.write_orders(mark(), [
        order(A, boundaries=[START, START + 1, START + DAY]),
        order(B, boundaries=[START + 5, START + DAY + 1]),
        order("past", boundaries=[START - DAY]),
        order("none"),
    ])  # fmt: skip
    first_day = [(START + 1, A), (START + 5, B), (START + DAY, A)]
    assert store.upcoming(START, START + DAY, 3) == first_day
    assert store.upcoming(START, START + DAY, 2) == first_day[:2]
    assert store.upcoming(START + DAY, FOREVER, 9) == [(START + DAY + 1, B)]


def test_upcoming_boundaries_of_one_instant_are_not_parted(store: ShardStore) -> None:
    store.write_orders(mark(), [
        order(A, boundaries=[START + 1, START + 3]),
        order(B, boundaries=[START + 2]),
        order("C", boundaries=[START + 2]),
    ])  # fmt: skip
    found = store.upcoming(START, FOREVER, 2)
    assert sorted(found) == [(START + 1, A), (START + 2, "C"), (START + 2, B)]


def test_a_fetch_of_many_orders(store: ShardStore) -> None:
    subjects = [f"热线-'{n:06d}" for n in range(12_000)]
    store.write_events(FENCE, [event(subject, at=(1, n, 0)) for n, subject in enumerate(subjects)])
    store.write_orders(mark(), [order(subject, [span()]) for subject in subjects])
    orders, events = store.fetch(subjects)
    assert list(orders) == subjects
    assert all(orders[subject] == order(subject, [span()]) for subject in subjects)
    assert list(events) == subjects
    assert [of[0].event.subject for of in events.values()] == subjects


def test_parameters_stay_below_what_a_server_takes() -> None:
    texts = [*["'" * 1_000] * 100, *["热" * 300] * 200, "x" * PARAMETER_BYTES * 2, "y"]
    parts = list(by_bytes(texts))
    assert [text for part in parts for text in part] == texts
    for part in parts:
        written = "[" + ", ".join("'" + text.replace("'", "\\'") + "'" for text in part) + "]"
        assert len(part) == 1 or len(written.encode()) < 128 * 1024
