from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from schemas.instants import EARLIEST, parse_instant
from services.api.writing import decimal_text, local_text, thousandths_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (900, "0.9"),
        (1000, "1"),
        (10_000, "10"),
        (70_700, "70.7"),
        (12_345, "12.345"),
        (1_000_000_000_000_000_001, "1000000000000000.001"),
        (-900, "-0.9"),
    ],
)
def test_thousandths_are_exact_and_plain(value: int, text: str) -> None:
    assert thousandths_text(value) == text


def test_decimals_keep_their_digits_and_null_stays_null() -> None:
    assert decimal_text(Decimal("72.80")) == "72.80"
    assert decimal_text(Decimal("1E+2")) == "100"
    assert decimal_text(None) is None


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Asia/Shanghai", "2026-07-03T07:03:07.000001+08:00"),
        ("America/New_York", "2026-07-02T19:03:07.000001-04:00"),
        ("UTC", "2026-07-02T23:03:07.000001+00:00"),
    ],
)
def test_instants_carry_the_offset_of_the_zone(zone: str, text: str) -> None:
    instant = parse_instant("2026-07-03T07:03:07.000001+08:00")
    assert local_text(instant, ZoneInfo(zone)) == text
    assert parse_instant(text) == instant


def test_an_offset_with_seconds_is_no_rfc_3339_and_becomes_utc() -> None:
    assert local_text(EARLIEST, ZoneInfo("Asia/Shanghai")) == "1900-01-01T00:00:00Z"
