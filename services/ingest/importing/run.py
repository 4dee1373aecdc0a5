"""The import itself: read the whole file, then send, then make sure, then look for missing orders.

Nothing is sent before the last row has been read, so a file that is cut short, in another
encoding or without a column sends nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Protocol

from schemas.instants import Instant
from schemas.records import Event
from services.ingest.importing.client import Service
from services.ingest.importing.document import LoadedMapping
from services.ingest.importing.report import Line, Report, Summary
from services.ingest.importing.rows import RowError, RowReader
from services.ingest.importing.sending import Sender
from services.ingest.importing.spool import Contradiction, Spool
from services.ingest.importing.tables import FileError, Format, open_table


class Watcher(Protocol):
    """Is told how far the import is."""

    def begin(self, stage: str, total: int) -> None:
        """Begin a stage: "reading" in bytes of the file, the others in rows."""
        ...

    def advance(self, done: int, events: int) -> None:
        """Tell what is done since the beginning of the stage, and the events handled in it."""
        ...


class Import:
    """One file and one mapping.

    Args:
        loaded: the mapping.
        spool: holds what was read; closed by whoever opened it.
        report: takes the rejected rows.
        watcher: takes the progress.
    """

    def __init__(
        self, loaded: LoadedMapping, spool: Spool, report: Report, watcher: Watcher
    ) -> None:
        self._loaded: Final = loaded
        self._spool: Final = spool
        self._report: Final = report
        self._watcher: Final = watcher
        self._reader: Final = RowReader(loaded.mapping)
        self.summary: Final = Summary()
        self.partial = False

    def read(
        self, path: Path, form: Format, *, encoding: str | None = None, limit: int | None = None
    ) -> None:
        """Read and check all rows, or the first ``limit``.

        Raises:
            FileError: the file as a whole cannot be used; nothing was sent.
        """
        mapping = self._loaded.mapping
        seen: set[str] = set()
        events = 0
        with open_table(
            path,
            form,
            encoding=encoding or mapping.encoding,
            delimiter=mapping.delimiter,
            sheet=mapping.sheet,
        ) as table:
            if table.columns is not None:
                self._check_columns(table.columns)
            self._watcher.begin("reading", table.size)
            for row in table.rows:
                if limit is not None and self.summary.rows == limit:
                    self.partial = True
                    break
                self.summary.rows += 1
                if table.columns is None:
                    seen.update(row.cells)
                try:
                    told = self._reader.read(row)
                except RowError as problem:
                    self._reject(row.number, problem)
                    self._spool.note_rejected(self._reader.order_of(row))
                    continue
                events += len(told.events)
                contradiction = self._spool.add(row.number, told)
                if contradiction is not None:
                    self._contradicted(row.number, contradiction)
                self._watcher.advance(table.bytes_read(), events)
        if not self.summary.rows:
            raise FileError("the file has no rows. 文件没有数据行。")
        if table.columns is None and not self.partial:
            self._check_columns(seen)
        self.summary.times_twice = self._reader.times.twice
        self.summary.times_never = self._reader.times.never
        self.summary.repeated_rows = self._spool.repeated_rows
        self.summary.orders = self._spool.count()

    def send(self, service: Service, exported_at: Instant, *, dry_run: bool = False) -> None:
        """Bring the service to what the file says, and wait until it holds that.

        Raises:
            ServiceError: the service stopped answering; the import may be repeated.
        """
        sender = Sender(
            service, self._loaded.mapping.source, exported_at, self.summary, dry_run=dry_run
        )
        self._watcher.begin("comparing" if dry_run else "sending", self.summary.rows)
        for line, event in sender.send(self._spool.orders(), self._watcher.advance):
            self.summary.rejected[line.reason] += 1
            self._spool.leave_out(event.subject)
            self._report.add(line._replace(column=self._reader.column_of(event, line.column)))
        if not dry_run and self.summary.accepted:
            self._watcher.begin("confirming", self.summary.rows)
            sender.confirm(self._spool.orders(), self._watcher.advance)

    def find_missing(self, service: Service) -> None:
        """Report the orders that the service holds and the file does not name.

        Raises:
            ServiceError: the service stopped answering.
        """
        if self.partial:
            return
        self.summary.missing_orders = 0
        column = self._loaded.mapping.order
        for order in service.orders(self._loaded.mapping.source):
            if not self._spool.names(order):
                self.summary.missing_orders += 1
                self._report.add(Line(0, column, "missing_order", order=order))

    def _reject(self, row: int, problem: RowError) -> None:
        self.summary.rejected[problem.reason] += 1
        self._report.add(
            Line(row, problem.column, problem.reason, problem.detail, problem.detail_zh)
        )

    def _contradicted(self, row: int, contradiction: Contradiction) -> None:
        column = ", ".join(self._differing(contradiction.ours, contradiction.theirs))
        self.summary.rejected["rows_contradict"] += 1
        self._report.add(
            Line(
                row,
                column,
                "rows_contradict",
                f"Row {contradiction.first_row} says something else of the same order; "
                "the order was left out.",
                f"第 {contradiction.first_row} 行对同一工单的内容不同，该工单未导入。",
            )
        )

    def _differing(self, ours: Event | None, theirs: Event | None) -> Iterator[str]:
        """Name the columns in which two rows differ."""
        if ours is None or theirs is None:
            told = ours or theirs
            if told is not None:
                yield self._reader.column_of(told, "/time")
            return
        if ours.occurred_at != theirs.occurred_at:
            yield self._reader.column_of(ours, "/time")
        for field in sorted(ours.data.keys() | theirs.data.keys()):
            if ours.data.get(field) != theirs.data.get(field):
                yield self._reader.column_of(ours, f"/data/{field}")

    def _check_columns(self, columns: Iterable[str]) -> None:
        there = list(dict.fromkeys(name for name in columns if name))
        if there and not any(use.column in there for use in self._loaded.mapping.uses()):
            # The names are not shown: without a header they are the cells of an order.
            raise FileError(
                "the first row names none of the mapping's columns: is it a header, and do the "
                "delimiter and the mapping belong to this file? 首行不含映射所列的列名。"
            )
        complaints = []
        for use in self._loaded.mapping.uses():
            if use.column in there:
                continue
            near = get_close_matches(use.column, there, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            complaints.append(
                f"{self._loaded.where(use.place)}: the file has no column {use.column!r}.{hint}"
            )
        if complaints:
            raise FileError(
                "\n".join(
                    [*complaints, f"Its columns are: {', '.join(there)}. 文件缺少映射所列的列。"]
                )
            )
