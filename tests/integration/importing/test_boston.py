"""Boston 2015 through the running service: import, broker, Faust, chDB, API."""

from __future__ import annotations

import csv
import gzip
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.importing.support import (
    AS_OF,
    YEAR,
    await_stored,
    boston_options,
    imported,
    importing,
    numbers,
)
from tests.support.boston import EXCERPT, FULL, Labels, labels
from tests.support.brokers import Kind, fresh_log
from tests.support.service import Service, running_service, start_service

Record = dict[str, str]
COPIES = 6
Edit = Callable[[list[Record]], list[Record]]


def edited(source: Path, target: Path, edit: Edit) -> Path:
    """Write another export of the same orders."""
    opener = gzip.open if source.suffix == ".gz" else open
    with opener(source, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(edit(rows))
    return target


def multiplied(rows: list[Record]) -> list[Record]:
    """Enough orders that an import of them takes a while."""
    return [
        row | {"CASE_ENQUIRY_ID": f"{row['CASE_ENQUIRY_ID']}-{copy}"}
        for copy in range(COPIES)
        for row in rows
    ]


def shuffled(rows: list[Record]) -> list[Record]:
    return random.Random(2015).sample(rows, len(rows))


@contextmanager
def city(kind: Kind, data_dir: Path) -> Iterator[Service]:
    """Run a service for Boston on an empty log."""
    with (
        fresh_log(kind) as log,
        running_service(data_dir, *boston_options(), environment=log) as service,
    ):
        yield service


def published(service: Service) -> Labels:
    """What the service says, in the form of the city's labels."""
    page = service.rankings(**YEAR, as_of=AS_OF)
    assert page["undispatched"]["volume"] == page["incomplete"] == 0
    figures = {line["unit"]["code"]: line for line in [*page["ranked"], *page["unranked"]]}
    figures |= {line["code"]: line["figures"] for line in page["unknown_units"]}
    closed: Counter[str] = Counter()
    on_time: Counter[str] = Counter()
    overdue: list[str] = []
    for code, line in figures.items():
        rate = line["indicators"]["on_time"]
        closed[code] = rate["denominator"] - line["overdue"]
        on_time[code] = int(rate["numerator"])
        named = overdue_orders(service, code)
        assert len(named) == line["overdue"]
        overdue += named
    return Labels(+closed, +on_time, frozenset(overdue))


def overdue_orders(service: Service, unit: str) -> list[str]:
    """The ids behind the number of overdue orders, page by page."""
    orders: list[str] = []
    query: dict[str, str | int] = {"unit": unit, "indicator": "overdue", "limit": 1000}
    while True:
        page = service.get("/v1/work-orders", **YEAR, **query, as_of=AS_OF)
        orders += [line["id"] for line in page["orders"]]
        if page["next"] is None:
            return orders
        query["after"] = page["next"]


def check_agreement(kind: Kind, tmp_path: Path, source: Path, orders: int) -> None:
    """Import, import again, import shuffled: always what the city says."""
    official = labels(source)
    with city(kind, tmp_path / "data") as service:
        first = imported(service, source)
        assert first["rows read"] == first["orders"] == orders
        assert first["new events"] == first["accepted by the service"] > 2 * orders
        assert published(service) == official
        before = numbers(service)

        again = imported(service, source)
        assert again["events unchanged"] == first["new events"]
        assert again["new events"] == again["corrections"] == 0
        assert again["orders missing in the file"] == 0
        assert numbers(service) == before

    with city(kind, tmp_path / "other") as service:
        other = edited(source, tmp_path / "shuffled.csv", shuffled)
        assert imported(service, other)["new events"] == first["new events"]
        assert numbers(service) == before
        assert imported(service, source)["new events"] == 0
        assert numbers(service) == before


def test_the_excerpt_agrees_with_the_city(broker_kind: Kind, tmp_path: Path) -> None:
    check_agreement(broker_kind, tmp_path, EXCERPT, 579)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not FULL.exists(), reason=f"the full file is not there: {FULL}")
def test_the_full_year_agrees_with_the_city(broker_kind: Kind, tmp_path: Path) -> None:
    official = labels(FULL)
    assert official.closed.total() == 79_126
    assert official.on_time.total() == 60_054
    assert len(official.overdue) == 11_374
    check_agreement(broker_kind, tmp_path, FULL, 121_145)


def later(rows: list[Record]) -> list[Record]:
    """Close open orders, correct one time, empty one, move one, and leave one out."""
    was_open = [row for row in rows if not row["CLOSED_DT"]]
    closed = [row for row in rows if row["CLOSED_DT"] and row["TARGET_DT"]]
    for row in was_open[:20]:
        row["CLOSED_DT"] = "01/14/2016 09:00:00 AM"
    closed[0]["CLOSED_DT"] = "12/31/2015 11:59:59 PM"
    closed[1]["CLOSED_DT"] = ""
    closed[2]["TARGET_DT"] = ""
    closed[3]["neighborhood"] = "Roxbury" if closed[3]["neighborhood"] != "Roxbury" else "Mattapan"
    gone = closed[4]["CASE_ENQUIRY_ID"]
    return [row for row in rows if row["CASE_ENQUIRY_ID"] != gone]


def with_the_missing_row(rows: list[Record]) -> list[Record]:
    """The later export with the row that it left out, as it was."""
    gone = [dict(row) for row in rows if row["CLOSED_DT"] and row["TARGET_DT"]][4]
    return [*later(rows), gone]


def test_a_later_export_gives_its_own_state(broker_kind: Kind, tmp_path: Path) -> None:
    export = edited(EXCERPT, tmp_path / "later.csv", later)
    whole = edited(EXCERPT, tmp_path / "whole.csv", with_the_missing_row)
    with city(broker_kind, tmp_path / "fresh") as service:
        imported(service, whole)
        expected = numbers(service)

    with city(broker_kind, tmp_path / "data") as service:
        imported(service, EXCERPT, "--exported-at", "2016-01-13T00:00:00-05:00")
        original = numbers(service)
        assert original != expected
        report = tmp_path / "report.csv"
        figures = imported(
            service, export, "--exported-at", "2016-01-20T00:00:00-05:00", "--report", str(report)
        )
        assert figures["new events"] == 20
        # one closing time; one withdrawn; one target emptied; community and two units moved
        assert figures["corrections"] == 6
        assert figures["orders missing in the file"] == 1
        lines = list(csv.reader(report.read_text("utf-8-sig").splitlines()))
        assert [line[2] for line in lines] == ["reason", "missing_order"]
        assert numbers(service) == expected, "and the missing order is still there"
        assert imported(service, export)["corrections"] == 0

        back = imported(service, EXCERPT, "--exported-at", "2016-02-01T00:00:00-05:00")
        assert back["corrections"] == 20 + 6
        assert numbers(service) == original


def test_a_kill_during_an_import_costs_nothing(broker_kind: Kind, tmp_path: Path) -> None:
    source = edited(EXCERPT, tmp_path / "many.csv", multiplied)
    data = tmp_path / "data"
    with fresh_log(broker_kind) as log:
        service = start_service(data, *boston_options(), environment=log)
        with importing(service, source, "--patience", "1") as process:
            await_stored(service, 1_000)
            service.kill()
            assert process.wait(timeout=60) == 3
            assert process.stderr is not None
            assert "Import the same file again" in process.stderr.read()

        with running_service(data, *boston_options(), environment=log) as service:
            figures = imported(service, source)
            assert figures["events unchanged"] > 0, "some of it had been stored"
            assert figures["new events"] > 0, "and not all of it"
            assert figures["orders"] == 579 * COPIES
            survived = numbers(service)
    with city(broker_kind, tmp_path / "calm") as service:
        imported(service, source)
        assert numbers(service) == survived


def test_an_import_waits_for_a_service_that_comes_back(tmp_path: Path) -> None:
    source = edited(EXCERPT, tmp_path / "many.csv", multiplied)
    data = tmp_path / "data"
    service = start_service(data, *boston_options())
    port = service.url.rpartition(":")[2]
    with importing(service, source) as process:
        await_stored(service, 1_000)
        service.kill()
        with running_service(data, *boston_options(), "--port", port) as revived:
            assert process.wait(timeout=120) == 0
            assert imported(revived, source)["new events"] == 0
            survived = numbers(revived)
    with running_service(tmp_path / "calm", *boston_options()) as calm:
        imported(calm, source)
        assert numbers(calm) == survived
