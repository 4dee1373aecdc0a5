"""``hotline import``: options, and what becomes of every kind of failure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from schemas.instants import MINUTE, Instant, from_datetime, parse_instant
from services.cli.import_screen import print_lines, print_summary, watching
from services.ingest.importing.client import Service, ServiceError
from services.ingest.importing.document import MappingError, find_mapping
from services.ingest.importing.report import Report
from services.ingest.importing.run import Import
from services.ingest.importing.spool import open_spool
from services.ingest.importing.tables import FileError, Format, format_of
from services.web.connection import PATIENCE, AddressError

REJECTED: Final = 1  # rows were rejected; everything else was imported
UNUSABLE: Final = 2  # mapping, file or options: nothing was sent
UNAVAILABLE: Final = 3  # the service failed; importing again completes it

_FUTURE_TOLERANCE: Final = 5 * MINUTE
_FORMATS: Final[dict[str, Format]] = {"csv": "csv", "ndjson": "ndjson", "excel": "excel"}


class _OptionError(ValueError):
    """An option says nothing that can be used."""


def import_file(  # noqa: PLR0917 -- typer takes options by name
    file: Annotated[Path, typer.Argument(help="CSV (also .gz), NDJSON or Excel file. 文件")],
    mapping: Annotated[
        str, typer.Option(help="A mapping file, or the name of a shipped one: boston-311, … 映射")
    ],
    url: Annotated[
        str, typer.Option(help="The running service. 服务地址")
    ] = "http://127.0.0.1:8000",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and compare, but send nothing. 试运行")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Write every rejected row and missing order to this CSV. 报告"),
    ] = None,
    exported_at: Annotated[
        str | None,
        typer.Option(
            help="When the file was exported (RFC 3339); else its modification time. 导出时间"
        ),
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="csv, ndjson or excel; else by the name. 格式")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="utf-8-sig, gb18030, …; else as the mapping says. 编码")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first rows. 只读前若干行")
    ] = None,
    patience: Annotated[
        float,
        typer.Option(min=0, help="Seconds to wait for a service that does not answer. 等待秒数"),
    ] = PATIENCE,
) -> None:
    """导入工单文件 · Import a file of work orders into the running service.

    Importing the same file again changes nothing; a later export of the same orders becomes
    corrections. Exit code 1: rows were rejected; 2: nothing was sent; 3: the service failed.
    """
    console = Console(markup=False, highlight=False)
    try:
        loaded = find_mapping(mapping)
        instant = _exported_at(file, exported_at)
        kind = _format(file, form)
        with (
            _report(report) as lines,
            watching(console) as watcher,
            open_spool(loaded.mapping) as spool,
            Service(url, patience=patience) as service,
        ):
            service.check()
            job = Import(loaded, spool, lines, watcher)
            job.read(file, kind, encoding=encoding, limit=limit)
            job.send(service, instant, dry_run=dry_run)
            job.find_missing(service)
    except MappingError as error:
        raise _failed(f"mapping 映射: {error}", UNUSABLE) from None
    except FileError as error:
        raise _failed(f"{file.name}: {error}", UNUSABLE) from None
    except (AddressError, _OptionError) as error:
        raise _failed(str(error), UNUSABLE) from None
    except ServiceError as error:
        raise _failed(str(error), UNAVAILABLE) from None
    print_summary(console, job.summary, dry_run=dry_run)
    print_lines(console, lines, report)
    if not job.summary.complete:
        raise typer.Exit(REJECTED)


def _exported_at(file: Path, text: str | None) -> Instant:
    now = from_datetime(datetime.now(UTC))
    if text is None:
        try:
            modified = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except OSError as error:
            raise FileError(f"cannot be read: {error.strerror}. 无法读取文件。") from None
        return min(from_datetime(modified), now)
    try:
        instant = parse_instant(text)
    except ValueError as error:
        raise _OptionError(f"--exported-at is {error}. 导出时间格式不正确。") from None
    if instant > now + _FUTURE_TOLERANCE:
        raise _OptionError("--exported-at lies in the future. 导出时间晚于当前时刻。")
    return instant


def _format(file: Path, text: str | None) -> Format:
    if text is None:
        return format_of(file)
    if text not in _FORMATS:
        raise _OptionError(f"--format is one of {', '.join(_FORMATS)}. 文件格式须为其中之一。")
    return _FORMATS[text]


@contextmanager
def _report(path: Path | None) -> Iterator[Report]:
    if path is None:
        yield Report(None)
        return
    try:
        file = path.open("w", encoding="utf-8-sig", newline="")
    except OSError as error:
        raise _OptionError(
            f"--report {path} cannot be written: {error.strerror}. 无法写入报告文件。"
        ) from None
    with file:
        yield Report(file)


def _failed(text: str, code: int) -> typer.Exit:
    Console(stderr=True, soft_wrap=True).print(text, style="red", markup=False, highlight=False)
    return typer.Exit(code)
