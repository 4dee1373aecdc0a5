"""How long the lead took: by hand, and as the fold of the rules has it at every instant."""

from __future__ import annotations

from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instants import FOREVER, HOUR, MINUTE, Instant
from schemas.records import Elapsed, Event
from services.domain.corrections import in_order
from services.domain.effects import EFFECTS
from services.domain.elapsed import ACTS, elapsed
from services.domain.measures import STEPS
from services.domain.outcome import evaluate
from services.domain.policy import load_policy, preset
from services.domain.work_order import WorkOrder
from tests.oracle.agreement import Case, case
from tests.support.orders import event, local
from tests.support.random_orders import random_order

BEIJING: Final = load_policy(preset("beijing-district"))
A, B = "110101001", "110101002"
RECEIVED: Final = event("received", "2026-07-06 09:00", demand_type="complaint")
SENT: Final = event("dispatched", "2026-07-06 09:05", unit=A)
APPROVED: Final = {"decision": "approved", "ground": "非本辖区"}


def times(*events: Event) -> tuple[Elapsed, ...]:
    return elapsed(events, evaluate(events, BEIJING))


def known(found: tuple[Elapsed, ...], at: Instant) -> dict[str, int]:
    """What is known at an instant, by step; each step once."""
    there = [(each.step, each.took) for each in found if each.begins_at <= at < each.ends_at]
    assert len(there) == len(dict(there))
    return dict(there)


def test_times_run_from_the_dispatch_to_the_first_act_of_the_lead() -> None:
    found = times(
        RECEIVED,
        SENT,
        event("signed", "2026-07-06 09:35", unit=A),
        event("signed", "2026-07-06 10:00", unit=A),
        event("contacted", "2026-07-06 09:30", unit=B),  # assists
        event("contacted", "2026-07-06 11:05", unit=A),
        event("resolved", "2026-07-08 09:05", unit=A),
    )
    assert found == (
        Elapsed(local("2026-07-06 09:35"), FOREVER, "sign", 30 * MINUTE),
        Elapsed(local("2026-07-06 11:05"), FOREVER, "contact", 2 * HOUR),
        Elapsed(local("2026-07-08 09:05"), FOREVER, "resolve", 48 * HOUR),
    )


def test_what_is_not_done_has_no_time() -> None:
    assert times(RECEIVED, SENT) == ()
    assert times(RECEIVED, event("signed", "2026-07-06 09:35", unit=A)) == ()
    assert times(SENT, event("signed", "2026-07-06 09:35", unit=A)) == ()  # not received yet
    assert times() == ()


def test_an_accepted_return_ends_the_times_of_one_unit_and_the_next_has_its_own() -> None:
    found = times(
        RECEIVED,
        SENT,
        event("signed", "2026-07-06 09:35", unit=A),
        event("returned", "2026-07-07 09:00", unit=A, **APPROVED),
        event("dispatched", "2026-07-07 15:00", unit=B),
        event("signed", "2026-07-07 15:20", unit=B),
        event("resolved", "2026-07-07 16:00", unit=A),  # leads no more
    )
    assert found == (
        Elapsed(local("2026-07-06 09:35"), local("2026-07-07 09:00"), "sign", 30 * MINUTE),
        Elapsed(local("2026-07-07 15:20"), FOREVER, "sign", 20 * MINUTE),
    )


def test_a_refused_return_changes_nothing() -> None:
    signed = event("signed", "2026-07-06 09:35", unit=A)
    refused = event("returned", "2026-07-07 09:00", unit=A, decision="refused")
    assert times(RECEIVED, SENT, signed, refused) == times(RECEIVED, SENT, signed)


def test_a_second_dispatch_to_the_same_unit_begins_anew() -> None:
    found = times(
        RECEIVED,
        SENT,
        event("signed", "2026-07-06 09:35", unit=A),
        event("dispatched", "2026-07-09 09:00", unit=A, round=2),
        event("signed", "2026-07-09 09:10", unit=A),
    )
    assert known(found, local("2026-07-09 09:05")) == {}
    assert known(found, local("2026-07-09 09:10")) == {"sign": 10 * MINUTE}


def test_a_reopened_order_is_resolved_by_its_last_report_from_the_same_dispatch_on() -> None:
    found = times(
        RECEIVED,
        SENT,
        event("signed", "2026-07-06 09:35", unit=A),
        event("resolved", "2026-07-06 19:05", unit=A),
        event("reopened", "2026-07-08 09:00", unit=A),
        event("resolved", "2026-07-09 09:05", unit=A),
    )
    assert known(found, local("2026-07-07 00:00")) == {"sign": 30 * MINUTE, "resolve": 10 * HOUR}
    assert known(found, local("2026-07-08 09:00")) == {"sign": 30 * MINUTE}
    assert known(found, local("2026-07-10 00:00")) == {"sign": 30 * MINUTE, "resolve": 72 * HOUR}


def test_a_report_from_before_the_dispatch_took_no_time() -> None:
    found = times(RECEIVED, SENT, event("signed", "2026-07-06 09:04:58", unit=A))
    assert found == (Elapsed(local("2026-07-06 09:05"), FOREVER, "sign", 0),)


def test_a_time_is_known_once_the_order_is_received() -> None:
    late = event("received", "2026-07-06 10:00", demand_type="complaint")
    found = times(late, SENT, event("signed", "2026-07-06 09:35", unit=A))
    assert found == (Elapsed(local("2026-07-06 10:00"), FOREVER, "sign", 30 * MINUTE),)


@pytest.fixture(params=["beijing-district", "shandong", "on-time"], scope="module")
def of(request: pytest.FixtureRequest) -> Case:
    found = case(request.param)
    assert len(found.policy.versions) == 1
    return found


@settings(max_examples=60)
@given(seed=st.integers(0, 1 << 32))
def test_at_every_instant_they_are_what_the_fold_of_the_rules_says(of: Case, seed: int) -> None:
    events = random_order(Random(seed), of.world, "a")
    outcome = evaluate(events, of.policy)
    found = elapsed(events, outcome)
    assert elapsed([*events[::-1], *events], outcome) == found
    assert all(each.begins_at < each.ends_at and each.took >= 0 for each in found)
    ordered = in_order(events)
    order: WorkOrder | None = None
    for place, each in enumerate(ordered):
        order = order or WorkOrder(of.policy.versions[0], each)
        if each.type in EFFECTS:
            EFFECTS[each.type](order, each)
        at = each.occurred_at
        if place + 1 == len(ordered) or ordered[place + 1].occurred_at > at:
            assert known(found, at) == _by_the_fold(order)


def _by_the_fold(order: WorkOrder) -> dict[str, int]:
    sent_at = order.handlers.get(order.lead)
    if order.received_at is None or sent_at is None:
        return {}
    done = {step: getattr(order, STEPS[step].done) for step in ACTS.values()}
    return {step: max(at - sent_at, 0) for step, at in done.items() if at is not None}
