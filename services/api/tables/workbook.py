"""Tables as an Excel workbook, ready to be printed and sent: one sheet for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from io import BytesIO
from itertools import chain, islice
from typing import Any, Final
from unicodedata import east_asian_width

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.cell.cell import Cell as ExcelCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from services.api.tables.table import Cell, Row, Table, plain

_Sheet = Any  # a write-only sheet has all that is used here, its published types lack most of it

_FACE: Final = "微软雅黑"
_TITLE: Final = Font(name=_FACE, size=16, bold=True)
_ABOUT: Final = Font(name=_FACE, size=9, color="666666")
_HEADING: Final = Font(name=_FACE, size=10, bold=True, color="FFFFFF")
_BODY: Final = Font(name=_FACE, size=10)
_BLUE: Final = PatternFill("solid", start_color="1F4E79")
_MARK: Final = PatternFill("solid", start_color="FDE9E7")
_LINE: Final = Side(style="thin", color="BFBFBF")
_BORDER: Final = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_CENTRE: Final = Alignment(horizontal="center", vertical="center", wrap_text=True)
_LEFT: Final = Alignment(vertical="center")
_WRAPPED: Final = Alignment(vertical="top", wrap_text=True)

_HEADING_ROW: Final = 4  # after the title, what it is about, and an empty row
_NARROWEST: Final = 7.0  # characters
_WIDEST: Final = 60.0
_HEADING_LINES: Final = 2  # that a heading may be broken into
_LOOKED_AT: Final = 400  # rows that decide how wide a column is
_A4: Final = 9
_SHEET_NAME: Final = 31  # characters that Excel allows
_NOT_IN_A_NAME: Final = str.maketrans(dict.fromkeys("[]:*?/\\", "-"))


def workbook_bytes(tables: Sequence[Table]) -> bytes:
    """Write the tables in their order (blocking, a second for 50 000 rows)."""
    book = Workbook(write_only=True)
    names: set[str] = set()
    for table in tables:
        name = _sheet_name(table.title, names)
        names.add(name)
        sheet = book.create_sheet(name)
        _set_up(sheet, table)
        for row in _rows(sheet, table):
            sheet.append(row)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _sheet_name(title: str, taken: set[str]) -> str:
    name = title.translate(_NOT_IN_A_NAME)[:_SHEET_NAME] or "Sheet"
    number = 2
    while name in taken:
        ending = f" {number}"
        name = name.removesuffix(f" {number - 1}")[: _SHEET_NAME - len(ending)] + ending
        number += 1
    return name


def _set_up(sheet: _Sheet, table: Table) -> None:
    """Widths, what stays in sight, and how it is printed; all of it before the first row."""
    for place, width in enumerate(_widths(table), start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    first = get_column_letter(table.key_columns + 1)
    last = get_column_letter(len(table.headings))
    sheet.freeze_panes = f"{first}{_HEADING_ROW + 1}"
    end = _HEADING_ROW + max(len(table.rows), 1)
    sheet.auto_filter.ref = f"A{_HEADING_ROW}:{last}{end}"
    sheet.row_dimensions[1].height = 28
    sheet.row_dimensions[_HEADING_ROW].height = 32
    sheet.print_title_rows = f"1:{_HEADING_ROW}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = _A4
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.center.text = "第 &P 页，共 &N 页"


def _rows(sheet: _Sheet, table: Table) -> Iterator[list[ExcelCell]]:
    yield [_cell(sheet, table.title, _TITLE, _LEFT)]
    about = "　".join(f"{label}：{value}" for label, value in table.about)
    yield [_cell(sheet, about, _ABOUT, _LEFT)]
    yield []
    yield [_cell(sheet, text, _HEADING, _CENTRE, _BLUE, boxed=True) for text in table.headings]
    for place, row in enumerate(table.rows):
        fill = _MARK if place in table.marked else None
        yield [_cell(sheet, value, _BODY, _WRAPPED, fill, boxed=True) for value in row]


def _cell(
    sheet: _Sheet,
    value: Cell,
    font: Font,
    alignment: Alignment,
    fill: PatternFill | None = None,
    *,
    boxed: bool = False,
) -> ExcelCell:
    if isinstance(value, str):
        value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)  # XML knows no control characters
    written: Any = plain(value)  # decimals too are written, digit by digit
    cell = WriteOnlyCell(sheet, value=written)
    cell.font = font
    cell.alignment = alignment
    if fill is not None:
        cell.fill = fill
    if boxed:
        cell.border = _BORDER
    if isinstance(value, Decimal):
        places = -int(value.as_tuple().exponent)
        cell.number_format = f"0.{'0' * places}" if places > 0 else "0"
    elif isinstance(value, str):
        cell.number_format = "@"
    return cell


def _widths(table: Table) -> list[float]:
    """As wide as the widest of the first rows; headings may take two lines."""
    found = [_NARROWEST] * len(table.headings)
    headings: Row = table.headings
    for row in chain(islice(table.rows, _LOOKED_AT), [headings]):
        lines = _HEADING_LINES if row is headings else 1
        for place, value in enumerate(row):
            width = 2 + _characters("" if value is None else str(value)) / lines
            found[place] = min(max(found[place], width), _WIDEST)
    return found


def _characters(text: str) -> int:
    """How many narrow characters a text is wide: a Chinese one takes two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
