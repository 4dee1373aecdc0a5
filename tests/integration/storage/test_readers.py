"""Sums, the orders behind them, and one order, on outcomes of the real rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from random import Random
from typing import NamedTuple, get_args

import pytest

from schemas.instants import DAY, EARLIEST, FOREVER, HOUR, MINUTE, QUARTER_HOUR, Instant
from schemas.records import (
    ZERO,
    Contribution,
    CounterKey,
    Event,
    Fence,
    FlushMark,
    OrderRow,
    Position,
    Sums,
)
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import load_policy, preset
from services.storage.database import Database
from services.storage.readers import CountedOrder, Number, Place, Readers, Sort, Traits
from services.storage.shard_store import ShardStore
from services.storage.spans import split_window
from tests.integration.storage.made import FENCE, event, flush, mark, order, owned, span
from tests.support.orders import event as happened
from tests.support.orders import local, rated, rated_order, unanswered

POLICY = load_policy(preset("beijing-district"))
FIRST = local("2026-06-25 11:52") + 123_457
UNITS = ("110101001", "110101002", "")
CLOCKS = {0: FIRST + 9 * DAY + 1, 1: FIRST + 11 * DAY + 7 * HOUR, 5: FIRST + 30 * DAY}


class City(NamedTuple):
    """Three shards as they were stored: their orders and clocks."""

    readers: Readers
    orders: dict[int, list[OrderRow]]

    def at(self, clock: Instant | dict[int, Instant]) -> Iterable[tuple[OrderRow, Contribution]]:
        for shard, rows in self.orders.items():
            now = clock if isinstance(clock, int) else clock[shard]
            for row in rows:
                for each in contributions_at(row.outcome.spans, now):
                    yield row, each

    def sums(
        self, clock: Instant | dict[int, Instant], begins_at: Instant, ends_at: Instant
    ) -> dict[tuple[str, str], Sums]:
        added: dict[tuple[str, str], Sums] = defaultdict(lambda: ZERO)
        for _, each in self.at(clock):
            if begins_at <= each.attributed_at < ends_at:
                old = added[each.unit, each.indicator]
                added[each.unit, each.indicator] = Sums(
                    old.denominator + each.denominator, old.numerator + each.numerator
                )
        return {key: value for key, value in added.items() if value != ZERO}


def one_order(random: Random, subject: str) -> list[Event]:
    received = FIRST + random.randrange(9 * DAY)
    unit = random.choice(UNITS[:2])
    where = {"subject": subject}
    match random.randrange(5):
        case 0:
            return [happened("received", received, demand_type="complaint", **where)]
        case 1:
            return [happened("signed", received, unit=unit, **where)]
        case 2:
            calls = [unanswered(received + day * DAY, day, **where) for day in (8, 9, 10)]
            return [*rated_order(unit, received, subject=subject)[:4], *calls]
        case 3:
            moved = happened("dispatched", received + DAY, unit=UNITS[0], round=2, **where)
            return [*rated_order(unit, received, subject=subject, solved="no"), moved]
        case _:
            grade = random.choice(("satisfied", "basically_satisfied", "dissatisfied"))
            return [
                *rated_order(unit, received, subject=subject, satisfaction=grade),
                rated(received + 9 * DAY, "satisfied", **where),
            ]


@pytest.fixture
def city(db: Database) -> City:
    """60 orders of each of three shards, each with an older version; counters as at the clocks."""
    random = Random(7)
    stored: dict[int, list[OrderRow]] = {}
    for shard, clock in CLOCKS.items():
        store = owned(ShardStore(db, shard, 1))
        rows = []
        for number in range(60):
            subject = f"热线-{shard}-{number:04d}"
            events = one_order(random, subject)
            folded = frozenset(each.digest for each in events)
            rows.append(OrderRow(subject, folded, evaluate(events, POLICY)))
        older = [order(row.subject, [span(UNITS[0], attributed_at=FIRST + DAY)]) for row in rows]
        store.write_orders(mark(1), older)
        store.write_counters(mark(1), store.contribution_sums(clock))
        wrong = store.counters()
        store.write_orders(mark(2), rows)
        right = store.contribution_sums(clock)
        store.write_counters(mark(2), dict.fromkeys(wrong, ZERO) | right)
        store.write_flush(mark(2, clock=clock))
        stored[shard] = rows
    return City(Readers(db), stored)


EDGE = FIRST - FIRST % QUARTER_HOUR
WINDOWS = {
    "all": (EDGE - DAY, EDGE + 20 * DAY),
    "whole quarter hours": (EDGE + DAY, EDGE + 4 * DAY),
    "both ends inside one": (EDGE + DAY + 1, EDGE + 4 * DAY - 1),
    "only the end inside one": (EDGE + DAY, EDGE + 4 * DAY + 7 * MINUTE),
    "only the beginning inside one": (EDGE + DAY + 7 * MINUTE, EDGE + 4 * DAY),
    "no whole one": (FIRST + 2 * DAY, FIRST + 2 * DAY + 20 * MINUTE),
    "all time": (EARLIEST, FOREVER),
    "empty": (EDGE + 2 * DAY, EDGE + 2 * DAY),
}


def test_a_cycle_is_read_from_its_total(db: Database, city: City) -> None:
    begins_at, ends_at = EDGE, EDGE + 4 * DAY
    where = (1, "lead", begins_at, ends_at)
    assert city.readers.window_sums(*where)
    assert city.readers.window_sums(*where, is_cycle=True) == {}
    for shard in CLOCKS:
        totals = {
            CounterKey("lead/cycle", "u", "volume", begins_at): Sums(shard + 1, 0),
            CounterKey("lead/cycle", "u", "volume", ends_at): Sums(90, 0),
        }
        ShardStore(db, shard, 1).write_counters(mark(3), totals)
    of_all = sum(shard + 1 for shard in CLOCKS)
    assert city.readers.window_sums(*where, is_cycle=True) == {("u", "volume"): Sums(of_all, 0)}
    versions = city.readers.live_versions(*where, is_cycle=True)
    assert versions == {shard: mark(3).version() for shard in CLOCKS}
    # One that does not begin or end with a quarter hour is added up as any other window.
    odd = (1, "lead", begins_at + 1, ends_at)
    assert city.readers.window_sums(*odd, is_cycle=True) == city.readers.window_sums(*odd)


def test_flush_rows_of_before_say_that_there_are_no_totals(db: Database) -> None:
    store = owned(ShardStore(db, 0, 1))
    store.write_flush(mark(1))
    assert Readers(db).flush_marks(1)[0].totals
    store.write_flush(mark(2)._replace(totals=False))  # as a worker does that knows none
    assert not Readers(db).flush_marks(1)[0].totals


def test_live_sums_are_those_at_the_clocks_of_the_flushes(city: City) -> None:
    for name, (begins_at, ends_at) in WINDOWS.items():
        live = city.readers.window_sums(1, "lead", begins_at, ends_at)
        assert live == city.sums(CLOCKS, begins_at, ends_at), name
    at = next(each.attributed_at for _, each in city.at(CLOCKS))
    live = city.readers.window_sums(1, "lead", at, at + 1)
    assert live
    assert live == city.sums(CLOCKS, at, at + 1)


def test_sums_as_of_an_instant(city: City) -> None:
    for name, (begins_at, ends_at) in WINDOWS.items():
        for as_of in (EARLIEST, FIRST + 5 * DAY, FIRST + 16 * DAY, FIRST + 40 * DAY, FOREVER - 1):
            then = city.readers.window_sums(1, "lead", begins_at, ends_at, as_of)
            assert then == city.sums(as_of, begins_at, ends_at), name


def test_a_series_has_the_sums_of_each_of_its_windows(city: City) -> None:
    readers, marks, counted = city.readers, city.readers.flush_marks(1), 0
    for shift in (0, 7 * MINUTE + 1):
        bounds = [EDGE + shift + days * DAY for days in (-2, 0, 1, 3, 9)]
        for as_of in (None, FIRST + 5 * DAY):
            for units in (UNITS[:2], ()):
                found = readers.series_sums(1, "lead", units, bounds, as_of, marks=marks)
                expected: dict[tuple[Instant, str], Sums] = defaultdict(lambda: ZERO)
                for begins_at, ends_at in pairwise(bounds):
                    sums = readers.window_sums(1, "lead", begins_at, ends_at, as_of, marks=marks)
                    for (unit, indicator), value in sums.items():
                        if unit in units:
                            old = expected[begins_at, indicator]
                            expected[begins_at, indicator] = Sums(
                                old.denominator + value.denominator,
                                old.numerator + value.numerator,
                            )
                assert found == expected
                counted += len(found)
    assert counted > 50
    assert readers.series_sums(1, "lead", UNITS, [EDGE + 1, EDGE + DAY], marks={}) == {}


def test_live_equals_as_of_the_clock_when_all_shards_have_the_same(db: Database) -> None:
    clock = FIRST + 10 * DAY
    random = Random(1)
    for shard in range(3):
        store = owned(ShardStore(db, shard, 1))
        subjects = [f"{shard}-{number}" for number in range(40)]
        outcomes = [evaluate(one_order(random, subject), POLICY) for subject in subjects]
        store.write_orders(
            mark(), [OrderRow(s, frozenset(), o) for s, o in zip(subjects, outcomes, strict=True)]
        )
        store.write_counters(mark(), store.contribution_sums(clock))
        store.write_flush(mark(clock=clock))
    readers = Readers(db)
    for begins_at, ends_at in ((FIRST, FIRST + 9 * DAY), (FIRST + DAY + 1, FIRST + 3 * DAY - 1)):
        live = readers.window_sums(1, "lead", begins_at, ends_at)
        assert live
        assert live == readers.window_sums(1, "lead", begins_at, ends_at, clock)


def test_sums_of_another_ruleset_or_ranking_are_none(city: City) -> None:
    for ruleset, ranking in ((2, "lead"), (1, "department")):
        for as_of in (None, FIRST + 20 * DAY):
            assert city.readers.window_sums(ruleset, ranking, EARLIEST, FOREVER, as_of) == {}
            assert (
                city.readers.window_sums(ruleset, ranking, FIRST + 1, FIRST + 9 * DAY, as_of) == {}
            )


def test_the_parts_of_a_window_are_the_window() -> None:
    random = Random(3)
    for _ in range(1_000):
        begins_at = random.randrange(-DAY, DAY)
        ends_at = begins_at + random.choice([0, 1, 5 * MINUTE, QUARTER_HOUR, HOUR + 1, DAY])
        inner, edges = split_window(begins_at, ends_at)
        assert inner[0] % QUARTER_HOUR == inner[1] % QUARTER_HOUR == 0
        parts = sorted(part for part in [inner, *edges] if part[0] < part[1])
        assert sum(last - first for first, last in parts) == ends_at - begins_at
        if parts:
            assert parts[0][0] == begins_at
            assert parts[-1][1] == ends_at
            assert all(one[1] == next_[0] for one, next_ in pairwise(parts))


@pytest.mark.parametrize("as_of", [None, FIRST + 16 * DAY])
def test_the_orders_behind_a_number_add_up_to_it(city: City, as_of: Instant | None) -> None:
    for indicator in ("volume", "satisfaction", "state:valid", "incomplete"):
        check_orders_behind(city, indicator, as_of)


def check_orders_behind(city: City, indicator: str, as_of: Instant | None) -> None:
    begins_at, ends_at = FIRST + DAY, FIRST + 8 * DAY
    sums = city.readers.window_sums(1, "lead", begins_at, ends_at, as_of)
    summaries = {row.subject: row.outcome.summary for rows in city.orders.values() for row in rows}
    for unit in UNITS:
        found: list[CountedOrder] = []
        while page := city.readers.orders(
            1,
            Number("lead", indicator, begins_at, ends_at, [unit]),
            as_of=as_of,
            after=Place(None, found[-1].subject) if found else None,
            limit=7,
        ):
            assert len(page) <= 7
            found += page
        subjects = [each.subject for each in found]
        assert subjects == sorted(set(subjects))
        assert all(each.summary == summaries[each.subject] for each in found)
        counted = [one for each in found for one in each.contributions]
        assert all((one.unit, one.indicator) == (unit, indicator) for one in counted)
        denominator = sum(one.denominator for one in counted)
        numerator = sum(one.numerator for one in counted)
        assert Sums(denominator, numerator) == sums.get((unit, indicator), ZERO)
    assert any(key[1] == indicator for key in sums)


def test_the_series_of_a_unit(city: City) -> None:
    begins_at, ends_at = EDGE + DAY, EDGE + 4 * DAY
    expected: dict[tuple[str, Instant], Sums] = defaultdict(lambda: ZERO)
    for _, each in city.at(CLOCKS):
        bucket = each.attributed_at - each.attributed_at % QUARTER_HOUR
        if each.unit == UNITS[0] and begins_at <= bucket < ends_at:
            old = expected[each.indicator, bucket]
            expected[each.indicator, bucket] = Sums(
                old.denominator + each.denominator, old.numerator + each.numerator
            )
    series = city.readers.bucket_series(1, "lead", UNITS[0], begins_at, ends_at)
    assert series == expected
    assert series


def test_the_marks_of_all_shards(city: City, db: Database) -> None:
    marks = city.readers.flush_marks(1)
    assert marks == {shard: mark(2, clock=clock) for shard, clock in CLOCKS.items()}
    assert city.readers.flush_marks(2) == {}
    greatest = FlushMark(
        Fence(2**20 - 1, 2**44 - 1), 2**48 - 1, Position(2**20 - 1, 2**62), FOREVER
    )
    owned(ShardStore(db, 9, 3), greatest.fence).write_flush(greatest)
    assert city.readers.flush_marks(3) == {9: greatest}


def test_one_order_with_its_events(db: Database) -> None:
    store = owned(ShardStore(db, 4, 1))
    subject = "热线-260703-070307"
    complaint, praise = event(at=(1, 2, 0)), event(demand_type="praise", at=(1, 1, 0))
    row = order(subject, [span(), span(indicator="open")], folded=[praise.event.digest])
    flush(store, mark(1), events=[complaint, praise], orders=[order(subject)])
    store.write_orders(mark(2), [row])
    found = Readers(db).order(1, subject)
    assert found is not None
    assert found == (row, 4, mark(2).version(), [praise, complaint])
    assert Readers(db).order(2, subject) is None
    assert Readers(db).order(1, "热线") is None


def test_what_the_archive_holds(db: Database) -> None:
    complaint, praise = event(at=(1, 2, 3)), event(demand_type="praise", at=(1, 1, 0))
    other = event("另一单", "1", source="province", unknown=("phone",), at=(1, 3, 0))
    near, far = owned(ShardStore(db, 0, 1)), owned(ShardStore(db, 1, 1))
    near.write_events(FENCE, [complaint, praise])
    near.write_events(FENCE, [event(at=(1, 9, 9))])
    far.write_events(FENCE, [other])
    readers = Readers(db)
    subject = complaint.event.subject
    assert readers.archived(
        [
            (subject, "city", "1"),
            (subject, "province", "1"),
            (subject, "city", "2"),
            ("另一单", "province", "1"),
        ]
    ) == {
        (subject, "city", "1"): [
            (praise.event.digest, Position(1, 1), 0),
            (complaint.event.digest, Position(1, 2), 3),
        ],
        ("另一单", "province", "1"): [(other.event.digest, Position(1, 3), 0)],
    }
    assert readers.archived([]) == {}
    assert readers.order_events([subject, "另一单", "none"]) == {
        subject: [praise, complaint],
        "另一单": [other],
    }
    assert readers.archive_count() == 3
    assert readers.dropped_fields() == {"phone": 1}


def test_orders_of_a_source_in_pages(db: Database) -> None:
    store = owned(ShardStore(db, 2, 1))
    subjects = sorted(f"热线-{number}" for number in range(12))
    for of in ("1", "2"):
        store.write_events(
            FENCE, [event(subject, of, at=(1, 1, n)) for n, subject in enumerate(subjects)]
        )
    store.write_events(FENCE, [event("elsewhere", source="province")])
    readers = Readers(db)
    assert readers.source_orders("city", None, 5) == subjects[:5]
    assert readers.source_orders("city", subjects[4], 5) == subjects[5:10]
    assert readers.source_orders("city", subjects[9], 5) == subjects[10:]
    assert readers.source_orders("city", subjects[11], 5) == []
    assert readers.source_orders("nobody", None, 5) == []


def test_input_never_becomes_sql(db: Database) -> None:
    readers = Readers(db)
    nasty = "x') OR 1=1 --{y:String}%s\\"
    assert readers.order(1, nasty) is None
    assert readers.window_sums(1, nasty, EARLIEST, FOREVER, FIRST) == {}
    assert readers.archived([(nasty, nasty, nasty)]) == {}
    assert readers.source_orders(nasty, nasty, 1) == []
    assert all(
        readers.orders(
            1,
            Number(nasty, nasty, 0, 1, [nasty]),
            traits=Traits(
                state=nasty, channel=nasty, demand_type=nasty, community=nasty, category=nasty
            ),
            as_of=1,
            sort=sort,
            after=Place(2, nasty),
        )
        == []
        for sort in get_args(Sort)
    )
    number = Number(nasty, nasty, 0, 1, [nasty])
    assert readers.common_sums(1, number, "category", as_of=1) == {}


def test_what_is_live_comes_from_the_counters(db: Database) -> None:
    store = owned(ShardStore(db, 2, 1))
    counters = {CounterKey("lead", "u", "volume", EDGE): Sums(3, 0)}
    flush(store, mark(1, clock=FIRST), counters=counters)
    readers = Readers(db)
    assert readers.window_sums(1, "lead", EDGE, EDGE + HOUR) == {("u", "volume"): Sums(3, 0)}
    assert readers.window_sums(1, "lead", EDGE, EDGE + HOUR, FIRST) == {}


def test_the_ends_of_a_window_are_added_up_at_the_flushes_named(db: Database) -> None:
    store = owned(ShardStore(db, 2, 1))
    inside = EDGE + MINUTE
    late = order("b", [span("u", attributed_at=inside, begins_at=FIRST + HOUR)])
    flush(store, mark(1, clock=FIRST), orders=[late])
    readers = Readers(db)
    named = readers.flush_marks(1)
    flush(store, mark(2, clock=FIRST + HOUR))
    where = (1, "lead", inside, inside + 1)
    assert readers.window_sums(*where, marks=named) == {}
    assert readers.window_sums(*where) == {("u", "volume"): Sums(1, 0)}


def test_orders_of_a_flush_that_has_not_ended_are_told_by_their_version(db: Database) -> None:
    store = owned(ShardStore(db, 2, 1))
    inside = EDGE + MINUTE
    flush(store, mark(1, clock=FIRST), orders=[order("a", [span("u", attributed_at=inside)])])
    readers = Readers(db)
    where = (1, "lead", inside, inside + 1)
    assert readers.live_versions(*where) == {2: mark(1).version()}
    # The order leaves the window, so that nothing in the window itself is newer.
    store.write_orders(mark(2), [order("a", [span("u", attributed_at=inside + DAY)])])
    assert readers.live_versions(*where) == {2: mark(2).version()}
    assert readers.live_versions(1, "lead", EDGE, EDGE + HOUR) == {}  # counters only
