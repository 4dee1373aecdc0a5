"""Who is called in after a cycle, and why (domain.md 4.2)."""

from __future__ import annotations

from typing import Any, Final

from services.domain.talks import called_in, in_a_row, statement_due
from tests.support.orders import BEIJING, local


def ranked(unit: str, rank: int, *, volume: int = 5, bottom: bool = False) -> dict[str, Any]:
    return {"unit": unit, "rank": rank, "volume": volume, "bottom": bottom}


def of(kind: str, *lines: dict[str, Any], group: str = "") -> dict[str, Any]:
    unranked = [line for line in lines if line["rank"] == 0]
    return {
        "kind": kind,
        "group": group,
        "ranked": [line for line in lines if line["rank"]],
        "unranked": unranked,
    }


STREETS: Final = of(
    "street",
    *(
        ranked(f"s{place:02}", place, volume=100 - place, bottom=place > 28)
        for place in range(1, 31)
    ),
    ranked("s31", 0, volume=1_000),
    ranked("s32", 0, volume=0),
)


def test_the_bottom_the_slow_and_the_first_by_volume() -> None:
    found = called_in([STREETS], {"s01", "s05", "s30"}, {"s05", "s20"})
    assert {unit for unit, reasons in found.items() if "bottom" in reasons} == {"s29", "s30"}
    assert found["s05"] == ["governed_slow"]
    warned = {unit for unit, reasons in found.items() if reasons == ["volume_warning"]}
    assert warned == {"s02", "s03", "s04", "s06", "s07", "s08", "s09", "s31"}
    assert list(found) == sorted(found)


def test_all_that_share_the_tenth_place_by_volume_are_warned() -> None:
    lines = [ranked(f"s{place:02}", place, volume=7) for place in range(1, 13)]
    assert len(called_in([of("street", *lines)], set(), set())) == 12


def test_the_last_of_the_other_kinds_not_of_their_groups() -> None:
    lists = [
        of("district", ranked("d1", 1), ranked("d2", 2), ranked("d3", 2)),
        of("district", ranked("d1", 1), ranked("d4", 2), group="core"),
        of("department", ranked("p1", 1)),
        of("company", ranked("c1", 1), ranked("c2", 2)),
        of("functional_zone", ranked("z1", 1), ranked("z2", 2)),
    ]
    assert called_in(lists, set(), set()) == {
        "c2": ["last_company"],
        "d2": ["last_district"],
        "d3": ["last_district"],
    }


def test_cycles_one_after_another() -> None:
    called = [{"a", "b"}, {"a"}, {"b"}, {"a"}]
    assert [in_a_row(called, unit) for unit in "abc"] == [2, 1, 0]
    assert in_a_row([{"a"}, {"a"}], "a") == 2


def test_the_statement_is_due_at_the_end_of_the_tenth_day() -> None:
    assert statement_due(local("2026-11-20 23:59"), BEIJING) == local("2026-12-01 00:00")
