from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from schemas.instants import DAY, HOUR, Instant
from schemas.records import Position, Sums, Unit
from services.domain.adjustments import Adjustments, Entry
from services.domain.alerting import FOUND_LATER, Moved
from services.domain.policy import Policy, load_policy, preset
from services.domain.ranking import NO_ADJUSTMENTS
from services.domain.windows import Window
from services.scoring.standing import CHECKED_EVERY, ENTERED, LEFT, Picture, evaluate_standing
from services.storage.evaluations import Evaluation, Series
from tests.unit.scoring.support import POLICY, START

WINDOW = Window("cycle", "2026-07", START - 1, START + 1)
SERIES = Series(1, "lead", "street", "", "cycle", "2026-07")
ADJUSTED = load_policy(preset("beijing-district").replace("score:", "score:\n  adjustments: {}", 1))
UNITS = [Unit(f"{n:09d}", f"街道{n}", "street") for n in range(24)]


NEWS = Moved(("热线-1",), 1, START)
LATE = Moved(("热线-1",), 1, START - DAY)


def evaluate(
    order: list[int],
    previous: Evaluation | None = None,
    *,
    policy: Policy = POLICY,
    adjustments: Adjustments = NO_ADJUSTMENTS,
    rescored: bool = False,
    moved: Mapping[int, Moved] | None = None,
    as_of: Instant = START,
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
    rules = policy.at(START)
    moving = {UNITS[unit].code: what for unit, what in (moved or {}).items()}
    return evaluate_standing(
        Picture(
            series=SERIES,
            window=WINDOW,
            units=UNITS,
            sums=sums,
            scoring=rules.scorings.of("street"),
            alerts=rules.document.alerts,
            zone=policy.time_zone,
            as_of=as_of,
            positions={0: Position(0, 5)},
            adjustments=adjustments,
        ),
        previous,
        lambda units, _since: {unit: moving[unit] for unit in units if unit in moving},
        rescored=rescored,
    )


def test_at_the_start_of_a_cycle_the_bottom_is_empty_so_everyone_in_it_enters() -> None:
    first = evaluate(list(range(24)))
    assert first is not None
    assert first.number == 1
    assert first.bottom == tuple(unit.code for unit in UNITS[14:])
    assert {(a.kind, a.unit) for a in first.alerts} == {(ENTERED, u.code) for u in UNITS[14:]}


def test_what_a_change_of_the_rules_brings_is_found_later_and_the_next_change_is_told() -> None:
    order = list(range(24))
    earlier = evaluate([23, *range(23)])
    first = evaluate(order, earlier, rescored=True)
    assert first is not None
    assert first.number == 1
    assert {(a.kind, a.unit, a.withheld) for a in first.alerts} == {
        (ENTERED, UNITS[23].code, FOUND_LATER),
        (LEFT, UNITS[13].code, FOUND_LATER),
    }
    assert first.bottom == tuple(unit.code for unit in UNITS[14:])
    order[13], order[14] = order[14], order[13]
    second = evaluate(order, first)
    assert second is not None
    assert {alert.unit for alert in second.alerts} == {UNITS[13].code, UNITS[14].code}
    assert not any(alert.withheld for alert in second.alerts)


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


def test_an_entry_by_events_recorded_late_is_found_later_and_stays_untold() -> None:
    order = list(range(24))
    first = evaluate(order)
    order[13], order[14] = order[14], order[13]
    second = evaluate(order, first, moved={13: LATE})
    assert second is not None
    assert {(a.kind, a.unit, a.withheld) for a in second.alerts} == {
        (ENTERED, UNITS[13].code, FOUND_LATER),
        (LEFT, UNITS[14].code, FOUND_LATER),  # whom the other one passed
    }
    assert evaluate(order, second, moved={13: NEWS}) is None


def test_an_entry_by_events_of_now_is_told_with_the_orders_behind_it() -> None:
    order = list(range(24))
    first = evaluate(order)
    order[13], order[14] = order[14], order[13]
    second = evaluate(order, first, moved={13: NEWS, 3: LATE})
    assert second is not None
    assert not any(alert.withheld for alert in second.alerts)
    entered = next(alert for alert in second.alerts if alert.kind == ENTERED)
    assert entered.evidence == {
        "rank": 15,
        "score": "87.4",
        "margin": "-0.9",
        "previous_rank": 14,
        "previous_score": "88.3",
        "orders": ["热线-1"],
        "more_orders": 0,
    }
    assert entered.recipients == ("unit", "district", "city")


def test_what_time_alone_brings_is_news_unless_nobody_has_looked_for_long() -> None:
    order = list(range(24))
    first = evaluate(order)
    order[13], order[14] = order[14], order[13]
    soon = evaluate(order, first, as_of=START + HOUR)
    later = evaluate(order, first, as_of=START + HOUR + 1)
    assert soon is not None
    assert later is not None
    assert {alert.withheld for alert in soon.alerts} == {""}
    assert {alert.withheld for alert in later.alerts} == {FOUND_LATER}


def test_an_evaluation_is_stored_now_and_then_though_nothing_changes() -> None:
    order = list(range(24))
    first = evaluate(order)
    assert evaluate(order, first, as_of=START + CHECKED_EVERY - 1) is None
    checked = evaluate(order, first, as_of=START + CHECKED_EVERY)
    assert checked is not None
    assert (checked.number, checked.alerts) == (2, ())


def test_an_evaluation_stored_before_rules_had_a_state_is_gone_on_from() -> None:
    order = list(range(24))
    first = evaluate(order)
    assert first is not None
    order[13], order[14] = order[14], order[13]
    second = evaluate(order, first._replace(state=None))
    assert second is not None
    assert {(a.kind, a.unit) for a in second.alerts} == {
        (ENTERED, UNITS[13].code),
        (LEFT, UNITS[14].code),
    }


def test_what_a_new_rule_finds_is_found_later_and_then_it_is_a_rule_like_others() -> None:
    order = list(range(24))
    first = evaluate(order)
    assert first is not None
    second = evaluate(order, first._replace(state={LEFT: (first.state or {})[LEFT]}))
    assert second is not None
    assert {(a.kind, a.withheld) for a in second.alerts} == {(ENTERED, FOUND_LATER)}
    assert len(second.alerts) == 10
    order[13], order[14] = order[14], order[13]
    third = evaluate(order, second)
    assert third is not None
    assert {alert.withheld for alert in third.alerts} == {""}
