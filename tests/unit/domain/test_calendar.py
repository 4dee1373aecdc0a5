"""Working days against the notices of the State Council, and against what an office declares."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.policy.deadlines import Calendar
from services.domain.calendar import CalendarError, WorkingDays

# As published, 放假 and 上班: first and last day of each holiday, and the make-up days.
# 国办发明电〔2023〕7号, 25 October 2023; 国办发明电〔2024〕12号, 12 November 2024;
# 国务院办公厅关于2026年部分节假日安排的通知, 4 November 2025.
NOTICES = {
    2024: (
        ["01-01/01-01", "02-10/02-17", "04-04/04-06", "05-01/05-05", "06-10/06-10",
         "09-15/09-17", "10-01/10-07"],
        ["02-04", "02-18", "04-07", "04-28", "05-11", "09-14", "09-29", "10-12"],
    ),
    2025: (
        ["01-01/01-01", "01-28/02-04", "04-04/04-06", "05-01/05-05", "05-31/06-02",
         "10-01/10-08"],
        ["01-26", "02-08", "04-27", "09-28", "10-11"],
    ),
    2026: (
        ["01-01/01-03", "02-15/02-23", "04-04/04-06", "05-01/05-05", "06-19/06-21",
         "09-25/09-27", "10-01/10-07"],
        ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"],
    ),
}  # fmt: skip

CHINA = WorkingDays(Calendar())
NEXT_YEAR = CHINA.known_until().year + 1  # its notice is not in the package yet
SATURDAY = 5


def calendar(text: str) -> Calendar:
    return Calendar.model_validate(yaml.safe_load(text))


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", NOTICES)
def test_every_day_of_a_year_is_as_the_state_council_published_it(year: int) -> None:
    holidays, worked = NOTICES[year]
    off = set()
    for span in holidays:
        first, last = (date.fromisoformat(f"{year}-{end}") for end in span.split("/"))
        off |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
    made_up = {date.fromisoformat(f"{year}-{day}") for day in worked}
    for day in days_of(year):
        expected = day in made_up or (day.weekday() < SATURDAY and day not in off)
        assert CHINA.is_working_day(day) is expected, day


@pytest.mark.parametrize(
    ("day", "is_working", "code", "zh", "en"),
    [
        ("2026-10-01", False, "holiday", "国庆节", "National Day"),
        ("2026-10-04", False, "holiday", "国庆节", "National Day"),  # a Sunday
        ("2026-10-10", True, "make_up", "国庆节调休上班", "make-up day for National Day"),
        ("2026-04-06", False, "holiday", "清明节", "Tomb-sweeping Day"),
        ("2026-10-11", False, "weekend", "周末", "weekend"),
        ("2026-10-12", True, "workday", "工作日", "working day"),
    ],
)
def test_a_day_says_what_it_is(day: str, is_working: bool, code: str, zh: str, en: str) -> None:
    assert CHINA.kind(date.fromisoformat(day)) == (is_working, code, zh, en)


def test_all_years_are_known_from_the_first_notice_to_the_last() -> None:
    assert CHINA.known_until() >= date(2026, 12, 31)
    for year in range(2004, NEXT_YEAR):
        assert not CHINA.is_working_day(date(year, 10, 1))


@pytest.mark.parametrize("year", [2003, NEXT_YEAR, NEXT_YEAR + 50])
def test_a_year_without_a_notice_is_an_error_that_says_how_to_mend_it(year: int) -> None:
    with pytest.raises(CalendarError, match=rf"{year} are not known: .* add {year} to its years"):
        CHINA.is_working_day(date(year, 5, 6))


def test_an_office_declares_a_year_before_the_package_knows_it() -> None:
    days = WorkingDays(
        calendar(
            f"holidays: [{NEXT_YEAR}-01-01, {NEXT_YEAR}-10-01]\n"
            f"workdays: [{_first_sunday(NEXT_YEAR)}]\n"
            f"years: [{NEXT_YEAR}]\n"
            f"issued: {NEXT_YEAR - 1}-11-20\n"
        )
    )
    assert days.known_until() == date(NEXT_YEAR, 12, 31)
    worked = [day for day in days_of(NEXT_YEAR) if days.is_working_day(day)]
    plain = [day for day in days_of(NEXT_YEAR) if day.weekday() < SATURDAY]
    off = {date(NEXT_YEAR, 1, 1), date(NEXT_YEAR, 10, 1)}
    assert set(worked) == {*plain, _first_sunday(NEXT_YEAR)} - off
    with pytest.raises(CalendarError, match=f"{NEXT_YEAR + 1}"):
        days.kind(date(NEXT_YEAR + 1, 1, 4))


def test_a_gap_before_a_declared_year_stays_unknown() -> None:
    later = NEXT_YEAR + 1
    days = WorkingDays(calendar(f"holidays: [{later}-01-01]\nyears: [{later}]"))
    assert days.known_until() == CHINA.known_until()
    assert days.is_working_day(date(later, 10, 1)) is (date(later, 10, 1).weekday() < SATURDAY)
    assert days.unknown_years(date(later - 2, 12, 31), 30, 1) == (NEXT_YEAR,)


def test_a_declared_year_is_complete_by_the_lists_alone() -> None:
    days = WorkingDays(calendar("holidays: [2026-01-01]\nyears: [2026]"))
    assert days.is_working_day(date(2026, 10, 1))
    assert not days.is_working_day(date(2026, 10, 10))
    assert not days.is_working_day(date(2025, 10, 1))


def test_the_lists_of_an_office_come_before_the_package() -> None:
    days = WorkingDays(
        calendar("holidays: [2026-09-03, 2026-10-10, 2026-10-02]\nworkdays: [2026-10-07]")
    )
    assert days.kind(date(2026, 9, 3)).zh == "本地日历放假"
    assert days.kind(date(2026, 10, 10)).code == "holiday"
    assert days.kind(date(2026, 10, 7)).zh == "本地日历上班"
    assert days.kind(date(2026, 10, 2)).zh == "国庆节"  # the package says so too


def test_weekdays_know_every_year_and_no_holidays_but_their_own() -> None:
    days = WorkingDays(calendar("country: weekdays\nholidays: [2031-12-25]"))
    assert days.is_working_day(date(2026, 10, 1))
    assert not days.is_working_day(date(2026, 10, 10))
    assert not days.is_working_day(date(2031, 12, 25))
    assert days.unknown_years(date(2026, 1, 1), 36_500, 366) == ()
    assert days.known_until().year > 2200


def test_a_fingerprint_tells_which_days_are_worked_and_no_more() -> None:
    same = [
        "{}",
        "holidays: [2026-10-01]",  # off already
        "holidays: [2026-10-11]",  # a Sunday
        "workdays: [2026-10-12]",
        f"holidays: [{NEXT_YEAR}-05-04]",  # in a year that is not known anyway
        "issued: 2026-11-20",
    ]
    other = [
        "holidays: [2026-10-12]",
        "workdays: [2026-10-11]",
        "workdays: [2026-10-01]",
        f"holidays: [{NEXT_YEAR}-01-01]\nyears: [{NEXT_YEAR}]",
        "country: weekdays",
    ]
    assert {WorkingDays(calendar(text)).fingerprint() for text in same} == {CHINA.fingerprint()}
    prints = {WorkingDays(calendar(text)).fingerprint() for text in other}
    assert len(prints) == len(other)
    assert CHINA.fingerprint() not in prints


@pytest.mark.parametrize(
    ("from_day", "days_ahead", "working_days", "unknown"),
    [
        ("2040-12-28", 0, 1, ()),  # a Friday; Monday is the 31st
        ("2040-12-28", 0, 2, (2041,)),
        ("2040-12-10", 0, 15, ()),
        ("2040-12-10", 0, 16, (2041,)),
        ("2040-12-01", 9, 15, ()),
        ("2040-12-01", 10, 15, (2041,)),
        ("2040-12-01", 30, 0, ()),
        ("2040-12-01", 31, 0, (2041,)),
        ("2041-01-01", 0, 0, (2041,)),
    ],
)
def test_an_unknown_year_is_found_before_it_is_needed(
    from_day: str, days_ahead: int, working_days: int, unknown: tuple[int, ...]
) -> None:
    days = WorkingDays(calendar("holidays: [2040-01-02]\nyears: [2040]"))
    first = date.fromisoformat(from_day)
    assert days.unknown_years(first, days_ahead, working_days) == unknown


def test_several_unknown_years_are_all_named() -> None:
    assert CHINA.unknown_years(date(NEXT_YEAR - 1, 7, 1), 730, 1) == (NEXT_YEAR, NEXT_YEAR + 1)
    assert CHINA.unknown_years(date(2003, 12, 1), 0, 1) == (2003,)


@given(
    start=st.dates(date(2005, 1, 1), date(NEXT_YEAR - 1, 12, 31)),
    days_ahead=st.integers(0, 40),
    count=st.integers(1, 20),
)
def test_no_year_is_missing_where_the_days_can_be_counted(
    start: date, days_ahead: int, count: int
) -> None:
    day, left = start + timedelta(days=days_ahead), count
    try:
        while left:
            day += timedelta(days=1)
            left -= CHINA.is_working_day(day)
        counted: tuple[int, ...] = ()
    except CalendarError as error:
        counted = (error.year,)
    if (start + timedelta(days=days_ahead)).year == NEXT_YEAR:
        counted = (NEXT_YEAR,)
    assert CHINA.unknown_years(start, days_ahead, count) == counted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("holidays: [2026-10-01, 2026-10-01]", "2026-10-01 is listed twice"),
        ("{holidays: [2026-10-01], workdays: [2026-10-01]}", "2026-10-01 is listed twice"),
        ("years: [2027]", "2027 is said to be complete, but none of its holidays is listed"),
        ("{years: [2027], holidays: [2026-10-01]}", "2027 is said to be complete"),
        ("holidays: [20261001]", "a date is written as 2026-11-01"),
        ("holidays: ['20261001']", "a date is written as 2026-11-01"),
        ("holidays: ['2026-W40-4']", "a date is written as 2026-11-01"),
        ("holidays: [2026-10-01T00:00:00]", "a date is written as 2026-11-01"),
        ("country: atlantis", "Input should be 'china' or 'weekdays'"),
        ("closed: [2026-10-01]", "Extra inputs are not permitted"),
    ],
)
def test_a_calendar_that_contradicts_itself_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        calendar(text)


def test_days_may_be_written_as_texts() -> None:
    assert calendar("holidays: ['2026-10-01']") == calendar("holidays: [2026-10-01]")


def _first_sunday(year: int) -> date:
    return next(day for day in days_of(year) if day.weekday() == SATURDAY + 1)
