"""The two shipped mappings on real rows, judged by the rules without a service."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.instants import parse_instant
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import load_policy, preset
from services.ingest.importing.document import find_mapping
from services.ingest.importing.rows import RowEvents, RowReader
from services.ingest.importing.spool import open_spool
from services.ingest.importing.tables import Row
from tests.support.boston import EXCERPT, FULL, LABELS_AT, Labels, labels
from tests.unit.importing.support import rows_of

NL_EXCERPT = Path(__file__).parents[2] / "data" / "nl_receipt_excerpt.csv"


def read(name: str, rows: list[Row]) -> Iterator[RowEvents]:
    reader = RowReader(find_mapping(name).mapping)
    return (reader.read(row) for row in rows)


def computed(path: Path) -> Labels:
    """What the rules say of the file, in the form of the city's labels."""
    policy = load_policy(preset("on-time"), time_zone="America/New_York")
    settled: Counter[str] = Counter()
    on_time: Counter[str] = Counter()
    overdue: dict[str, str] = {}
    for told in read("boston-311", rows_of(path)):
        in_force = contributions_at(evaluate(told.events, policy).spans, LABELS_AT)
        for contribution in in_force:
            if contribution.indicator == "on_time":
                settled[contribution.unit] += 1
                on_time[contribution.unit] += contribution.numerator // 1000
            elif contribution.indicator == "overdue":
                overdue[told.order] = contribution.unit
    closed = settled - Counter(overdue.values())
    return Labels(+closed, +on_time, frozenset(overdue))


def test_the_excerpt_agrees_with_the_city() -> None:
    official = labels(EXCERPT)
    assert computed(EXCERPT) == official
    assert official.closed.total() == 286
    assert official.on_time.total() == 194
    assert len(official.overdue) == 92
    assert len(official.closed) == 24, "23 neighborhoods and (none)"


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason=f"the full file is not there: {FULL}")
def test_the_full_year_agrees_with_the_city() -> None:
    official = labels(FULL)
    assert official.closed.total() == 79_126
    assert official.on_time.total() == 60_054
    assert len(official.overdue) == 11_374
    assert computed(FULL) == official


def test_orders_that_close_before_they_open_count() -> None:
    policy = load_policy(preset("on-time"), time_zone="America/New_York")
    early = 0
    for told in read("boston-311", rows_of(EXCERPT)):
        of_type = {event.type: event for event in told.events}
        resolved = of_type.get("resolved")
        if resolved is not None and resolved.occurred_at < of_type["received"].occurred_at:
            early += 1
            assert evaluate(told.events, policy).summary.resolved_at == resolved.occurred_at
    assert early >= 6


def test_orders_without_a_label_are_not_assessed() -> None:
    with EXCERPT.open(encoding="utf-8", newline="") as file:
        unlabelled = {
            row["CASE_ENQUIRY_ID"] for row in csv.DictReader(file) if not row["OnTime_Status"]
        }
    assert len(unlabelled) == 56
    found = {
        told.order
        for told in read("boston-311", rows_of(EXCERPT))
        if told.events[0].data["demand_type"] == "unclassified"
    }
    assert found == unlabelled


def test_only_listed_fields_leave_the_file() -> None:
    fields = {
        (event.type, name)
        for told in read("boston-311", rows_of(EXCERPT))
        for event in told.events
        for name in event.data
    }
    assert fields == {
        ("received", "demand_type"),
        ("received", "channel"),
        ("received", "category"),
        ("received", "community"),
        ("dispatched", "unit"),
        ("dispatched", "round"),
        ("dispatched", "resolve_due"),
        ("resolved", "unit"),
    }


def test_the_dutch_log_collapses_to_cases() -> None:
    rows = rows_of(NL_EXCERPT)
    with open_spool(find_mapping("nl-receipt").mapping) as spool:
        for row, told in zip(rows, read("nl-receipt", rows), strict=True):
            assert spool.add(row.number, told) is None
        orders = list(spool.orders())
    assert len(orders) == len({row.cells["case:concept:name"] for row in rows}) == 42
    assert sum(order.rows for order in orders) == len(rows) == 268
    types = Counter(event.type for order in orders for event in order.events)
    assert types["received"] == types["dispatched"] == types["signed"] == 42
    assert types["resolved"] == sum(f"{order.id}/resolved" not in order.absent for order in orders)
    assert 0 < types["contacted"] <= 42


def test_the_dutch_deadlines() -> None:
    policy = load_policy(preset("on-time"), time_zone="Europe/Amsterdam")
    told = next(iter(read("nl-receipt", rows_of(NL_EXCERPT))))
    summary = evaluate(told.events, policy).summary
    assert summary.received_at is not None
    assert summary.resolve_due is not None
    assert summary.received_at < summary.resolve_due
    assert summary.unit.startswith(("Group", "General", "Experts", "Customer"))


def test_the_excerpt_is_an_excerpt() -> None:
    if not FULL.exists():
        pytest.skip(f"the full file is not there: {FULL}")
    with gzip.open(FULL, "rt", encoding="utf-8", newline="") as full:
        every = {tuple(row) for row in csv.reader(full)}
    with EXCERPT.open(encoding="utf-8", newline="") as excerpt:
        assert {tuple(row) for row in csv.reader(excerpt)} <= every
    assert parse_instant("2016-01-13T00:00:00-05:00") == LABELS_AT
