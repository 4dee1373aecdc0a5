from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import LIFE_CYCLE, decode_event
from schemas.instants import DAY, FOREVER, HOUR, Instant, parse_instant
from schemas.records import Event, Sums, Unit
from services.cli.simulate.city import City
from services.cli.simulate.demand import calls_of, into_hours, local_day, matters_of, midnight
from services.cli.simulate.events import simulate_events
from services.cli.simulate.matters import HEATING
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import load_policy, preset
from services.domain.registry import beijing_units
from services.domain.score import rate

UNITS = beijing_units()
BEGIN = midnight(date(2026, 10, 1))
END = midnight(date(2026, 11, 1))

CloudEvents = list[dict[str, Any]]


def city(begins_at: Instant, ends_at: Instant, **changes: Any) -> CloudEvents:
    options: dict[str, Any] = {"seed": 7, "orders_per_day": 60, **changes}
    return list(simulate_events(UNITS, begins_at=begins_at, ends_at=ends_at, **options))


@pytest.fixture(scope="module")
def month() -> CloudEvents:
    """A month of the 17 streets of one district, so that each has hundreds of orders."""
    district = [unit for unit in UNITS if unit.code.startswith("110101")]
    return list(simulate_events(district, seed=7, begins_at=BEGIN, ends_at=END, orders_per_day=400))


@pytest.fixture(scope="module")
def orders(month: CloudEvents) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for raw in month:
        event, dropped = decode_event(raw)
        assert dropped == ()
        found[event.subject].append(event)
    return found


def test_the_same_seed_gives_the_same_city() -> None:
    assert city(BEGIN, BEGIN + 3 * DAY) == city(BEGIN, BEGIN + 3 * DAY)
    assert city(BEGIN, BEGIN + 3 * DAY) != city(BEGIN, BEGIN + 3 * DAY, seed=8)


WHOLE = city(BEGIN, BEGIN + 20 * DAY, orders_per_day=20)


@settings(max_examples=15)
@given(st.integers(0, 20 * DAY))
def test_a_history_continued_live_is_the_same_city(after: Instant) -> None:
    now = BEGIN + after
    history = city(BEGIN, now, orders_per_day=20)
    live = city(now, BEGIN + 20 * DAY, orders_per_day=20, opens_at=BEGIN)
    assert history + live == WHOLE


def test_an_order_does_not_depend_on_when_one_begins_to_look() -> None:
    later = city(BEGIN + 2 * DAY, BEGIN + 20 * DAY, orders_per_day=20)
    subjects = {event["subject"] for event in later}
    assert len(subjects) > 100
    assert later == [event for event in WHOLE if event["subject"] in subjects]


def test_the_city_goes_on_without_end() -> None:
    endless = simulate_events(UNITS, seed=7, begins_at=BEGIN, ends_at=FOREVER, orders_per_day=20)
    times = [parse_instant(next(endless)["time"]) for _ in range(5000)]
    assert times == sorted(times)
    assert times[-1] > BEGIN + 20 * DAY


def test_events_come_in_the_order_of_time_within_the_range(month: CloudEvents) -> None:
    times = [parse_instant(event["time"]) for event in month]
    assert times == sorted(times)
    assert times[0] >= BEGIN
    assert times[-1] < END


def test_ids_are_unique_and_numbers_read_like_order_numbers(month: CloudEvents) -> None:
    assert len({event["id"] for event in month}) == len(month)
    for event in month:
        assert re.fullmatch(r"热线-2610\d\d-\d{6}", event["subject"])


def test_every_type_happens(month: CloudEvents) -> None:
    assert {event["type"] for event in month} == {f"workorder.{name}" for name in LIFE_CYCLE}


def test_a_course_makes_sense(orders: dict[str, list[Event]]) -> None:
    for events in orders.values():
        kinds = [event.type for event in events]
        assert kinds[0] == "received"
        assert kinds.count("received") == 1
        leads = set()
        asked: Counter[str] = Counter()
        for event in events:
            if event.type == "dispatched":
                leads.add(event.data["unit"])
            elif event.type in {"signed", "contacted", "resolved", "returned"}:
                assert event.data["unit"] in leads
            if event.type in {"returned", "extended"}:
                asked[event.type] += event.data["decision"] == "requested"
                assert asked[event.type]
            if event.type == "corrected":
                assert event.data["event"] in {earlier.id for earlier in events}


def test_rates_are_those_of_the_field(orders: dict[str, list[Event]]) -> None:
    """As in published figures: response near 100 %, resolution 53 to 75 %, satisfied 65 to 85 %."""
    policy = load_policy(preset("beijing-district"))
    sums: Counter[tuple[str, str]] = Counter()
    points: Counter[tuple[str, str]] = Counter()
    for events in orders.values():
        for found in contributions_at(evaluate(events, policy).spans, END):
            sums[found.unit, found.indicator] += found.denominator
            points[found.unit, found.indicator] += found.numerator
    spread: dict[str, list[float]] = defaultdict(list)
    for (unit, indicator), count in sums.items():
        if indicator in policy.versions[-1].codes and count >= 300:
            value = rate(Sums(count, points[unit, indicator]))
            spread[indicator].append(float(value or 0))
    assert min(map(len, spread.values())) >= 5
    assert 97 < min(spread["response"]) <= max(spread["response"]) <= 100
    assert 53 <= min(spread["resolution"]) < max(spread["resolution"]) <= 75
    assert 65 <= min(spread["satisfaction"]) < max(spread["satisfaction"]) <= 85
    totals: Counter[str] = Counter()
    for (_, name), count in sums.items():
        totals[name.rpartition(":")[0] if "excluded" in name else name] += count
    volume = totals["volume"]
    assert volume == len(orders)
    assert volume == sum(count for name, count in totals.items() if name.startswith("state:"))
    assert 0.10 < totals["state:not_assessed"] / volume < 0.25
    assert 0.01 < totals["state:unreachable"] / volume < 0.10
    assert 0.005 < totals["overdue"] / volume < 0.05
    assert 0.01 < totals["returned"] / volume < 0.06
    assert totals["state:excluded"] > 0
    assert totals["state:suspended"] > 0


def test_deadlines_are_kept_and_missed(orders: dict[str, list[Event]]) -> None:
    policy = load_policy(preset("on-time"))
    sums: Counter[str] = Counter()
    for events in orders.values():
        for found in contributions_at(evaluate(events, policy).spans, END):
            sums[found.indicator] += found.numerator // 1000
            sums["settled"] += found.indicator == "on_time"
    assert 0.85 < sums["on_time"] / sums["settled"] < 0.97


def test_out_of_reach_means_three_attempts_on_two_days(orders: dict[str, list[Event]]) -> None:
    unreached = 0
    for events in orders.values():
        calls = [event for event in events if event.type == "callback"]
        if len(calls) == 3 and not any(call.data["reached"] for call in calls):
            unreached += 1
            assert [call.data["attempt"] for call in calls] == [1, 2, 3]
            assert len({local_day(call.occurred_at) for call in calls}) >= 2
    assert unreached > 50


def test_streets_differ_widely_in_volume_and_keep_their_habits() -> None:
    streets = City(UNITS, 7)._streets  # noqa: SLF001 - what the draw is made from
    assert len(streets) == 343
    shares = sorted(street.share for street in streets)
    assert sum(shares[-34:]) > 0.3 * sum(shares)
    assert shares[-1] > 50 * shares[0]
    assert {street.code: street for street in City(UNITS[::-1], 7)._streets} == {  # noqa: SLF001
        street.code: street for street in streets
    }


def test_a_registry_without_streets_has_a_city_too() -> None:
    units = [Unit("d-1", "城管委", "department")]
    events = list(
        simulate_events(units, seed=1, begins_at=BEGIN, ends_at=BEGIN + DAY, orders_per_day=50)
    )
    assert {event["data"].get("unit", "d-1") for event in events} == {"d-1"}
    with pytest.raises(ValueError, match="at least one unit"):
        City([], 1)


def test_seasons_of_the_week_and_of_the_day() -> None:
    days = [date(2026, 9, 7) + timedelta(days=n) for n in range(7)]
    volumes = [len(calls_of(7, day, 5000)) for day in days]
    assert min(volumes[:5]) > 1.15 * max(volumes[5:])
    hours = Counter((at - midnight(days[0])) // HOUR for at in calls_of(7, days[0], 5000))
    assert hours[9] > hours[12] > hours[3]
    assert hours[19] > hours[17]
    calls = calls_of(7, days[0], 5000)
    assert all(earlier <= later for earlier, later in pairwise(calls))


def test_cold_radiators_belong_to_the_heating_season() -> None:
    weights = [dict(matters_of(day))[HEATING] for day in (date(2026, 7, 1), date(2026, 11, 20))]
    assert weights[1] > 20 * weights[0]


@given(st.integers(BEGIN, END))
def test_office_hours(at: Instant) -> None:
    later = into_hours(at)
    assert at <= later < at + DAY
    assert 8 * HOUR <= later - midnight(local_day(later)) < 20 * HOUR
    assert into_hours(later) == later
