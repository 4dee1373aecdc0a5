"""Where durations end: published examples, clocks that change, pauses, and what holds for all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.instants import DAY, FOREVER, HOUR, MINUTE, SECOND, Instant, to_datetime
from schemas.policy.deadlines import Calendar, Duration
from services.domain.calendar import CalendarError, WorkingDays
from services.domain.deadlines import Pause, ends_at
from services.domain.durations import Term
from tests.support.orders import local

CHINA: Final = WorkingDays(Calendar())
WEEKDAYS: Final = WorkingDays(Calendar(country="weekdays"))
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
NEW_YORK: Final = ZoneInfo("America/New_York")
ST_JOHNS: Final = ZoneInfo("America/St_Johns")
AFTERWARDS: Final = 500 * DAY


def working_days(count: int, **how: str) -> Duration:
    return Duration.model_validate({"working_days": count, **how})


def in_china(count: int, start: str, pauses: Sequence[Pause] = (), **how: str) -> str:
    """When a number of working days ends, as local time."""
    end = ends_at(local(start), working_days(count, **how), SHANGHAI, CHINA, pauses)
    return f"{to_datetime(end).astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def rest(begins: str, ends: str) -> Pause:
    return local(begins), local(ends)


@pytest.mark.parametrize(
    ("count", "start", "end"),
    [
        (1, "2026-11-16 09:00", "2026-11-18 00:00"),  # Monday: Tuesday 24:00
        (1, "2026-11-16 00:00", "2026-11-18 00:00"),
        (1, "2026-11-16 23:59:59", "2026-11-18 00:00"),
        (1, "2026-11-20 09:00", "2026-11-24 00:00"),  # Friday: Monday 24:00
        (1, "2026-11-22 09:00", "2026-11-24 00:00"),  # Sunday
        (5, "2026-11-16 09:00", "2026-11-24 00:00"),
        # Make-up days (调休), by the notices that test_calendar.py holds the calendar against.
        (1, "2024-09-13 15:00", "2024-09-15 00:00"),  # Saturday the 14th is worked
        (3, "2024-02-08 09:00", "2024-02-20 00:00"),  # 9th, 18th (Sunday), 19th
        (1, "2025-09-26 09:00", "2025-09-29 00:00"),  # Sunday the 28th is worked
        (1, "2025-09-30 10:00", "2025-10-10 00:00"),  # National Day: eight days off
        (2, "2025-01-24 10:00", "2025-01-28 00:00"),  # Sunday the 26th and Monday
        (2, "2026-02-13 10:00", "2026-02-25 00:00"),  # Saturday the 14th, then the 24th
        (3, "2026-04-30 10:00", "2026-05-09 00:00"),  # 6th, 7th, 8th; the 9th is worked too
        (4, "2026-04-30 10:00", "2026-05-10 00:00"),
        (5, "2025-12-30 10:00", "2026-01-08 00:00"),  # over New Year; Sunday 4 January is worked
    ],
)
def test_working_days_begin_the_day_after_and_end_at_midnight(
    count: int, start: str, end: str
) -> None:
    assert in_china(count, start) == end


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-16 09:00", "2026-11-17 00:00"),
        ("2026-11-21 09:00", "2026-11-24 00:00"),  # a Saturday: Monday is the first
        ("2026-10-10 09:00", "2026-10-11 00:00"),  # a Saturday that is worked
    ],
)
def test_the_day_of_the_dispatch_may_be_the_first(start: str, end: str) -> None:
    assert in_china(1, start, starts="same_day") == end


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-16 09:30", "2026-11-17 09:30"),
        ("2026-11-20 16:00", "2026-11-23 16:00"),
        ("2026-11-21 16:00", "2026-11-24 00:00"),  # dispatched on a day off
        ("2026-11-16 00:00", "2026-11-17 00:00"),
    ],
)
def test_working_days_may_end_at_the_time_of_the_dispatch(start: str, end: str) -> None:
    assert in_china(1, start, ends="same_time") == end


def test_the_wall_clock_knows_no_holidays() -> None:
    start = local("2025-10-01 23:50")
    lasts = Duration(days=1, hours=2, minutes=15)
    assert ends_at(start, lasts, SHANGHAI, CHINA) == local("2025-10-03 02:05")


def test_midnight_is_local_where_clocks_change() -> None:
    def new_york(duration: Duration, start: str) -> Instant:
        return ends_at(local(start, NEW_YORK), duration, NEW_YORK, WEEKDAYS)

    def utc(text: str) -> Instant:
        return local(text, ZoneInfo("UTC"))

    # Clocks went forward on Sunday 8 March 2026 and back on Sunday 1 November.
    assert new_york(working_days(1), "2026-03-05 15:00") == utc("2026-03-07 05:00")
    assert new_york(working_days(1), "2026-03-06 15:00") == utc("2026-03-10 04:00")
    assert new_york(working_days(1), "2026-10-29 15:00") == utc("2026-10-31 04:00")
    assert new_york(working_days(1), "2026-10-30 15:00") == utc("2026-11-03 05:00")
    same = working_days(1, ends="same_time")
    assert new_york(same, "2026-03-06 15:00") == local("2026-03-09 15:00", NEW_YORK)
    assert new_york(Duration(hours=24), "2026-03-07 12:00") == local("2026-03-08 13:00", NEW_YORK)


def test_what_starts_in_one_quarter_hour_may_start_on_two_days() -> None:
    # Newfoundland set its clocks back at 00:01 on 7 November 2010: to 23:01 of the day before.
    sunday = local("2010-11-07 02:30:30", ZoneInfo("UTC"))  # 00:00:30
    saturday = sunday + MINUTE  # 23:01:30 again
    assert to_datetime(sunday).astimezone(ST_JOHNS).day == 7
    assert to_datetime(saturday).astimezone(ST_JOHNS).day == 6
    made_up = WorkingDays(Calendar(country="weekdays", workdays=[date(2010, 11, 6)]))
    term = Term(working_days(1, starts="same_day"), ST_JOHNS, made_up)
    assert term.ends_at(sunday) == local("2010-11-09 00:00", ST_JOHNS)
    assert term.ends_at(saturday) == local("2010-11-07 00:00", ST_JOHNS)
    assert term.ends_at(sunday) == local("2010-11-09 00:00", ST_JOHNS)


def test_a_year_that_is_not_known_is_an_error_and_never_no_holidays() -> None:
    last = CHINA.known_until()
    with pytest.raises(CalendarError, match=f"{last.year + 1} are not known"):
        in_china(1, f"{last} 09:00")
    with pytest.raises(CalendarError, match="2003 are not known"):
        in_china(1, "2003-06-02 09:00")
    assert in_china(1, "2003-12-31 09:00") == "2004-01-03 00:00"  # needs 2004 alone


def test_a_deadline_never_lies_beyond_the_end_of_time() -> None:
    assert ends_at(FOREVER - HOUR, Duration(days=1), SHANGHAI, CHINA) == FOREVER


# --- pauses


def test_the_wall_clock_is_moved_by_what_it_rested() -> None:
    start = local("2026-11-16 09:00")
    pauses = [
        rest("2026-11-16 08:00", "2026-11-16 10:00"),  # one hour of it after the start
        rest("2026-11-16 12:00", "2026-11-16 13:00"),
        rest("2026-11-16 12:30", "2026-11-16 14:00"),  # two hours with the one before
        rest("2026-11-16 12:30", "2026-11-16 12:45"),  # within them
        rest("2026-11-16 20:00", "2026-11-16 21:00"),  # after the end
    ]
    term = Term(Duration(hours=4), SHANGHAI, CHINA)
    found = term.counted(start, pauses)
    assert found.ends_at == term.ends_at(start, pauses) == local("2026-11-16 16:00")
    assert [interval[:2] for interval in found.intervals] == [
        rest("2026-11-16 10:00", "2026-11-16 12:00"),
        rest("2026-11-16 14:00", "2026-11-16 16:00"),
    ]
    assert found.pauses == (
        rest("2026-11-16 08:00", "2026-11-16 10:00"),
        rest("2026-11-16 12:00", "2026-11-16 14:00"),
    )


def test_a_pause_that_begins_when_the_time_is_over_comes_too_late() -> None:
    start = local("2026-11-16 09:00")
    late = [(start + 4 * HOUR, start + 5 * HOUR)]
    assert ends_at(start, Duration(hours=4), SHANGHAI, CHINA, late) == start + 4 * HOUR
    just = [(start + 4 * HOUR - 1, start + 5 * HOUR)]
    assert ends_at(start, Duration(hours=4), SHANGHAI, CHINA, just) == start + 5 * HOUR + 1


def test_a_pause_of_no_length_leaves_no_trace() -> None:
    start = local("2026-11-16 09:00")
    term = Term(Duration(hours=4), SHANGHAI, CHINA)
    noon = local("2026-11-16 12:00")
    assert term.counted(start, [(noon, noon)]) == term.counted(start)


def test_a_working_day_counts_unless_the_clock_rests_all_day() -> None:
    whole = rest("2026-11-17 00:00", "2026-11-18 00:00")
    assert in_china(1, "2026-11-16 09:00", [whole]) == "2026-11-19 00:00"
    part = rest("2026-11-17 00:00:01", "2026-11-18 00:00")
    assert in_china(1, "2026-11-16 09:00", [part]) == "2026-11-18 00:00"
    halves = [
        rest("2026-11-17 11:00", "2026-11-18 12:00"),
        rest("2026-11-16 20:00", "2026-11-17 11:00"),
    ]
    assert in_china(1, "2026-11-16 09:00", halves) == "2026-11-19 00:00"


def test_a_clock_that_rests_without_an_end_never_runs_out() -> None:
    start = local("2026-11-16 09:00")
    for duration in (Duration(hours=30), working_days(1), working_days(2, ends="same_time")):
        term = Term(duration, SHANGHAI, CHINA)
        found = term.counted(start, [(start + HOUR, FOREVER)])
        assert found.ends_at == term.ends_at(start, [(start + HOUR, FOREVER)]) == FOREVER
        assert all(interval.ends_at < FOREVER for interval in found.intervals)


def test_the_years_of_a_pause_need_no_calendar_but_the_one_after_it_does() -> None:
    start = local("2026-11-16 09:00")
    beyond = [(start, local("2298-12-30 12:00"))]
    with pytest.raises(CalendarError, match="2298"):
        ends_at(start, working_days(1), SHANGHAI, CHINA, beyond)
    for zone in (SHANGHAI, NEW_YORK):
        with pytest.raises(CalendarError, match="2299"):
            ends_at(start, working_days(1), zone, WEEKDAYS, [(start, FOREVER - 1)])


# --- explanations


def test_working_days_tell_what_was_counted_and_what_was_not() -> None:
    term = Term(working_days(3), SHANGHAI, CHINA)
    found = term.counted(local("2026-09-30 10:00"), [rest("2026-10-08 00:00", "2026-10-09 00:00")])
    assert [
        (str(interval.day), interval.kind.zh if interval.kind else "")
        for interval in found.intervals
    ] == [
        ("2026-10-09", "工作日"),
        ("2026-10-10", "国庆节调休上班"),
        ("2026-10-12", "工作日"),
    ]
    assert [(str(day), kind.zh, kind.en) for day, kind in found.skipped] == [
        *((f"2026-10-0{n}", "国庆节", "National Day") for n in range(1, 8)),
        ("2026-10-11", "周末", "weekend"),
    ]
    assert found.ends_at == local("2026-10-13 00:00")


def test_a_deadline_at_the_time_of_the_dispatch_counts_two_days_in_part() -> None:
    term = Term(working_days(1, ends="same_time"), SHANGHAI, CHINA)
    found = term.counted(local("2026-11-20 16:00"))
    assert [interval[:2] for interval in found.intervals] == [
        rest("2026-11-20 16:00", "2026-11-21 00:00"),
        rest("2026-11-23 00:00", "2026-11-23 16:00"),
    ]


def test_a_day_that_is_counted_in_part_begins_with_the_dispatch_and_no_part_is_empty() -> None:
    same_day = Term(working_days(1, starts="same_day"), SHANGHAI, CHINA)
    found = same_day.counted(local("2026-11-16 09:00"))
    assert [part[:2] for part in found.intervals] == [rest("2026-11-16 09:00", "2026-11-17 00:00")]
    same_time = Term(working_days(1, ends="same_time"), SHANGHAI, CHINA)
    found = same_time.counted(local("2026-11-16 00:00"))
    assert [part[:2] for part in found.intervals] == [rest("2026-11-16 00:00", "2026-11-17 00:00")]


# --- what holds for every duration

ZONES: Final = {SHANGHAI: CHINA, NEW_YORK: WEEKDAYS, ST_JOHNS: WEEKDAYS}
walls = st.builds(
    lambda minutes, hours: Duration(minutes=minutes, hours=hours),
    st.integers(0, 300),
    st.integers(1, 400),
)
in_days = st.builds(
    lambda count, how: working_days(count, **how),
    st.integers(1, 15),
    st.sampled_from([{}, {"starts": "same_day"}, {"ends": "same_time"}]),
)
BEGIN: Final = local("2024-01-01 00:00")
END: Final = local("2026-08-01 00:00")
# Often on the hour, midnights included; and where Newfoundland's and New York's clocks change.
starts = st.one_of(
    st.integers(BEGIN // HOUR, END // HOUR).map(lambda hour: hour * HOUR),
    st.integers(BEGIN, END),
    st.sampled_from(
        [local("2024-11-03 05:59", ZoneInfo("UTC")), local("2025-03-09 07:00", ZoneInfo("UTC"))]
    ),
)


@st.composite
def pauses_after(draw: st.DrawFn, start: Instant) -> list[Pause]:
    """Up to four, in any order, some of whole days, some that touch, some without an end."""
    found = []
    for _ in range(draw(st.integers(0, 4))):
        begins = start + HOUR * draw(st.integers(-48, 400))
        lasts = HOUR * draw(st.integers(0, 96))
        found.append((begins, FOREVER if draw(st.integers(0, 9)) == 0 else begins + lasts))
    return found


@st.composite
def cases(draw: st.DrawFn) -> tuple[Term, Instant, list[Pause]]:
    zone = draw(st.sampled_from(list(ZONES)))
    start = draw(starts)
    term = Term(draw(st.one_of(walls, in_days)), zone, ZONES[zone])
    return term, start, draw(pauses_after(start))


@given(cases())
@settings(max_examples=300)
def test_the_explanation_ends_where_the_deadline_does(
    case: tuple[Term, Instant, list[Pause]],
) -> None:
    term, start, pauses = case
    found = term.counted(start, pauses)
    assert found.ends_at == term.ends_at(start, pauses)
    assert term.counted(start).ends_at == term.ends_at(start)
    assert term.ends_at(start + SECOND) == term.counted(start + SECOND).ends_at
    assert term.ends_at(start - SECOND) == term.counted(start - SECOND).ends_at


@given(cases())
@settings(max_examples=300)
def test_the_explanation_adds_up(case: tuple[Term, Instant, list[Pause]]) -> None:
    term, start, pauses = case
    found = term.counted(start, pauses)
    for before, after in pairwise(found.intervals):
        assert before.ends_at <= after.begins_at
    assert all(interval.begins_at < interval.ends_at for interval in found.intervals)
    if found.ends_at == FOREVER:
        return
    duration = term.duration
    counted = sum(interval.ends_at - interval.begins_at for interval in found.intervals)
    assert found.intervals[-1].ends_at == found.ends_at or duration.ends == "same_time"
    if duration.working_days is None:
        assert counted == (duration.minutes * MINUTE) + duration.hours * HOUR
        return
    days = {interval.day for interval in found.intervals}
    assert all(interval.kind and interval.kind.is_working for interval in found.intervals)
    assert not any(skipped.kind.is_working for skipped in found.skipped)
    assert not days & {skipped.day for skipped in found.skipped}
    if duration.ends == "day_end":
        assert len(days) == duration.working_days


@given(cases(), st.integers(0, 3 * 24 * 60))
def test_a_later_dispatch_is_never_due_earlier(
    case: tuple[Term, Instant, list[Pause]], minutes: int
) -> None:
    # In China: where clocks change, the same time of day may not exist.
    term = Term(case[0].duration, SHANGHAI, CHINA)
    assert term.ends_at(case[1]) <= term.ends_at(case[1] + minutes * MINUTE)


@given(cases(), st.integers(-48, 400), st.integers(0, 96))
def test_another_pause_never_makes_a_deadline_earlier(
    case: tuple[Term, Instant, list[Pause]], begins: int, lasts: int
) -> None:
    term, start, pauses = case
    begins_at = start + begins * HOUR
    if term.duration.ends == "day_end":
        more = [*pauses, (begins_at, begins_at + lasts * HOUR)]
        assert term.ends_at(start, pauses) <= term.ends_at(start, more)


@given(starts, st.integers(1, 15), st.integers(0, 30), st.sampled_from(["day_after", "same_day"]))
def test_a_holiday_more_or_a_day_more_never_makes_a_deadline_earlier(
    start: Instant, count: int, after: int, begins: str
) -> None:
    def end(days: WorkingDays, count: int) -> Instant:
        return ends_at(start, working_days(count, starts=begins), SHANGHAI, days)

    day = to_datetime(start).astimezone(SHANGHAI).date() + timedelta(days=after)
    off = WorkingDays(Calendar(holidays=[day]))
    worked = WorkingDays(Calendar(workdays=[day]))
    assert end(worked, count) <= end(CHINA, count) <= end(off, count)
    assert end(CHINA, count) < end(CHINA, count + 1)
    assert start < end(CHINA, count) < start + AFTERWARDS


# --- what a policy may say


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({}, "a duration has minutes, hours or days, or working_days"),
        ({"hours": 0}, "a duration has minutes, hours or days, or working_days"),
        ({"hours": 2, "working_days": 1}, "on the wall clock or in working days, not both"),
        ({"hours": 2, "starts": "same_day"}, "starts and ends go with working_days"),
        ({"working_days": 1, "starts": "same_day", "ends": "same_time"}, "goes with day_after"),
        ({"working_days": 0}, "greater than or equal to 1"),
        ({"hours": -1}, "greater than or equal to 0"),
        ({"hours": 1.5}, "should be a valid integer"),
        ({"weeks": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_duration_has_one_clock(raw: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Duration.model_validate(raw)


@pytest.mark.parametrize("duration", [Duration(hours=2), working_days(5, starts="same_day")])
def test_a_duration_can_be_written_and_read_again(duration: Duration) -> None:
    assert Duration.model_validate_json(duration.model_dump_json()) == duration
