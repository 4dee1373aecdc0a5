"""What a revision is made of: inputs that can be read again, parts of orders, their sums."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import pytest

from schemas.instants import DAY, FOREVER, MINUTE
from schemas.records import Sums, Unit
from services.domain.adjustments import Entry
from services.domain.canonical import MISSING, canonical, first_difference
from services.domain.cycle_revision import (
    ENGINE,
    Fold,
    Inputs,
    Mark,
    checksum,
    part_of,
    sums_of,
)
from services.domain.policy import load_policy, preset
from services.domain.timeline import LEAD
from services.domain.windows import window
from tests.support.orders import SUBJECT, event, local, rated

POLICY: Final = load_policy(preset("beijing-district").replace("sample: 10", "sample: 1"))
CYCLE: Final = window(POLICY, "cycle", "2026-11", 0)
UNIT: Final = Unit("110101001", "东华门街道", "street", "110101", "core")
BEGINS: Final = local("2026-11-10 09:00")
RECEIVED: Final = (
    event("received", BEGINS, demand_type="complaint", urgency="normal"),
    event("dispatched", BEGINS + MINUTE, unit=UNIT.code),
)
ENTRY: Final = Entry(
    "a", "adjustment", UNIT.code, "2026-11", Decimal("1.50"), "", "innovation", "1101", 1, 2
)
INPUTS: Final = Inputs(
    engine=ENGINE,
    cycle="2026-11",
    as_of=CYCLE.ends_at + DAY,
    marks=(Mark(0, 1, 7, CYCLE.ends_at + DAY), Mark(1, 2, -1, CYCLE.ends_at + DAY)),
    ruleset=1,
    checksum=POLICY.checksum,
    document=POLICY.document,
    units=(UNIT,),
    entries=(ENTRY,),
)


def test_inputs_read_again_are_the_same() -> None:
    assert Inputs.read(INPUTS.text()) == INPUTS
    assert Inputs.read(INPUTS.text()).text() == INPUTS.text()
    assert INPUTS.flush_marks()[1].position == (2, -1)


def test_an_order_changes_by_itself_only_when_a_deadline_passes() -> None:
    due = BEGINS + MINUTE + 7 * DAY
    early = part_of(SUBJECT, RECEIVED, POLICY, CYCLE, BEGINS + DAY)
    assert early is not None
    assert early.next_change == due
    late = part_of(SUBJECT, RECEIVED, POLICY, CYCLE, due)
    assert late is not None
    assert late.next_change == FOREVER
    assert early.contributions != late.contributions
    assert late.contributions == tuple(sorted(late.contributions))


def test_an_order_of_another_cycle_has_no_part() -> None:
    before = window(POLICY, "cycle", "2026-10", 0)
    assert part_of(SUBJECT, RECEIVED, POLICY, before, INPUTS.as_of) is None


def test_the_sums_are_those_of_the_parts_and_ranked() -> None:
    fold = Fold()
    for number in range(2):
        subject = f"{SUBJECT}-{number}"
        events = [
            each._replace(subject=subject)
            for each in (*RECEIVED, rated(BEGINS + 8 * DAY, "basically_satisfied"))
        ]
        part = part_of(subject, events, POLICY, CYCLE, INPUTS.as_of)
        assert part is not None
        fold.add(part)
    fold.fail("b")
    fold.fail("a")
    results = fold.results(INPUTS, POLICY, CYCLE)
    assert (results["orders"], results["not_evaluable"]) == (2, ["a", "b"])
    assert sums_of(results, LEAD)[UNIT.code, "satisfaction"] == Sums(2, 1800)
    streets, core = results["lists"]
    assert (streets["group"], core["group"]) == ("", "core")
    (line,) = streets["ranked"]
    assert (line["rank"], line["score"], line["bottom"]) == (1, "96.0", False)


def test_the_checksum_depends_on_everything() -> None:
    whole = ("inputs", "results", "ground", "approver")
    found = {checksum(*whole)}
    for place in range(4):
        found.add(checksum(*(f"{text}{'!' * (i == place)}" for i, text in enumerate(whole))))
    assert len(found) == 5
    assert checksum("a", "b", "c", "d") != checksum("ab", "", "c", "d")


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "x"}]}, None),
        ({"a": [1, {"b": "x"}]}, {"a": [1, {"b": "y"}]}, ("/a/1/b", "x", "y")),
        ({"a": 1}, {"a": 1, "b": None}, ("/b", MISSING, None)),
        ([1, 2], [1], ("/1", 2, MISSING)),
        (1, True, ("", 1, True)),
    ],
)
def test_the_first_difference_is_named(
    left: Any, right: Any, found: tuple[str, Any, Any] | None
) -> None:
    assert first_difference(left, right) == found


def test_canonical_text_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical({"b": 1, "a": "区"}) == canonical({"a": "区", "b": 1}) == '{"a":"区","b":1}'
