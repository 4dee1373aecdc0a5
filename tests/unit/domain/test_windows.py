from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import (
    DAY,
    EARLIEST,
    HOUR,
    MINUTE,
    QUARTER_HOUR,
    SECOND,
    from_datetime,
    to_datetime,
)
from schemas.policy.document import Cycle
from services.domain.earlier_windows import comparison, previous, same_period_last_year
from services.domain.windows import (
    KINDS,
    ROLLING,
    Window,
    WindowError,
    bucket_of,
    custom_window,
    local_day,
    window,
    windows_between,
)
from tests.support.orders import local
from tests.support.rules import Time

BEIJING: Final = Time(Cycle(start_day=19))
CALENDAR: Final = Time(Cycle())
MIDNIGHT: Final = Time(Cycle(day_cut=0, week_starts="monday", year_starts=1))
QUARTERS: Final = Time(Cycle(kind="quarter", day_cut=8, week_starts="sunday", year_starts=4))
NOON: Final = Time(Cycle(start_day=19, start_hour=12))
NEW_YORK: Final = Time(Cycle(), ZoneInfo("America/New_York"))


def days(found: Window) -> tuple[str, int, int]:
    return found.name, found.begins_at, found.ends_at


@pytest.mark.parametrize(
    ("at", "name", "begins", "ends"),
    [
        ("2026-11-18 23:59:59", "2026-11", "2026-10-19 00:00", "2026-11-19 00:00"),
        ("2026-11-19 00:00", "2026-12", "2026-11-19 00:00", "2026-12-19 00:00"),
        ("2026-12-31 12:00", "2027-01", "2026-12-19 00:00", "2027-01-19 00:00"),
        ("2027-01-01 00:00", "2027-01", "2026-12-19 00:00", "2027-01-19 00:00"),
    ],
)
def test_a_cycle_begins_on_the_19th_and_is_named_by_its_end(
    at: str, name: str, begins: str, ends: str
) -> None:
    assert days(window(BEIJING, "cycle", None, local(at))) == (name, local(begins), local(ends))


def test_a_cycle_may_begin_at_another_hour() -> None:
    found = window(NOON, "cycle", "2026-11", 0)
    assert days(found) == ("2026-11", local("2026-10-19 12:00"), local("2026-11-19 12:00"))
    assert window(NOON, "cycle", None, found.begins_at) == found
    assert window(NOON, "cycle", None, found.begins_at - 1).name == "2026-10"


def test_a_cycle_that_begins_on_the_first_is_the_month() -> None:
    at = local("2026-11-22 08:00")
    cycle = window(CALENDAR, "cycle", None, at)
    assert days(cycle) == ("2026-11", local("2026-11-01 00:00"), local("2026-12-01 00:00"))
    assert days(cycle) == days(window(CALENDAR, "month", None, at))


@pytest.mark.parametrize(
    ("at", "name"),
    [("2025-10-26 12:00:00", "2025-10-27"), ("2025-10-26 11:59:59", "2025-10-26")],
)
def test_operational_days_run_noon_to_noon(at: str, name: str) -> None:
    day = window(BEIJING, "day", None, local(at))
    assert day.name == name
    assert day.begins_at <= local(at) < day.ends_at
    assert days(window(BEIJING, "day", "2025-10-27", 0)) == (
        "2025-10-27",
        local("2025-10-26 12:00"),
        local("2025-10-27 12:00"),
    )


def test_weeks_run_friday_to_thursday() -> None:
    week = window(BEIJING, "week", None, local("2026-11-22 10:00"))
    assert days(week) == ("2026-11-26", local("2026-11-20 00:00"), local("2026-11-27 00:00"))
    assert window(BEIJING, "week", None, local("2026-11-26 23:59")) == week
    assert window(BEIJING, "week", None, local("2026-11-27 00:00")).name == "2026-12-03"


def test_the_assessment_year_runs_november_to_october() -> None:
    year = window(BEIJING, "year", None, local("2025-11-01 00:00"))
    assert days(year) == ("2026", local("2025-11-01 00:00"), local("2026-11-01 00:00"))
    assert window(BEIJING, "year", None, local("2025-10-31 23:59")).name == "2025"


def test_quarters() -> None:
    quarter = window(BEIJING, "quarter", None, local("2026-12-31 23:00"))
    assert days(quarter) == ("2026-Q4", local("2026-10-01 00:00"), local("2027-01-01 00:00"))


def test_days_weeks_and_years_begin_where_the_policy_says() -> None:
    at = local("2026-11-22 07:59")  # a Sunday
    assert days(window(MIDNIGHT, "day", None, at)) == (
        "2026-11-22", local("2026-11-22 00:00"), local("2026-11-23 00:00"),
    )  # fmt: skip
    assert days(window(QUARTERS, "day", None, at)) == (
        "2026-11-22", local("2026-11-21 08:00"), local("2026-11-22 08:00"),
    )  # fmt: skip
    assert window(QUARTERS, "day", None, local("2026-11-22 08:00")).name == "2026-11-23"
    assert window(MIDNIGHT, "week", None, at).name == "2026-11-22"
    assert window(QUARTERS, "week", None, at).name == "2026-11-28"
    assert days(window(MIDNIGHT, "year", None, at)) == (
        "2026", local("2026-01-01 00:00"), local("2027-01-01 00:00"),
    )  # fmt: skip
    assert days(window(QUARTERS, "year", "2027", 0)) == (
        "2027", local("2026-04-01 00:00"), local("2027-04-01 00:00"),
    )  # fmt: skip


def test_a_cycle_may_be_a_quarter() -> None:
    at = local("2026-11-22 08:00")
    cycle = window(QUARTERS, "cycle", None, at)
    assert days(cycle) == ("2026-Q4", local("2026-10-01 00:00"), local("2027-01-01 00:00"))
    assert days(cycle) == days(window(QUARTERS, "quarter", None, at))
    with pytest.raises(WindowError, match="looks like 2026-Q4"):
        window(QUARTERS, "cycle", "2026-11", 0)


def test_a_week_that_ends_on_another_day_is_named_so() -> None:
    with pytest.raises(WindowError, match="a Sunday"):
        window(MIDNIGHT, "week", "2026-11-26", 0)


def test_clock_changes_make_days_of_23_and_25_hours() -> None:
    spring = window(NEW_YORK, "day", "2015-03-08", 0)
    autumn = window(NEW_YORK, "day", "2015-11-01", 0)
    assert spring.ends_at - spring.begins_at == 23 * HOUR
    assert autumn.ends_at - autumn.begins_at == 25 * HOUR
    november = window(NEW_YORK, "month", "2015-11", 0)
    assert november.ends_at - november.begins_at == 30 * DAY + HOUR


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("decade", "2020"),
        ("cycle", "2026-13"),
        ("cycle", "2026-11-01"),
        ("month", "202611"),
        ("month", "２０２６-11"),
        ("day", "2026-02-30"),
        ("week", "2026-11-22"),
        ("quarter", "2026-Q5"),
        ("year", "26"),
        ("year", "0001"),
        ("year", "9999"),
    ],
)
def test_a_name_that_names_nothing_is_an_error(kind: str, name: str) -> None:
    with pytest.raises(WindowError):
        window(BEIJING, kind, name, 0)


def test_custom_windows() -> None:
    found = custom_window(0, 90 * MINUTE)
    assert found == Window("custom", "1970-01-01T00:00:00Z/1970-01-01T01:30:00Z", 0, 90 * MINUTE)
    assert days(previous(BEIJING, found))[1:] == (-90 * MINUTE, 0)
    with pytest.raises(WindowError):
        custom_window(5, 5)


@given(
    kind=st.sampled_from(KINDS),
    at=st.integers(local("1995-01-01 00:00"), local("2040-01-01 00:00")),
    policy=st.sampled_from([BEIJING, CALENDAR, MIDNIGHT, QUARTERS, NOON, NEW_YORK]),
)
def test_windows_of_a_kind_tile_time(kind: str, at: int, policy: Time) -> None:
    found = window(policy, kind, None, at)
    before = previous(policy, found)
    assert found.begins_at <= at < found.ends_at
    assert before.ends_at == found.begins_at
    assert window(policy, kind, found.name, 0) == found
    assert window(policy, kind, None, found.ends_at).begins_at == found.ends_at
    assert bucket_of(found.begins_at) == found.begins_at


@given(st.integers(-(10**15), 10**16))
def test_a_bucket_is_the_quarter_hour_around_an_instant(instant: int) -> None:
    bucket = bucket_of(instant)
    assert bucket % QUARTER_HOUR == 0
    assert bucket <= instant < bucket + QUARTER_HOUR


@given(st.integers(local("1995-01-01 00:00"), local("2040-01-01 00:00")))
def test_local_days_are_those_of_the_calendar(instant: int) -> None:
    for policy in (BEIJING, NEW_YORK):
        today = to_datetime(instant).astimezone(policy.time_zone).date()
        assert local_day(instant, policy.time_zone) == today.toordinal()


def test_midnight_begins_a_new_local_day() -> None:
    midnight = local("2026-11-22 00:00")
    zone = BEIJING.time_zone
    assert local_day(midnight, zone) == local_day(midnight - SECOND, zone) + 1


@pytest.mark.parametrize(
    ("policy", "kind", "at", "back"),
    [
        (BEIJING, "cycle", "2026-11-01 15:30", "2026-10-01 15:30"),
        (BEIJING, "cycle", "2026-10-31 15:30", "2026-09-30 15:30"),
        (CALENDAR, "cycle", "2026-03-31 09:00", "2026-02-28 09:00"),
        (CALENDAR, "cycle", "2024-03-29 09:00", "2024-02-29 09:00"),
        (CALENDAR, "month", "2026-01-15 00:00", "2025-12-15 00:00"),
        (QUARTERS, "cycle", "2026-05-31 09:00", "2026-02-28 09:00"),
        (CALENDAR, "quarter", "2026-12-31 09:00", "2026-09-30 09:00"),
        (CALENDAR, "year", "2024-02-29 09:00", "2023-02-28 09:00"),
        (BEIJING, "week", "2026-11-22 10:00", "2026-11-15 10:00"),
        (BEIJING, "day", "2026-11-22 10:00", "2026-11-21 10:00"),
    ],
)
def test_a_window_is_compared_with_the_same_day_of_the_one_before(
    policy: Time, kind: str, at: str, back: str
) -> None:
    """Domain.md 3.2: the day is clamped to the month's length."""
    found = window(policy, kind, None, local(at))
    assert comparison(policy, found, local(at)) == (previous(policy, found), local(back))


def test_a_window_that_has_ended_is_compared_at_the_same_age() -> None:
    march = window(CALENDAR, "month", "2026-03", 0)
    found = comparison(CALENDAR, march, local("2026-04-10 08:00"))
    assert found == (window(CALENDAR, "month", "2026-02", 0), local("2026-03-10 08:00"))


@given(
    kind=st.sampled_from(KINDS),
    at=st.integers(local("1995-01-01 00:00"), local("2040-01-01 00:00")),
    policy=st.sampled_from([BEIJING, CALENDAR, MIDNIGHT, QUARTERS, NEW_YORK]),
)
def test_the_instant_compared_with_lies_in_the_window_before(
    kind: str, at: int, policy: Time
) -> None:
    found = comparison(policy, window(policy, kind, None, at), at)
    assert found.window.begins_at <= found.as_of <= found.window.ends_at


NEW_YORK_ZONE: Final = ZoneInfo("America/New_York")


def in_new_york(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK_ZONE))


@pytest.mark.parametrize(("kind", "length"), [("24h", DAY), ("7d", 7 * DAY), ("30d", 30 * DAY)])
def test_a_rolling_window_ends_at_the_instant_looked_from(kind: str, length: int) -> None:
    at = local("2026-11-22 10:07:03") + 5
    found = window(BEIJING, kind, None, at)
    assert found == Window(kind, "2026-11-22T02:07:03.000005Z", at - length, at)
    assert previous(BEIJING, found) == window(BEIJING, kind, None, at - length)
    assert comparison(BEIJING, found, at) == (previous(BEIJING, found), at - length)
    with pytest.raises(WindowError, match="takes no name"):
        window(BEIJING, kind, "2026-11-22", at)
    with pytest.raises(WindowError, match="1900"):
        window(BEIJING, kind, None, EARLIEST + length - 1)


def test_rolling_windows_have_the_same_length_where_clocks_change() -> None:
    at = in_new_york("2015-03-08 12:00")  # at 02:00 clocks went on an hour
    found = window(NEW_YORK, "24h", None, at)
    assert (found.begins_at, found.ends_at) == (in_new_york("2015-03-07 11:00"), at)
    year = same_period_last_year(NEW_YORK, found, at)
    ends_at = in_new_york("2014-03-08 12:00")
    assert year.as_of == year.window.ends_at == ends_at
    assert year.window.begins_at == ends_at - DAY


@pytest.mark.parametrize(
    ("policy", "kind", "at", "name", "back"),
    [
        (BEIJING, "cycle", "2026-11-01 15:30", "2025-11", "2025-11-01 15:30"),
        (BEIJING, "cycle", "2024-02-29 15:30", "2023-03", "2023-02-28 15:30"),
        (NOON, "cycle", "2026-10-19 12:00", "2025-11", "2025-10-19 12:00"),
        (QUARTERS, "cycle", "2026-05-31 09:00", "2025-Q2", "2025-05-31 09:00"),
        (CALENDAR, "month", "2024-02-29 09:00", "2023-02", "2023-02-28 09:00"),
        (CALENDAR, "month", "2025-02-28 09:00", "2024-02", "2024-02-28 09:00"),
        (CALENDAR, "quarter", "2026-12-31 09:00", "2025-Q4", "2025-12-31 09:00"),
        (BEIJING, "year", "2026-11-01 00:00", "2026", "2025-11-01 00:00"),
        (BEIJING, "day", "2026-11-22 10:00", "2025-11-22", "2025-11-22 10:00"),
        (BEIJING, "day", "2026-11-22 12:00", "2025-11-23", "2025-11-22 12:00"),
        (BEIJING, "day", "2024-02-28 15:00", "2023-02-28", "2023-02-27 15:00"),
        (BEIJING, "day", "2024-02-29 11:00", "2023-02-28", "2023-02-28 11:00"),
        (BEIJING, "week", "2026-11-22 10:00", "2025-11-27", "2025-11-23 10:00"),
    ],
)
def test_a_window_is_compared_with_that_of_its_name_a_year_earlier(
    policy: Time, kind: str, at: str, name: str, back: str
) -> None:
    found = same_period_last_year(policy, window(policy, kind, None, local(at)), local(at))
    assert found == (window(policy, kind, name, 0), local(back))


def test_a_window_that_has_ended_is_compared_on_the_year_at_the_same_age() -> None:
    february = window(CALENDAR, "month", "2024-02", 0)
    found = same_period_last_year(CALENDAR, february, local("2024-03-10 08:00"))
    assert found == (window(CALENDAR, "month", "2023-02", 0), local("2023-03-10 08:00"))


def test_a_window_to_come_is_compared_before_that_of_last_year_begins() -> None:
    november = window(CALENDAR, "month", "2026-11", 0)
    found = same_period_last_year(CALENDAR, november, november.begins_at - 1)
    assert found.as_of == found.window.begins_at == local("2025-11-01 00:00")


@pytest.mark.parametrize(
    ("begins", "ends", "begun", "ended"),
    [
        ("2026-11-20 10:07", "2026-11-21 00:00", "2025-11-20 10:07", "2025-11-21 00:00"),
        ("2024-02-01 00:00", "2024-03-01 00:00", "2023-02-01 00:00", "2023-03-01 00:00"),
        ("2024-02-28 00:00", "2024-02-29 00:00", "2023-02-28 00:00", "2023-03-01 00:00"),
    ],
)
def test_any_interval_is_compared_with_the_same_local_times_a_year_earlier(
    begins: str, ends: str, begun: str, ended: str
) -> None:
    found = custom_window(local(begins), local(ends))
    year = same_period_last_year(BEIJING, found, found.ends_at)
    assert year.window == custom_window(local(begun), local(ended))


def test_local_times_stay_where_clocks_change_between_the_years() -> None:
    found = window(NEW_YORK, "month", "2015-03", 0)
    at = in_new_york("2015-03-08 12:00")  # already summer time, on this day of 2014 not yet
    assert same_period_last_year(NEW_YORK, found, at).as_of == in_new_york("2014-03-08 12:00")


@pytest.mark.parametrize("kind", [*KINDS, *ROLLING])
def test_nothing_is_compared_before_1900(kind: str) -> None:
    at = "1901-06-01 12:00" if kind == "year" else "1900-12-01 12:00"
    early = window(MIDNIGHT, kind, None, local(at))
    with pytest.raises(WindowError, match="1900"):
        same_period_last_year(MIDNIGHT, early, early.ends_at)


@given(
    kind=st.sampled_from([*KINDS, *ROLLING]),
    at=st.integers(local("1995-01-01 00:00"), local("2040-01-01 00:00")),
    policy=st.sampled_from([BEIJING, CALENDAR, MIDNIGHT, QUARTERS, NEW_YORK]),
)
def test_the_instant_a_year_earlier_lies_in_the_window_of_last_year(
    kind: str, at: int, policy: Time
) -> None:
    found = same_period_last_year(policy, window(policy, kind, None, at), at)
    assert found.window.begins_at <= found.as_of <= found.window.ends_at
    assert 360 * DAY < at - found.as_of < 368 * DAY


def test_windows_between_hold_both_ends_and_follow_each_other() -> None:
    begins, ends = local("2026-10-31 11:59"), local("2026-11-02 12:00")
    found = windows_between(BEIJING, "day", begins, ends, 3)
    assert [each.name for each in found] == ["2026-10-31", "2026-11-01", "2026-11-02"]
    assert all(one.ends_at == next_.begins_at for one, next_ in pairwise(found))
    assert windows_between(BEIJING, "day", begins, ends + 1, 4)[-1].name == "2026-11-03"


def test_windows_between_are_some_and_not_too_many() -> None:
    at = local("2026-11-01 12:00")
    for ends_at, most in ((at, 9), (at - 1, 9), (at + 3 * DAY, 2)):
        with pytest.raises(WindowError, match="1 to"):
            windows_between(BEIJING, "day", at, ends_at, most)
    with pytest.raises(WindowError, match="1900"):
        windows_between(BEIJING, "year", EARLIEST, EARLIEST + DAY, 9)
