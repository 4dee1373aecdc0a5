from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instants import EARLIEST, FOREVER, format_instant
from schemas.records import Event
from services.domain.corrections import in_order, instant_of
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import load_policy, preset
from tests.support.orders import SOURCE, event, local, moment, rated

BEIJING = load_policy(preset("beijing-district"))
A, B = "110101001", "110105003"

RECEIVED = event(
    "received", "2026-07-06 09:00", id_="r", demand_type="help", community="多福巷社区"
)
DISPATCHED = event("dispatched", "2026-07-06 09:00", id_="d", unit=A)
RESOLVED = event("resolved", "2026-07-08 09:00", id_="z", unit=A)
ORDER = [RECEIVED, DISPATCHED, RESOLVED]


def correction(
    target: str, field: str, new: Any = None, at: str = "2026-07-20 09:00", **more: Any
) -> Event:
    value = {} if new is None else {"new": new}
    return event("corrected", at, event=target, field=field, **value, **more)


def without_corrections(events: list[Event]) -> list[Event]:
    return [found for found in in_order(events) if found.type != "corrected"]


def test_a_corrected_field_counts_as_if_it_had_been_told_so() -> None:
    corrected = evaluate([*ORDER, correction("d", "unit", B), correction("z", "unit", B)], BEIJING)
    told = [RECEIVED, DISPATCHED._replace(data={"unit": B}), RESOLVED._replace(data={"unit": B})]
    assert corrected == evaluate(told, BEIJING)


def test_a_field_can_be_emptied() -> None:
    events = [*ORDER, correction("r", "community")]
    assert evaluate(events, BEIJING).summary.community == ""
    assert "community" not in in_order(events)[0].data


def test_an_emptied_unit_leaves_the_order_without_a_lead() -> None:
    assert evaluate([*ORDER, correction("d", "unit")], BEIJING).summary.unit == ""


def test_a_corrected_time_moves_the_event() -> None:
    events = [*ORDER, correction("z", "time", moment("2026-07-07 09:00"))]
    assert evaluate(events, BEIJING).summary.resolved_at == local("2026-07-07 09:00")
    moved = [*ORDER, correction("d", "time", moment("2026-07-09 09:00"))]
    assert evaluate(moved, BEIJING).summary.resolved_at == local("2026-07-08 09:00")


def test_time_null_withdraws_the_event() -> None:
    withdrawn = evaluate([*ORDER, correction("z", "time")], BEIJING)
    assert withdrawn == evaluate(ORDER[:2], BEIJING)


def test_withdrawing_received_makes_the_order_incomplete_again() -> None:
    spans = evaluate([*ORDER, correction("r", "time")], BEIJING).spans
    assert {span.contribution.indicator for span in spans} == {"incomplete"}


def test_a_correction_waits_for_its_event() -> None:
    early = correction("z", "unit", B)
    waiting = evaluate([RECEIVED, DISPATCHED, early], BEIJING)
    assert waiting == evaluate([RECEIVED, DISPATCHED], BEIJING)
    assert without_corrections([*ORDER, early])[-1].data == {"unit": B}


def test_a_correction_alone_is_an_incomplete_order() -> None:
    alone = correction("z", "unit", B)
    (span,) = evaluate([alone], BEIJING).spans
    assert span.contribution == ("lead", "", "incomplete", alone.occurred_at, 1, 0)


def test_a_correction_concerns_events_of_its_own_source() -> None:
    elsewhere = correction("z", "unit", B, source="province")
    assert without_corrections([*ORDER, elsewhere]) == ORDER


def test_the_later_of_two_corrections_counts() -> None:
    one = correction("z", "unit", B, at="2026-07-20 09:00")
    two = correction("z", "unit", A, at="2026-07-21 09:00")
    assert without_corrections([*ORDER, two, one])[-1].data == {"unit": A}


def test_a_withdrawn_event_can_be_restored() -> None:
    gone = correction("z", "time", at="2026-07-20 09:00")
    back = correction("z", "time", moment("2026-07-09 09:00"), at="2026-07-21 09:00")
    assert without_corrections([*ORDER, gone, back])[-1].occurred_at == local("2026-07-09 09:00")


def test_a_correction_can_be_withdrawn_and_corrected() -> None:
    wrong = correction("z", "unit", B, at="2026-07-20 09:00", id_="w")
    withdrawn = correction("w", "time", at="2026-07-21 09:00")
    assert without_corrections([*ORDER, wrong, withdrawn]) == ORDER
    changed = correction("w", "new", "110101002", at="2026-07-21 09:00")
    assert without_corrections([*ORDER, wrong, changed])[-1].data == {"unit": "110101002"}


def test_corrections_of_each_other_end() -> None:
    """Only an earlier correction can be corrected, so the later one decides."""
    one = correction("c2", "time", at="2026-07-20 09:00", id_="c1")
    two = correction("c1", "time", at="2026-07-21 09:00", id_="c2")
    assert in_order([*ORDER, one, two]) == [*ORDER, two]
    own = correction("c3", "time", id_="c3")
    assert in_order([*ORDER, own]) == [*ORDER, own]


def test_a_callback_can_lose_its_answers() -> None:
    call = rated("2026-07-14 09:00", id_="k")
    spans = evaluate([*ORDER, call, correction("k", "answers")], BEIJING).spans
    names = {c.indicator for c in contributions_at(spans, local("2027-01-01 00:00"))}
    assert names == {"volume", "state:callback_pending"}


def test_the_corrected_is_not_the_original() -> None:
    """The archive's event stays as it was told."""
    in_order([*ORDER, correction("d", "unit", B)])
    assert DISPATCHED.data == {"unit": A}
    assert DISPATCHED.source == SOURCE


@settings(max_examples=300)
@given(st.integers(EARLIEST, FOREVER - 1))
def test_instants_in_data_are_read_exactly(instant: int) -> None:
    assert instant_of(format_instant(instant)) == instant
