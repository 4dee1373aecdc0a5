from __future__ import annotations

import pytest

from schemas.instants import DAY
from schemas.records import DeadLetter, Fence, FlushMark, Position, Unit
from services.domain.registry import beijing_units
from services.storage import dead_letters, evaluations, rulesets, units
from services.storage.database import Database
from services.storage.dead_letters import Recorded
from services.storage.evaluations import Alert, Evaluation, RankedLine, Series
from services.storage.shard_store import ShardStore
from tests.integration.storage.made import START


def letter(
    offset: int, frame_index: int = 0, *, reason: str = "id_conflict", subject: str = "a"
) -> DeadLetter:
    return DeadLetter(
        topic="work-order-events",
        partition=3,
        position=Position(1, offset),
        frame_index=frame_index,
        reason=reason,
        path="/id",
        detail="Another content stands earlier.",
        source="city",
        id="1",
        subject=subject,
        type="received",
    )


def test_dead_letters_come_back_newest_first_and_in_pages(db: Database) -> None:
    expected = []
    for at, letters in (
        (START, [letter(1), letter(1, 1), letter(2)]),
        (START + 1, [letter(0), letter(9)]),
    ):
        dead_letters.write(db, letters, at)
        expected += [Recorded(at, each) for each in letters]
    expected.reverse()
    expected[0], expected[1] = sorted(expected[:2], key=lambda each: -each.letter.position.offset)
    found: list[Recorded] = []
    while page := dead_letters.listing(db, before=found[-1] if found else None, limit=2):
        found += page
    assert found == expected


def test_a_dead_letter_written_twice_is_one(db: Database) -> None:
    for at in (START, START + DAY):
        dead_letters.write(db, [letter(1), letter(1, reason="time_in_future")], at)
    assert dead_letters.counts(db) == {"id_conflict": 1, "time_in_future": 1}
    assert len(dead_letters.listing(db)) == 2


def test_dead_letters_by_reason_and_order(db: Database) -> None:
    dead_letters.write(
        db, [letter(1), letter(2, reason="wrong_partition"), letter(3, subject="热线")], START
    )
    assert [each.letter for each in dead_letters.listing(db, reason="wrong_partition")] == [
        letter(2, reason="wrong_partition")
    ]
    assert [each.letter for each in dead_letters.listing(db, subject="热线")] == [
        letter(3, subject="热线")
    ]
    assert dead_letters.listing(db, reason="' OR 1") == []


def test_no_dead_letters(db: Database) -> None:
    dead_letters.write(db, [], START)
    assert dead_letters.listing(db) == []
    assert dead_letters.counts(db) == {}


def test_the_last_registration_counts_though_the_clock_was_set_back(db: Database) -> None:
    units.register(db, [Unit("000", "旧", "street")], START)
    units.register(db, [Unit("000", "新", "street")], START - DAY)
    units.register(db, [Unit("000", "最新", "street")], START - DAY)
    assert units.all_units(db) == [Unit("000", "最新", "street")]


def test_units_are_replaced_by_code(db: Database) -> None:
    assert units.all_units(db) == []
    everyone = beijing_units()
    units.register(db, everyone, START)
    renamed = everyone[0]._replace(name="新名街道", group="core")
    units.register(db, [renamed, Unit("000", "首", "company")], START + 1)
    found = units.all_units(db)
    assert found == sorted([renamed, *everyone[1:], Unit("000", "首", "company")])


def test_a_ruleset_keeps_its_number_while_it_is_in_force(db: Database) -> None:
    assert rulesets.newest(db) is None
    assert rulesets.numbers(db, 1) is None
    assert rulesets.activate(db, "p", "1", "aa", "text: 一", START) == 1
    assert rulesets.activate(db, "p", "1", "aa", "text: 一", START + DAY) == 1
    assert rulesets.activate(db, "p", "2", "bb", "text: 二", START + DAY) == 2
    assert rulesets.activate(db, "p", "1", "aa", "text: 一", START + 2 * DAY) == 3
    assert rulesets.newest(db) == (3, "p", "1", "aa", "text: 一", START + 2 * DAY)
    assert [entry.ruleset for entry in rulesets.history(db)] == [3, 2, 1]
    assert rulesets.get(db, 2) == (2, "p", "2", "bb", "text: 二", START + DAY)
    assert rulesets.get(db, 4) is None


def test_a_ruleset_is_current_when_every_shard_is_complete(db: Database) -> None:
    for checksum in ("aa", "bb", "cc"):
        rulesets.activate(db, "p", "1", checksum, "text", START)
    stores = [ShardStore(db, shard, 1) for shard in range(2)]
    fence = Fence(1, 0)
    for store in stores:
        assert store.claim(fence, START)

    def complete(shard: int, ruleset: int) -> None:
        mark = FlushMark(fence, 1, Position(1, 5), START)
        stores[shard].under(ruleset).write_flush(mark)

    def current() -> int:
        found = rulesets.current(db, 2)
        assert found is not None
        return found.ruleset

    assert current() == 1  # before any is complete the first one, so that nobody goes back
    complete(0, 2)
    assert current() == 1
    complete(0, 1)
    complete(1, 1)
    assert current() == 1
    complete(1, 2)
    assert current() == 2
    complete(1, 3)
    assert rulesets.numbers(db, 2) == (2, 3)
    assert stores[1].begun_rulesets(2) == [2, 3]
    assert {s: p.complete for s, p in rulesets.progress(db, 3).items()} == {1: True}


def test_a_number_that_two_take_at_once_stands_for_nothing(db: Database) -> None:
    rulesets.activate(db, "p", "1", "aa", "text", START)
    for claimant in ("one", "other"):
        db.insert("ruleset_claims", {"ruleset": [2], "claimant": [claimant]})
    assert rulesets.activate(db, "p", "2", "bb", "text", START) == 3
    assert [entry.ruleset for entry in rulesets.history(db)] == [3, 1]


def test_the_settings_of_the_last_start_are_remembered(db: Database) -> None:
    assert rulesets.named_by_settings(db) is None
    for text in ("一", "二", "一"):
        rulesets.note_settings(db, text, START)
        assert rulesets.named_by_settings(db) == text


SERIES = Series(1, "lead", "street", "", "cycle", "2026-07")


def evaluation(number: int, series: Series = SERIES) -> Evaluation:
    return Evaluation(
        series,
        window_from=START,
        window_to=START + 30 * DAY,
        number=number,
        as_of=START + number,
        positions={0: Position(1, number), 3: Position(2, -1)},
        ranked=(RankedLine("110101001", 1, "98.0"), RankedLine("110101002", 2, "72.8")),
        bottom=("110101002",),
        alerts=(Alert(f"bottom-{number}", "entered", "110101002"),),
    )


def test_evaluations_come_back_as_they_were(db: Database) -> None:
    assert evaluations.newest(db, SERIES) is None
    for number in (1, 2, 3, 2):
        evaluations.write(db, evaluation(number))
    empty = evaluation(1, SERIES._replace(group="core"))._replace(
        positions={}, ranked=(), bottom=(), alerts=()
    )
    evaluations.write(db, empty)
    assert evaluations.newest(db, SERIES) == evaluation(3)
    assert evaluations.newest(db, empty.series) == empty
    assert evaluations.listing(db, SERIES) == [evaluation(3), evaluation(2), evaluation(1)]
    assert evaluations.listing(db, SERIES, before=3, limit=1) == [evaluation(2)]


@pytest.mark.parametrize("field", Series._fields)
def test_evaluations_of_other_series_are_apart(db: Database, field: str) -> None:
    evaluations.write(db, evaluation(1))
    changed = {**SERIES._asdict(), field: 2 if field == "ruleset" else "other"}
    other = Series(**changed)
    assert evaluations.newest(db, other) is None


def test_what_an_earlier_ruleset_said_last_of_the_present_window(db: Database) -> None:
    now = START + DAY
    later = SERIES._replace(ruleset=3, window_name="2026-08")
    assert evaluations.before_switch(db, later, now) is None
    evaluations.write(db, evaluation(2, SERIES._replace(group="core")))
    assert evaluations.before_switch(db, later, now) is None
    for number in (1, 2):
        evaluations.write(db, evaluation(number))
    assert evaluations.before_switch(db, later, now) == evaluation(2)
    assert evaluations.before_switch(db, later, START + 30 * DAY) is None  # another window by then
    assert evaluations.before_switch(db, SERIES, now) is None  # there is no earlier one
    evaluations.write(db, evaluation(1, later._replace(window_name="2026-07")))
    assert evaluations.before_switch(db, later, now) is None  # it has spoken since
