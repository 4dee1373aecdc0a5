"""Bad files and other formats, through the running service."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.integration.importing.support import SOURCE, figures, imported, numbers, run_import
from tests.support.boston import EXCERPT
from tests.support.service import Service, running_service

NL_EXCERPT = Path(__file__).parents[2] / "data" / "nl_receipt_excerpt.csv"
NL_FULL = Path(__file__).parents[4] / "shared" / "data" / "nl_municipality_receipt_events.csv.gz"
PHONE = "13800138000"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all of them: what is refused leaves nothing behind."""
    options = ("--policy", "on-time", "--time-zone", "America/New_York")
    with running_service(tmp_path_factory.mktemp("files"), *options) as running:
        yield running


def stored(service: Service, source: str = SOURCE) -> list[str]:
    orders: list[str] = service.get("/v1/imports/orders", source=source)["orders"]
    return orders


def test_a_wrong_column_sends_nothing(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(EXCERPT.read_text("utf-8").replace("TARGET_DT", "TARGET_DATE", 1), "utf-8")
    done = run_import(service, path)
    assert done.returncode == 2
    assert "boston-311.yaml line 43 (events.1.data.resolve_due)" in done.stderr
    assert "no column 'TARGET_DT'. Did you mean 'TARGET_DATE'?" in done.stderr
    assert "CASE_ENQUIRY_ID, OPEN_DT, TARGET_DATE, CLOSED_DT" in done.stderr
    assert "Traceback" not in done.stderr
    assert stored(service) == []


def test_a_file_without_a_header_is_not_shown(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "headless.csv"
    path.write_text(f"A-1,张三,{PHONE}\nA-2,李四,{PHONE}\n", "utf-8")
    done = run_import(service, path)
    assert done.returncode == 2
    assert "is it a header" in done.stderr
    assert PHONE not in done.stdout + done.stderr
    assert "张三" not in done.stdout + done.stderr


def test_a_file_cut_short_sends_nothing(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(EXCERPT.read_bytes())[:-2_000])
    done = run_import(service, path)
    assert done.returncode == 2
    assert "cut short" in done.stderr
    assert stored(service) == []


def test_another_encoding_sends_nothing(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "windows.csv"
    lines = EXCERPT.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[-1].replace(",", ",街", 1)]), "gb18030")
    done = run_import(service, path)
    assert done.returncode == 2
    assert "--encoding" in done.stderr
    assert stored(service) == []


def test_a_bad_mapping_names_its_line(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("source: urn:x\norder: id\nevnets: []\n")
    done = run_import(service, EXCERPT, mapping=str(path))
    assert done.returncode == 2
    assert "mine.yaml line 3 (evnets): no such key" in done.stderr


def test_no_service_is_told_at_once(service: Service) -> None:
    done = run_import(service, EXCERPT, "--url", "http://127.0.0.1:9")
    assert done.returncode == 3
    assert "hotline up" in done.stderr


def test_a_dry_run_sends_nothing(service: Service) -> None:
    done = run_import(service, EXCERPT, "--dry-run")
    assert done.returncode == 0
    assert figures(done.stdout)["rows read"] == 579
    assert figures(done.stdout)["new events, not sent"] == 1525
    assert stored(service) == []


def test_bad_rows_are_reported_and_the_others_imported(service: Service, tmp_path: Path) -> None:
    lines = [line for line in EXCERPT.read_text("utf-8").splitlines() if '"' not in line]
    bad = lines[3].split(",")
    labelled = next(line for line in lines if ",OVERDUE," in line)
    path = tmp_path / "bad.csv"
    path.write_text(
        "\n".join(
            [
                lines[0],
                lines[1],
                ",".join(["A-1", f"{PHONE} 张三", *bad[2:]]),
                ",".join(["", *bad[1:]]),
                lines[2] + ",one cell too many",
                labelled.replace("OVERDUE", PHONE),
            ]
        ),
        "utf-8",
    )
    mapping = tmp_path / "other.yaml"
    shipped = Path(__file__).parents[3] / "services" / "ingest" / "mappings" / "boston-311.yaml"
    mapping.write_text(shipped.read_text("utf-8").replace(SOURCE, "urn:test:bad"), "utf-8")
    report = tmp_path / "report.csv"
    done = run_import(service, path, "--report", str(report), mapping=str(mapping))
    assert done.returncode == 1
    assert figures(done.stdout)["orders"] == 1
    assert len(stored(service, "urn:test:bad")) == 1
    with report.open(encoding="utf-8-sig", newline="") as file:
        told = [(line["row"], line["column"], line["reason"]) for line in csv.DictReader(file)]
    assert told == [
        ("3", "OPEN_DT", "time_format"),
        ("4", "CASE_ENQUIRY_ID", "missing_value"),
        ("5", "", "wrong_number_of_cells"),
        ("6", "OnTime_Status", "value_not_in_mapping"),
    ]
    everything = done.stdout + done.stderr + report.read_text("utf-8-sig") + service.log()
    assert PHONE not in everything
    assert "张三" not in everything


def test_what_the_service_refuses_is_reported_with_its_row(
    service: Service, tmp_path: Path
) -> None:
    lines = EXCERPT.read_text("utf-8").splitlines()[:4]
    fields = lines[2].split(",")
    path = tmp_path / "future.csv"
    fields[3] = "01/01/2199 09:00:00 AM"
    path.write_text("\n".join([lines[0], lines[1], ",".join(fields), lines[3]]), "utf-8")
    mapping = tmp_path / "other.yaml"
    shipped = Path(__file__).parents[3] / "services" / "ingest" / "mappings" / "boston-311.yaml"
    mapping.write_text(shipped.read_text("utf-8").replace(SOURCE, "urn:test:future"), "utf-8")
    report = tmp_path / "report.csv"
    done = run_import(service, path, "--report", str(report), mapping=str(mapping))
    assert done.returncode == 1
    assert len(stored(service, "urn:test:future")) == 2
    with report.open(encoding="utf-8-sig", newline="") as file:
        told = [(line["row"], line["column"], line["reason"]) for line in csv.DictReader(file)]
    assert told == [("3", "CLOSED_DT", "time_in_future")]


def test_the_three_formats_are_one(service: Service, tmp_path: Path) -> None:
    """Excel and NDJSON of the same rows find nothing to change after CSV."""
    first = imported(service, EXCERPT)
    before = numbers(service)
    with EXCERPT.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ndjson = tmp_path / "orders.ndjson"
    ndjson.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    book = Workbook(write_only=True)
    page = book.create_sheet("orders")
    page.append(list(rows[0]))
    for row in rows:
        page.append([int(row["CASE_ENQUIRY_ID"]), *[value or None for value in row.values()][1:]])
    excel = tmp_path / "orders.xlsx"
    book.save(excel)
    for path in (ndjson, excel):
        found = imported(service, path)
        assert found["events unchanged"] == first["new events"]
        assert found["new events"] == found["corrections"] == 0
    assert numbers(service) == before


@pytest.mark.parametrize(
    ("path", "cases", "rows"),
    [
        pytest.param(NL_EXCERPT, 42, 268, id="excerpt"),
        pytest.param(
            NL_FULL,
            1434,
            8577,
            id="full",
            marks=pytest.mark.skipif(not NL_FULL.exists(), reason=f"not there: {NL_FULL}"),
        ),
    ],
)
def test_the_dutch_log(service: Service, path: Path, cases: int, rows: int) -> None:
    first = imported(service, path, mapping="nl-receipt")
    assert (first["rows read"], first["orders"]) == (rows, cases)
    assert len(stored(service, "urn:nl:municipality:receipt")) == cases
    again = imported(service, path, mapping="nl-receipt")
    assert again["new events"] == again["corrections"] == 0
