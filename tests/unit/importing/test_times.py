from __future__ import annotations

from datetime import datetime

import pytest

from schemas.instants import format_instant
from services.ingest.importing.mapping import TimeRule
from services.ingest.importing.times import TimeError, TimeReader


def new_york() -> TimeReader:
    return TimeReader(TimeRule(formats=["%m/%d/%Y %I:%M:%S %p", "iso"], zone="America/New_York"))


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("01/01/2015 12:20:09 AM", "2015-01-01T05:20:09Z"),
        ("07/01/2015 12:20:09 PM", "2015-07-01T16:20:09Z"),
        ("2015-07-01T12:20:09.25", "2015-07-01T16:20:09.250000Z"),
        ("2011-10-11 13:45:40.276000+02:00", "2011-10-11T11:45:40.276000Z"),
        ("2015-07-01", "2015-07-01T04:00:00Z"),
    ],
)
def test_times(text: str, utc: str) -> None:
    reader = new_york()
    assert format_instant(reader.instant(text)) == utc
    assert (reader.twice, reader.never) == (0, 0)


def test_an_hour_that_occurs_twice_means_the_first() -> None:
    reader = new_york()
    assert format_instant(reader.instant("11/01/2015 01:30:00 AM")) == "2015-11-01T05:30:00Z"
    assert (reader.twice, reader.never) == (1, 0)


def test_an_hour_that_does_not_occur_is_moved_on() -> None:
    reader = new_york()
    assert format_instant(reader.instant("03/08/2015 02:30:00 AM")) == "2015-03-08T07:30:00Z"
    assert reader.instant("03/08/2015 03:30:00 AM") == reader.instant("03/08/2015 02:30:00 AM")
    assert (reader.twice, reader.never) == (0, 2)


def test_a_time_of_excel_is_local() -> None:
    reader = TimeReader(TimeRule(zone="Asia/Shanghai"))
    cell = datetime.fromisoformat("2026-07-03T09:00")
    assert format_instant(reader.instant(cell)) == "2026-07-03T01:00:00Z"


@pytest.mark.parametrize(
    ("zone", "text", "reason"),
    [
        ("Asia/Shanghai", "yesterday", "time_format"),
        (None, "2026-07-03T09:00:00", "time_without_zone"),
        ("Asia/Shanghai", "1815-07-03T09:00:00", "time_out_of_range"),
        ("Asia/Shanghai", "0001-01-01T00:00:00", "time_out_of_range"),
    ],
)
def test_what_names_no_instant(zone: str | None, text: str, reason: str) -> None:
    with pytest.raises(TimeError, match=f"^{reason}$"):
        TimeReader(TimeRule(zone=zone)).instant(text)
