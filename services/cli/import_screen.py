"""What ``hotline import`` shows: progress while it runs, figures when it is done."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from services.ingest.importing.report import Report, Summary
from services.ingest.importing.run import Watcher

_SECONDS_BETWEEN_LINES: Final = 5.0


class _Bar:
    """A bar for each stage, on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._stage = ""
        self._total = 0
        self._began = 0.0

    def begin(self, stage: str, total: int) -> None:
        self._finish()
        self._stage, self._total, self._began = stage, total, time.monotonic()
        self._task = self._progress.add_task(stage, total=total, note="")

    def advance(self, done: int, events: int) -> None:
        if self._task is not None:
            note = _note(self._stage, done, self._total, events, self._began)
            self._progress.update(self._task, completed=done, note=note)

    def _finish(self) -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=self._total)


class _Lines:
    """A line every few seconds where there is no terminal."""

    def __init__(self) -> None:
        self._stage, self._total, self._began, self._next = "", 0, 0.0, 0.0

    def begin(self, stage: str, total: int) -> None:
        self._stage, self._total, self._began = stage, total, time.monotonic()
        self._next = self._began + _SECONDS_BETWEEN_LINES

    def advance(self, done: int, events: int) -> None:
        now = time.monotonic()
        if now >= self._next or (done == self._total and self._stage != "reading"):
            self._next = now + _SECONDS_BETWEEN_LINES
            left = (now - self._began) * (self._total - done) / max(done, 1)
            note = _note(self._stage, done, self._total, events, self._began)
            sys.stdout.write(f"{self._stage}: {note}, {left:.0f} s left\n")
            sys.stdout.flush()


def _note(stage: str, done: int, total: int, events: int, began: float) -> str:
    rate = events / max(time.monotonic() - began, 0.001)
    # How many rows a file has is known when it has been read.
    far = f"{100 * done // max(total, 1)} %" if stage == "reading" else f"{done:,} / {total:,} rows"
    return f"{far}, {rate:,.0f} events/s"


@contextmanager
def watching(console: Console) -> Iterator[Watcher]:
    """Show progress: a bar on a terminal, else a line now and then."""
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bar(progress)


def print_summary(console: Console, summary: Summary, *, dry_run: bool) -> None:
    """Print the figures of an import."""
    table = Table(show_header=False, box=None)
    for name, figure in _figures(summary, dry_run=dry_run):
        table.add_row(name, f"{figure:,}")
    for reason, count in sorted(summary.rejected.items()):
        table.add_row(f"rejected 拒绝: {reason}", f"{count:,}", style="red")
    console.print(table)


def print_lines(console: Console, report: Report, path: Path | None) -> None:
    """Print the first rejected rows, and where all of them are."""
    if not report.first:
        return
    listing = Table("row 行", "column 列", "order 工单", "reason 原因", "detail 说明")
    for line in report.first:
        detail = f"{line.detail_zh} {line.detail}".strip()
        listing.add_row(str(line.row or ""), line.column, line.order, line.reason, detail)
    console.print(listing)
    if path is not None:
        console.print(f"all of them 完整清单: {path}", markup=False)
    elif report.count > len(report.first):
        more = report.count - len(report.first)
        console.print(f"{more:,} more, all with --report FILE. 其余请用 --report 导出")


def _figures(summary: Summary, *, dry_run: bool) -> Iterator[tuple[str, int]]:
    yield "rows read 读取行数", summary.rows
    yield "orders 工单", summary.orders
    yield ("new events, not sent 新事件（未发送）" if dry_run else "new events 新事件"), summary.new
    yield "corrections 更正", summary.corrections
    yield "events unchanged 未变事件", summary.unchanged
    if not dry_run:
        yield "accepted by the service 服务接收", summary.accepted
        yield "known to the service 服务已有（重复）", summary.duplicates
    if summary.missing_orders is not None:
        yield "orders missing in the file 文件中缺失的工单", summary.missing_orders
    notes = {
        "rows repeated 重复行": summary.repeated_rows,
        "corrections dated after this export 晚于本次导出的更正": summary.late_corrections,
        "local times that occur twice, first taken 重复的本地时间（取前者）": summary.times_twice,
        "local times that do not occur, moved on 不存在的本地时间（顺延）": summary.times_never,
    }
    yield from ((name, figure) for name, figure in notes.items() if figure)
