"""Files to rows: CSV, NDJSON, Excel, each also read from inside gzip. A cell is a text or a time.

A row's number is the one a spreadsheet shows: the header is row 1. In NDJSON it is the line.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

Format = Literal["csv", "ndjson", "excel"]
Cell = str | datetime | tuple[str, ...] | None
"""A list of texts occurs in NDJSON only."""

_SUFFIXES: Final[dict[str, Format]] = {
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".xlsx": "excel",
    ".xlsm": "excel",
}
_GZIP: Final = b"\x1f\x8b"
_EXACT_IN_EXCEL: Final = 10**15  # Excel keeps 15 digits; what is longer has already been rounded


class FileError(ValueError):
    """The file as a whole cannot be read; the text says what to do."""


class Row(NamedTuple):
    """One row. ``problem`` names why it cannot be read, with its column if there is one."""

    number: int
    cells: Mapping[str, Cell]
    problem: tuple[str, str] | None = None


class Table(NamedTuple):
    """Rows, the columns known before reading them (None: only the rows tell), and progress.

    ``bytes_read`` tells how far into the file (of ``size`` bytes) the reading has come.
    """

    columns: tuple[str, ...] | None
    rows: Iterator[Row]
    size: int
    bytes_read: Callable[[], int]


def format_of(path: Path) -> Format:
    """Tell the format by the file's name.

    Raises:
        FileError: the name tells nothing.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    for suffix in reversed(suffixes):
        if suffix in _SUFFIXES:
            return _SUFFIXES[suffix]
    known = ", ".join(_SUFFIXES)
    raise FileError(f"the name does not end in {known}; say --format. 请用 --format 指定文件格式。")


@contextmanager
def open_table(
    path: Path, form: Format, *, encoding: str, delimiter: str, sheet: str | None
) -> Iterator[Table]:
    """Open a file for one reading from top to bottom.

    Raises:
        FileError: also while the rows are being read (bad encoding, truncated gzip).
    """
    try:
        with path.open("rb") as raw:
            plain = _unzipped(raw)
            size = path.stat().st_size
            columns: tuple[str, ...] | None = None
            if form == "excel":
                columns, rows = _excel(plain, sheet)
            else:
                text = io.TextIOWrapper(plain, encoding=encoding, newline="")
                if form == "csv":
                    columns, rows = _csv(text, delimiter)
                else:
                    rows = _ndjson(text)
            yield Table(columns, rows, size, raw.tell)
    except UnicodeDecodeError:
        raise FileError(
            f"the text is not {encoding}. Say which encoding it has with --encoding "
            "or with `encoding:` in the mapping: utf-8-sig, gb18030 (Chinese Windows), … "
            "文件编码不符，请用 --encoding 指定。"
        ) from None
    except LookupError:
        raise FileError(
            f"no encoding {encoding}; say utf-8-sig, gb18030, … 没有这种编码。"
        ) from None
    except (EOFError, gzip.BadGzipFile):
        raise FileError("the gzip file is damaged or cut short. 压缩文件已损坏或不完整。") from None
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}. 无法读取文件。") from None


def _unzipped(raw: io.BufferedReader) -> BinaryIO:
    if raw.peek(2)[:2] == _GZIP:
        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    return raw


def _header(cells: list[str]) -> tuple[str, ...]:
    named = [name for name in cells if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise FileError(f"the header names columns twice: {', '.join(twice)}. 表头有重复的列名。")
    if not named:
        raise FileError("the first row names no column. 首行没有列名。")
    return tuple(cells)


def _csv(text: io.TextIOWrapper, delimiter: str) -> tuple[tuple[str, ...], Iterator[Row]]:
    # Strict, because a lenient reader swallows all rows after a quote that is never closed.
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        columns = _header(next(reader))
    except StopIteration:
        raise FileError("the file is empty. 文件为空。") from None
    except csv.Error as error:
        raise FileError(f"the header is no CSV: {error}") from None
    return columns, _csv_rows(reader, columns)


def _csv_rows(reader: Any, columns: tuple[str, ...]) -> Iterator[Row]:
    number = 1
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Row(number, {}, ("", "malformed_csv"))
            continue
        if not cells:
            continue
        if len(cells) != len(columns):
            yield Row(number, {}, ("", "wrong_number_of_cells"))
        else:
            yield Row(number, dict(zip(columns, cells, strict=True)))


def _ndjson(text: io.TextIOWrapper) -> Iterator[Row]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            # Numbers stay as they are written: an order number is no float.
            record = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            yield Row(number, {}, ("", "malformed_json"))
            continue
        if not isinstance(record, dict):
            yield Row(number, {}, ("", "not_an_object"))
            continue
        cells: dict[str, Cell] = {}
        problem = _flatten(record, "", cells)
        yield Row(number, cells, problem)


def _flatten(record: dict[str, Any], prefix: str, cells: dict[str, Cell]) -> tuple[str, str] | None:
    """Fields of nested objects are columns named with dots: ``caller.channel``."""
    problem = None
    for key, value in record.items():
        name = prefix + key
        if isinstance(value, dict):
            problem = _flatten(value, name + ".", cells) or problem
        elif isinstance(value, list):
            if all(isinstance(item, str) for item in value):
                cells[name] = tuple(value)
            else:
                problem = (name, "list_of_other_things")
        elif isinstance(value, bool):
            cells[name] = "true" if value else "false"
        else:
            cells[name] = value
    return problem


def _excel(plain: BinaryIO, sheet: str | None) -> tuple[tuple[str, ...], Iterator[Row]]:
    try:
        book = load_workbook(plain, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError):
        raise FileError("this is no Excel workbook (.xlsx). 不是 Excel 工作簿。") from None
    if sheet is not None and sheet not in book.sheetnames:
        raise FileError(
            f"no sheet of that name; the sheets are {', '.join(book.sheetnames)}. 没有这个工作表。"
        )
    page = book[sheet] if sheet is not None else book.worksheets[0]
    lines = page.iter_rows(values_only=True)
    first = next(lines, None)
    if first is None:
        raise FileError("the sheet is empty. 工作表为空。")
    columns = _header([str(name) if name is not None else "" for name in first])
    return columns, _excel_rows(lines, columns)


def _excel_rows(lines: Iterator[tuple[Any, ...]], columns: tuple[str, ...]) -> Iterator[Row]:
    for number, line in enumerate(lines, 2):
        if all(value is None for value in line):
            continue
        cells: dict[str, Cell] = {}
        problem = None
        for name, value in zip(columns, line, strict=False):
            if isinstance(value, int | float) and abs(value) >= _EXACT_IN_EXCEL:
                problem = (name, "number_too_long_for_excel")
            elif name:
                cells[name] = _excel_cell(value)
        yield Row(number, dict.fromkeys(columns) | cells, problem)


def _excel_cell(value: Any) -> Cell:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case datetime():
            return value
        case date():
            return datetime.combine(value, time())
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
