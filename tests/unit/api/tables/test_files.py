"""A table as files: what a spreadsheet reads back is what the table holds."""

from __future__ import annotations

import csv
from decimal import Decimal
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook

from services.api.tables.csv_file import csv_bytes
from services.api.tables.table import Cell, Table, plain
from services.api.tables.workbook import workbook_bytes

TABLE = Table(
    title="街道排名 2026-11",
    about=(("窗口", "2026-11"), ("截至", "2026-11-10T10:07:00+08:00")),
    headings=("名次", "单位", "得分"),
    rows=[
        (1, "东华门街道", Decimal("95.00")),
        (2, "=HYPERLINK(1)", Decimal("-0.5")),
        (None, '引号",逗号', None),
    ],
    key_columns=2,
    marked=frozenset({1}),
)


def test_a_csv_begins_with_a_mark_and_every_row_says_what_it_is_about() -> None:
    content = csv_bytes(TABLE)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(content.decode("utf-8-sig"))))
    about = ["2026-11", "2026-11-10T10:07:00+08:00"]
    assert rows == [
        ["名次", "单位", "得分", "窗口", "截至"],
        ["1", "东华门街道", "95.00", *about],
        ["2", "'=HYPERLINK(1)", "-0.5", *about],
        ["", '引号",逗号', "", *about],
    ]


def test_a_workbook_reads_back_with_its_numbers_and_no_formula() -> None:
    sheet = load_workbook(BytesIO(workbook_bytes([TABLE])))["街道排名 2026-11"]
    rows = list(sheet.iter_rows(min_row=4, values_only=True))
    assert sheet["A1"].value == TABLE.title
    assert sheet["A2"].value == "窗口：2026-11　截至：2026-11-10T10:07:00+08:00"
    assert rows == [
        TABLE.headings,
        (1, "东华门街道", 95),
        (2, "'=HYPERLINK(1)", -0.5),
        (None, '引号",逗号', None),
    ]
    assert sheet["C5"].number_format == "0.00"
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s", "n"}
    assert sheet.freeze_panes == "C5"
    assert sheet.print_title_rows == "$1:$4"
    assert sheet["B6"].fill.start_color.rgb != sheet["B5"].fill.start_color.rgb
    assert sheet.column_dimensions["B"].width > sheet.column_dimensions["A"].width


def test_sheets_of_one_title_have_names_of_their_own() -> None:
    long = TABLE._replace(title="名" * 40)
    book = load_workbook(BytesIO(workbook_bytes([long, long, long, TABLE._replace(title="a/b")])))
    assert book.sheetnames == ["名" * 31, f"{'名' * 29} 2", f"{'名' * 29} 3", "a-b"]


def test_a_control_character_breaks_no_workbook() -> None:
    table = TABLE._replace(rows=[(1, "a\x00b", None)])
    sheet = load_workbook(BytesIO(workbook_bytes([table]))).active
    assert sheet is not None
    assert sheet["B5"].value == "a\ufffdb"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("+86", "'+86"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("＝1", "'＝1"),
        ("", ""), ("正常", "正常"), ("a=1", "a=1"), (-1, -1), (Decimal(-1), Decimal(-1)), (None, None),
    ],
)  # fmt: skip
def test_no_text_is_taken_for_a_formula(cell: Cell, written: Cell) -> None:
    assert plain(cell) == written
