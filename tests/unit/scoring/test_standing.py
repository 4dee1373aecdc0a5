from __future__ import annotations

from decimal import Decimal

from schemas.records import Position, Sums, Unit
from services.domain.adjustments import Adjustments, Entry
from services.domain.policy import Policy, load_policy, preset
from services.domain.ranking import NO_ADJUSTMENTS
from services.domain.registry import Registry
from services.domain.windows import Window
from services.scoring.standing import ENTERED, LEFT, evaluate_standing
from services.storage.evaluations import Evaluation, Series
from tests.unit.scoring.support import POLICY, START

WINDOW = Window("cycle", "2026-07", START - 1, START + 1)
SERIES = Series(1, "lead", "street", "", "cycle", "2026-07")
ADJUSTED = load_policy(preset("beijing-district").replace("score:", "score:\n  adjustments: {}", 1))
UNITS = [Unit(f"{n:09d}", f"街道{n}", "street") for n in range(24)]


def evaluate(
    order: list[int],
    previous: Evaluation | None = None,
    *,
    policy: Policy = POLICY,
    adjustments: Adjustments = NO_ADJUSTMENTS,
    rescored: bool = False,
) -> Evaluation | None:
    """Rank so that the units come in this order: the n-th has n citizens fewer whose case is solved."""
    sums: dict[tuple[str, str], Sums] = {}
    for place, unit in enumerate(order):
        code = UNITS[unit].code
        solved = 1000 * (100 - place)
        sums[code, "response"] = Sums(100, 100_000)
        sums[code, "resolution"] = Sums(100, solved)
        sums[code, "satisfaction"] = Sums(100, solved)
        sums[code, "volume"] = Sums(100, 0)
    return evaluate_standing(
        series=SERIES,
        window=WINDOW,
        registry=Registry(UNITS),
        sums=sums,
        policy=policy,
        as_of=START,
        positions={0: Position(0, 5)},
        previous=previous,
        adjustments=adjustments,
        rescored=rescored,
    )


def test_at_the_start_of_a_cycle_the_bottom_is_empty_so_everyone_in_it_enters() -> None:
    first = evaluate(list(range(24)))
    assert first is not None
    assert first.number == 1
    assert first.bottom == tuple(unit.code for unit in UNITS[14:])
    assert {(a.kind, a.unit) for a in first.alerts} == {(ENTERED, u.code) for u in UNITS[14:]}


def test_a_change_of_the_rules_tells_nobody_and_the_next_change_of_the_list_does() -> None:
    order = list(range(24))
    first = evaluate(order, rescored=True)
    assert first is not None
    assert first.alerts == ()
    assert first.bottom == tuple(unit.code for unit in UNITS[14:])
    order[13], order[14] = order[14], order[13]
    second = evaluate(order, first)
    assert second is not None
    assert {alert.unit for alert in second.alerts} == {UNITS[13].code, UNITS[14].code}


def test_the_same_list_is_no_new_evaluation() -> None:
    first = evaluate(list(range(24)))
    assert evaluate(list(range(24)), first) is None


def test_who_enters_and_who_leaves_is_told_once_under_an_id_of_its_own() -> None:
    first = evaluate(list(range(24)))
    swapped = list(range(24))
    swapped[13], swapped[14] = swapped[14], swapped[13]
    second = evaluate(swapped, first)
    assert first is not None
    assert second is not None
    assert second.number == 2
    assert {(a.kind, a.unit) for a in second.alerts} == {
        (ENTERED, UNITS[13].code),
        (LEFT, UNITS[14].code),
    }
    assert second == evaluate(swapped, first)
    ids = [alert.id for alert in (*first.alerts, *second.alerts)]
    assert len(set(ids)) == len(ids)


def test_a_change_of_places_above_the_bottom_gives_no_alert() -> None:
    first = evaluate(list(range(24)))
    second = evaluate([1, 0, *range(2, 24)], first)
    assert second is not None
    assert second.alerts == ()


def test_no_bottom_and_no_alert_before_there_are_twice_as_many() -> None:
    few = evaluate(list(range(19)))
    assert few is not None
    assert few.bottom == ()
    assert few.alerts == ()


def test_points_taken_away_move_a_unit_down_and_into_the_bottom() -> None:
    first = evaluate(list(range(24)), policy=ADJUSTED)
    taken = Entry(
        "a", "adjustment", UNITS[0].code, "2026-07", Decimal(-50), "", "late", "1101", START, START
    )
    second = evaluate(list(range(24)), first, policy=ADJUSTED, adjustments={UNITS[0].code: [taken]})
    assert second is not None
    assert second.ranked[-1].unit == UNITS[0].code
    assert second.ranked[-1].score == "50.0"
    assert {(a.kind, a.unit) for a in second.alerts} == {
        (ENTERED, UNITS[0].code),
        (LEFT, UNITS[14].code),
    }


def test_only_what_the_policy_asks_for_is_told() -> None:
    first = evaluate(list(range(24)))
    swapped = list(range(24))
    swapped[13], swapped[14] = swapped[14], swapped[13]
    text = preset("beijing-district")
    for asked, told in (("[{rule: bottom_left}]", {LEFT}), ("[]", set())):
        policy = load_policy(f"{text}\nalerts: {asked}\n")
        second = evaluate(swapped, first, policy=policy)
        assert second is not None
        assert {alert.kind for alert in second.alerts} == told
