"""The worked examples of the field rules (domain.md 7), and the seven states."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from schemas.instants import DAY, FOREVER, SECOND, Instant
from schemas.records import Event, Sums, Unit
from services.domain.outcome import evaluate
from services.domain.policy import load_policy, preset
from services.domain.ranking import Ranking, rank_units
from services.domain.score import rate, rates, score
from services.domain.windows import window
from tests.support.orders import event, local, moment, rated, rated_order, unanswered
from tests.support.sums import of, sums_at

BEIJING = load_policy(preset("beijing-district"))
ON_TIME = load_policy(preset("on-time"))
BEIJING_SCORING = BEIJING.versions[-1].scorings.of("street")
A, B = "110101001", "110105003"


def test_example_1_two_orders_score_98() -> None:
    start = local("2026-07-06 09:00")
    orders = [
        rated_order(A, start, subject="o1"),
        rated_order(A, start, subject="o2", satisfaction="basically_satisfied"),
    ]
    sums = of(A, sums_at(orders, BEIJING))
    assert sums["response"] == sums["resolution"] == Sums(2, 2000)
    assert sums["satisfaction"] == Sums(2, 1900)
    assert rate(sums["satisfaction"]) == Decimal("95.00")
    assert score(sums, BEIJING_SCORING) == Decimal("98.0")


def test_example_2_three_unanswered_calls_are_in_no_rate() -> None:
    order = [
        event("received", "2026-07-06 09:00", demand_type="help"),
        event("dispatched", "2026-07-06 09:00", unit=A),
        event("resolved", "2026-07-08 09:00", unit=A),
        unanswered("2026-07-13 10:00", 1),
        unanswered("2026-07-13 15:00", 2),
        unanswered("2026-07-14 10:00", 3),
    ]
    assert of(A, sums_at([order], BEIJING)) == {
        "volume": Sums(1, 0),
        "state:unreachable": Sums(1, 0),
    }
    before_the_third = sums_at([order], BEIJING, local("2026-07-14 09:59"))
    assert of(A, before_the_third) == {
        "volume": Sums(1, 0),
        "state:callback_pending": Sums(1, 0),
    }


def test_three_attempts_on_one_day_are_not_enough() -> None:
    order = [
        event("received", "2026-07-06 09:00", demand_type="help"),
        event("dispatched", "2026-07-06 09:00", unit=A),
        *(unanswered(f"2026-07-13 {hour}:00") for hour in (10, 12, 14)),
    ]
    assert ("", "state:unreachable") not in sums_at([order], BEIJING)
    assert of(A, sums_at([order], BEIJING))["state:callback_pending"] == Sums(1, 0)


def test_the_two_days_are_days_of_the_policy_zone() -> None:
    calls = [unanswered(f"2026-07-{at}") for at in ("13 23:00", "13 23:30", "14 00:30")]
    order = [
        event("received", "2026-07-06 09:00", demand_type="help"),
        event("dispatched", "2026-07-06 09:00", unit=A),
        *calls,
    ]
    assert "state:unreachable" in of(A, sums_at([order], BEIJING))
    utc = load_policy(preset("beijing-district"), time_zone="UTC")
    assert "state:callback_pending" in of(A, sums_at([order], utc))


def test_example_3_never_resolved_and_rated_on_day_8() -> None:
    order = [
        event("received", "2026-07-06 09:00", demand_type="complaint", urgency="normal"),
        event("dispatched", "2026-07-06 09:00", unit=A),
        rated("2026-07-14 09:00", "dissatisfied", solved="no"),
    ]
    sums = of(A, sums_at([order], BEIJING))
    assert sums["response"] == Sums(1, 1000)
    assert sums["resolution"] == sums["satisfaction"] == Sums(1, 0)
    assert sums["open"] == sums["overdue"] == Sums(1, 0)


def test_example_4_operational_days() -> None:
    assert window(BEIJING, "day", None, local("2025-10-26 12:00:00")).name == "2025-10-27"
    assert window(BEIJING, "day", None, local("2025-10-26 11:59:59")).name == "2025-10-26"


def test_example_5_five_orders_and_no_valid_callback() -> None:
    orders = [
        rated_order(A, local("2026-07-06 09:00"), subject=f"o{number}")[:-1] for number in range(5)
    ]
    ranking = rank_units(
        [Unit(A, "A", "street")], sums_at(orders, BEIJING), BEIJING.versions[-1], "street"
    )
    assert not ranking.ranked
    (entry,) = ranking.unranked
    assert (entry.reason, entry.volume) == ("no_valid_callback", 5)
    assert set(entry.rates.values()) == {None}
    assert ranking.bottom() == frozenset()


def test_example_6_lianyungang_points() -> None:
    """In July 2021: 1 of 5 due orders closed late, 1 of 7 signed late."""
    policy = load_policy(preset("lianyungang-2021"))
    july = window(policy, "cycle", "2021-07", 0)
    orders = []
    for number in range(7):
        # The last two are due for completion in August: 5 working days from the 29th.
        start = local("2021-07-12 09:00" if number < 5 else "2021-07-29 09:00")
        orders.append(
            [
                event("received", start, subject=f"o{number}", demand_type="help"),
                event("dispatched", start, subject=f"o{number}", unit=A),
                event("signed", start + (DAY if number else 3 * DAY), subject=f"o{number}", unit=A),
                event(
                    "resolved",
                    start + (8 if number == 1 else 4) * DAY,
                    subject=f"o{number}",
                    unit=A,
                ),
                rated(start + 9 * DAY, subject=f"o{number}"),
            ]
        )
    sums = of(A, sums_at(orders, policy, within=july))
    assert sums["sign_in_time"] == Sums(7, 6000)
    assert sums["on_time"] == Sums(5, 4000)
    assert sums["satisfaction"] == Sums(5, 5000)
    scoring = policy.at(july.ends_at - 1).scorings.of("street")
    found = rates(sums, scoring)
    assert (found["sign_in_time"], found["on_time"]) == (Decimal("85.71"), Decimal("80.00"))

    def points(**changed: Sums) -> Decimal | None:
        full = dict.fromkeys(("sign_in_time", "on_time", "satisfaction"), Sums(1, 1000))
        return score(full | changed, scoring)

    assert points() == Decimal(55)
    assert points(on_time=sums["on_time"]) == Decimal(55 - 20 + 5)
    assert points(sign_in_time=sums["sign_in_time"]) == Decimal("45.71")  # 0.71 of 10
    assert score(sums, scoring) == Decimal("30.71")


def test_example_7_returned_and_re_dispatched() -> None:
    order = [
        event("received", "2026-07-06 09:00", demand_type="complaint", urgency="urgent"),
        event("dispatched", "2026-07-06 09:00", unit=A),
        event("returned", "2026-07-07 11:00", unit=A, decision="approved"),
        event("dispatched", "2026-07-07 15:00", unit=B),
        event("resolved", "2026-07-08 14:00", unit=B),
        rated("2026-07-08 15:00"),
    ]
    sums = sums_at([order], BEIJING)
    assert of(A, sums) == {"returned": Sums(1, 0)}
    assert of(B, sums) == {
        "volume": Sums(1, 0),
        "state:valid": Sums(1, 0),
        "response": Sums(1, 1000),
        "resolution": Sums(1, 1000),
        "satisfaction": Sums(1, 1000),
    }
    assert evaluate(order, BEIJING).summary.resolve_due == local("2026-07-08 15:00")
    meanwhile = sums_at([order], BEIJING, local("2026-07-07 12:00"))
    assert of(A, meanwhile) == {"returned": Sums(1, 0)}
    assert of("", meanwhile)["volume"] == Sums(1, 0)


def test_example_8_basis_first_and_last() -> None:
    order = [
        *rated_order(A, local("2026-07-06 09:00"), satisfaction="dissatisfied"),
        event("reopened", "2026-07-15 09:00", unit=A, round=2),
        rated("2026-07-20 09:00", "satisfied"),
    ]
    first = load_policy(preset("beijing-district").replace("basis: last", "basis: first"))
    best = load_policy(preset("beijing-district").replace("basis: last", "basis: best"))
    assert of(A, sums_at([order], first))["satisfaction"] == Sums(1, 0)
    assert of(A, sums_at([order], BEIJING))["satisfaction"] == Sums(1, 1000)
    assert of(A, sums_at([order], best))["satisfaction"] == Sums(1, 1000)
    assert of(A, sums_at([order], BEIJING))["reopened"] == Sums(1, 0)
    while_waiting = sums_at([order], BEIJING, local("2026-07-16 09:00"))
    assert of(A, while_waiting)["satisfaction"] == Sums(1, 0)


def test_example_9_an_exclusion_after_the_freeze_changes_only_what_is_asked_later() -> None:
    """20 streets in the cycle to 19 July; the last of them has its dissatisfied order excluded."""
    cycle = window(BEIJING, "cycle", "2026-07", 0)
    frozen_at, later = local("2026-07-20 00:00"), local("2026-07-26 00:00")
    units = [Unit(f"1101010{number:02}", f"street {number}", "street") for number in range(1, 21)]
    eleventh, last = units[9].code, units[10].code
    orders = [
        rated_order(
            unit.code,
            local("2026-06-22 09:00"),
            subject=f"{unit.code}-{number}",
            satisfaction="dissatisfied" if number == 0 else "satisfied",
            solved="no" if number < (place if unit.code != last else 10) else "yes",
        )
        for place, unit in enumerate(units)
        for number in range(20)
    ]
    assert len(units) == 20

    def ranked(at: Instant, stored: Sequence[Sequence[Event]]) -> Ranking:
        sums = sums_at(stored, BEIJING, at, within=cycle)
        return rank_units(units, sums, BEIJING.at(cycle.ends_at - 1), "street")

    published = ranked(frozen_at, orders)
    assert last in published.bottom()
    assert eleventh not in published.bottom()

    (contested,) = [n for n, order in enumerate(orders) if order[0].subject == f"{last}-0"]
    excluded = event(
        "excluded", "2026-07-25 10:00", subject=f"{last}-0", ground="unreasonable_demand"
    )
    orders[contested] = [*orders[contested], excluded]
    assert ranked(frozen_at, orders) == published  # revision 1
    revised = ranked(later, orders)  # revision 2
    by_code = {entry.unit.code: entry for entry in revised.ranked}
    assert by_code[last].sums["satisfaction"] == Sums(19, 19_000)
    assert by_code[last].states == {"excluded:unreasonable_demand": 1, "valid": 19}
    assert by_code[last].volume == 20
    assert revised.bottom() == (published.bottom() - {last}) | {eleventh}


def test_the_rounding_example_from_orders() -> None:
    """V73 C73 S36, 67 satisfied and 3 basically satisfied give 72.8; rounded rates give 72.9."""
    orders = [
        rated_order(
            A,
            local("2026-07-06 09:00"),
            subject=f"o{number}",
            solved="yes" if number < 36 else "no",
            satisfaction="satisfied" if number < 67 else ("basically_satisfied" if number < 70 else "neutral"),
        )
        for number in range(73)
    ]  # fmt: skip
    sums = of(A, sums_at(orders, BEIJING))
    exact = 10 + 50 * Fraction(36, 73) + 40 * Fraction(67 * 10 + 27, 730)
    assert sums["satisfaction"] == Sums(73, 69_700)
    assert abs(exact - Fraction("72.8")) < Fraction("0.05")
    assert score(sums, BEIJING_SCORING) == Decimal("72.8")
    rate_first = load_policy(
        preset("beijing-district").replace("  decimals: 1  ", "  rate_decimals: 2\n  decimals: 1  ")
    )
    assert score(sums, rate_first.versions[-1].scorings.of("street")) == Decimal("72.9")


def test_an_unanswered_question_counts_zero_or_leaves_its_denominator() -> None:
    order = [*rated_order(A, local("2026-07-06 09:00"))[:-1], rated("2026-07-14 09:00", None)]
    leaves = load_policy(
        preset("beijing-district").replace("unanswered: zero", "unanswered: leaves")
    )
    assert of(A, sums_at([order], BEIJING))["satisfaction"] == Sums(1, 0)
    assert "satisfaction" not in of(A, sums_at([order], leaves))
    assert of(A, sums_at([order], leaves))["response"] == Sums(1, 1000)


def test_a_callback_without_an_answer_to_solved_is_not_valid() -> None:
    order = [
        *rated_order(A, local("2026-07-06 09:00"))[:-1],
        rated("2026-07-14 09:00", solved=None),
    ]
    assert of(A, sums_at([order], BEIJING))["state:callback_pending"] == Sums(1, 0)


def on_time_order(*more: Event, due: str = "2026-07-10 09:00") -> list[Event]:
    return [
        event("received", "2026-07-06 09:00", demand_type="help", resolve_due=moment(due)),
        event("dispatched", "2026-07-06 09:00", unit=A),
        *more,
    ]


def test_resolved_at_the_deadline_is_on_time_and_a_microsecond_later_is_not() -> None:
    due = local("2026-07-10 09:00")
    for resolved_at, numerator in ((due, 1000), (due + 1, 0)):
        order = on_time_order(event("resolved", resolved_at, unit=A))
        sums = of(A, sums_at([order], ON_TIME))
        assert sums["on_time"] == Sums(1, numerator)
        assert sums["state:valid"] == Sums(1, 0)


def test_a_deadline_that_passes_counts_without_an_event() -> None:
    order = on_time_order()
    due = local("2026-07-10 09:00")
    before = of(A, sums_at([order], ON_TIME, due - 1))
    assert before == {
        "volume": Sums(1, 0),
        "state:not_yet_due": Sums(1, 0),
        "open": Sums(1, 0),
    }
    after = of(A, sums_at([order], ON_TIME, due))
    assert after == {
        "volume": Sums(1, 0),
        "state:valid": Sums(1, 0),
        "open": Sums(1, 0),
        "overdue": Sums(1, 0),
        "on_time": Sums(1, 0),
    }


def test_an_order_without_a_deadline_is_not_assessed_for_being_on_time() -> None:
    order = rated_order(A, local("2026-07-06 09:00"))
    assert of(A, sums_at([order], ON_TIME)) == {
        "volume": Sums(1, 0),
        "state:not_assessed": Sums(1, 0),
    }


def test_a_report_seconds_before_the_dispatch_closes_the_order() -> None:
    """Clocks of two systems differ: 197 orders of Boston 2015 were closed before they were opened."""
    early = event("resolved", local("2026-07-06 09:00") - 10 * SECOND, unit=A)
    order = on_time_order(early)
    assert of(A, sums_at([order], ON_TIME))["on_time"] == Sums(1, 1000)
    assert evaluate(order, ON_TIME).summary.resolved_at == early.occurred_at
    of_another = event("resolved", early.occurred_at, unit=B)
    assert "open" in of(A, sums_at([on_time_order(of_another)], ON_TIME))


def test_an_order_that_was_not_received_is_incomplete_and_outside_the_volume() -> None:
    order = on_time_order(rated("2026-07-12 09:00"))[1:]
    outcome = evaluate(order, BEIJING)
    (span,) = outcome.spans
    assert span.contribution == ("lead", A, "incomplete", local("2026-07-06 09:00"), 1, 0)
    assert (span.begins_at, span.ends_at) == (local("2026-07-06 09:00"), FOREVER)
    assert outcome.summary.received_at is None
    completed = [event("received", "2026-07-06 09:30", demand_type="help"), *order]
    assert of(A, sums_at([completed], BEIJING))["state:valid"] == Sums(1, 0)
    assert "incomplete" in of(A, sums_at([completed], BEIJING, local("2026-07-06 09:29")))


def test_no_events_no_outcome() -> None:
    assert evaluate([], BEIJING).spans == ()


def test_states_in_their_order_of_precedence() -> None:
    order = rated_order(A, local("2026-07-06 09:00"))

    def state(*more: Event) -> str:
        found = of(A, sums_at([[*order, *more]], BEIJING))
        (name,) = [name for name in found if name.startswith("state:")]
        return name.removeprefix("state:")

    suspended = event("suspended", "2026-07-20 09:00", unit=A, decision="approved")
    excluded = event("excluded", "2026-07-21 09:00", ground="force_majeure")
    cancelled = event("cancelled", "2026-07-22 09:00")
    assert state() == "valid"
    assert state(suspended) == "suspended"
    assert state(suspended, excluded) == "excluded:force_majeure"
    assert state(suspended, excluded, cancelled) == "not_assessed"


def test_types_that_are_not_assessed() -> None:
    for type_, wanted in (("thanks", "state:not_assessed"), ("suggestion", "state:not_yet_due")):
        order = [event("received", "2026-07-06 09:00", demand_type=type_)]
        assert wanted in of("", sums_at([order], BEIJING))


def test_an_order_that_is_not_assessed_may_be_open_but_not_overdue() -> None:
    order = on_time_order()[:2]
    order[0] = order[0]._replace(data={**order[0].data, "demand_type": "unclassified"})
    assert set(of(A, sums_at([order], ON_TIME))) == {"volume", "state:not_assessed", "open"}


def test_an_order_that_is_cancelled_is_neither_open_nor_overdue() -> None:
    order = on_time_order(event("cancelled", "2026-07-20 09:00"))
    assert set(of(A, sums_at([order], BEIJING))) == {"volume", "state:not_assessed"}


def test_the_summary_holds_the_columns_people_filter_by() -> None:
    order = rated_order(A, local("2026-07-06 09:00"))
    order[0] = event(
        "received",
        "2026-07-06 09:00",
        demand_type="complaint",
        channel="phone",
        urgency="normal",
        category=["环境", "噪声"],
        community="多福巷社区",
    )
    assert evaluate(order, BEIJING).summary == (
        "city-hotline", A, local("2026-07-06 09:00"), "complaint", "phone", "normal",
        ("环境", "噪声"), "多福巷社区", local("2026-07-06 09:00") + 7 * DAY, local("2026-07-08 09:00"),
    )  # fmt: skip
