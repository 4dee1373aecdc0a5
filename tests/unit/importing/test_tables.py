from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from services.ingest.importing.tables import FileError, Row, format_of
from tests.unit.importing.support import rows_of


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.csv", "csv"),
        ("a.CSV.gz", "csv"),
        ("2026.07.jsonl", "ndjson"),
        ("a.ndjson.gz", "ndjson"),
        ("工单.xlsx", "excel"),
    ],
)
def test_the_name_tells_the_format(name: str, form: str) -> None:
    assert format_of(Path(name)) == form


def test_a_name_that_tells_nothing() -> None:
    with pytest.raises(FileError, match="--format"):
        format_of(Path("orders.txt"))


def test_csv_rows_are_numbered_like_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,text\r\n1,"two\r\nlines"\r\n\r\n2,x\r\n', "utf-8-sig", newline="")
    assert rows_of(path) == [
        Row(2, {"id": "1", "text": "two\r\nlines"}),
        Row(4, {"id": "2", "text": "x"}),
    ]


def test_csv_from_chinese_windows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("工单号;街道\n热线-1;朝阳门\n", "gb18030")
    assert rows_of(path, encoding="gb18030", delimiter=";")[0].cells["街道"] == "朝阳门"


@pytest.mark.parametrize("compress", [False, True])
def test_another_encoding_is_an_error_of_the_file(tmp_path: Path, compress: bool) -> None:
    path = tmp_path / "a.csv"
    body = ("id,unit\n" + "1,街道\n" * 5_000).encode("gb18030")
    path.write_bytes(gzip.compress(body) if compress else body)
    with pytest.raises(FileError, match="gb18030"):
        rows_of(path)


def test_unknown_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n")
    with pytest.raises(FileError, match="no encoding klingon"):
        rows_of(path, encoding="klingon")


def test_gzip_is_read_and_a_cut_one_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    body = gzip.compress(b"id\n" + b"".join(b"%d\n" % number for number in range(9_999)))
    path.write_bytes(body)
    assert len(rows_of(path)) == 9_999
    path.write_bytes(body[:-100])
    with pytest.raises(FileError, match="cut short"):
        rows_of(path)


def test_bad_csv_rows_do_not_stop_the_others(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,b\n1\n2,x\n3,"x"y\n4,x,y\n5,x\n')
    assert [(row.number, row.problem) for row in rows_of(path)] == [
        (2, ("", "wrong_number_of_cells")),
        (3, None),
        (4, ("", "malformed_csv")),
        (5, ("", "wrong_number_of_cells")),
        (6, None),
    ]


def test_a_quote_that_is_never_closed_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,b\n1,x\n2,"x\n3,x\n')
    assert rows_of(path)[-1] == Row(3, {}, ("", "malformed_csv"))


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "empty"), ("id,id\n1,2\n", "columns twice: id"), (",\n1,2\n", "names no column")],
)
def test_bad_headers(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(FileError, match=message):
        rows_of(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        rows_of(tmp_path / "none.csv")


def test_ndjson_keeps_numbers_as_written(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    lines = [
        '{"id": 260703070307260703, "n": 1.50, "ok": true, "none": null, "tags": ["a", "b"]}',
        "",
        '{"id": "2", "caller": {"channel": "web"}}',
        "[1]",
        '{"id": ',
        '{"id": "3", "tags": [{}]}',
    ]
    path.write_text("\n".join(lines))
    assert rows_of(path) == [
        Row(
            1,
            {
                "id": "260703070307260703",
                "n": "1.50",
                "ok": "true",
                "none": None,
                "tags": ("a", "b"),
            },
        ),
        Row(3, {"id": "2", "caller.channel": "web"}),
        Row(4, {}, ("", "not_an_object")),
        Row(5, {}, ("", "malformed_json")),
        Row(6, {"id": "3"}, ("tags", "list_of_other_things")),
    ]


def test_ndjson_that_nests_too_deep(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text("[" * 100_000 + "\n" + json.dumps({"id": "1"}) + "\n")
    assert rows_of(path) == [Row(1, {}, ("", "malformed_json")), Row(2, {"id": "1"})]


def workbook(path: Path, *lines: tuple[Any, ...]) -> Path:
    book = Workbook()
    page = book.active
    assert page is not None
    for line in lines:
        page.append(list(line))
    book.create_sheet("第二页").append(["id"])
    book.save(path)
    return path


def test_excel(tmp_path: Path) -> None:
    opened = datetime.fromisoformat("2026-07-03T09:00")
    path = workbook(
        tmp_path / "a.xlsx",
        ("id", "opened", "n", None),
        (101001240734, opened, 1.5, "beyond the header"),
        (),
        ("A-2", None, True, None),
        (2607030703072607031, opened, 2, None),
    )
    assert rows_of(path) == [
        Row(2, {"id": "101001240734", "opened": opened, "n": "1.5", "": None}),
        Row(4, {"id": "A-2", "opened": None, "n": "true", "": None}),
        Row(
            5,
            {"id": None, "opened": opened, "n": "2", "": None},
            ("id", "number_too_long_for_excel"),
        ),
    ]
    assert rows_of(path, sheet="第二页") == []
    with pytest.raises(FileError, match="the sheets are Sheet, 第二页"):
        rows_of(path, sheet="第三页")


def test_what_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text("id\n1\n")
    with pytest.raises(FileError, match="no Excel workbook"):
        rows_of(path)
