"""One row of a file to the events that it tells of."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.codec import decode_event
from schemas.envelope import PREFIX
from schemas.errors import EventError
from schemas.instants import Instant, format_instant
from schemas.records import Event
from services.ingest.importing.mapping import EventRule, FieldRule, Mapping
from services.ingest.importing.tables import Cell, Row
from services.ingest.importing.times import TimeError, TimeReader

_INTEGER: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)


class RowError(ValueError):
    """Why a row is rejected: the column, a reason code, and a sentence where it is no standard one.

    Holds no value of a cell.
    """

    def __init__(self, column: str, reason: str, detail: str = "", detail_zh: str = "") -> None:
        super().__init__(reason)
        self.column: Final = column
        self.reason: Final = reason
        self.detail: Final = detail
        self.detail_zh: Final = detail_zh


class RowEvents(NamedTuple):
    """What a row tells: the events it has, and the ids of those that it says have not happened."""

    order: str
    events: tuple[Event, ...]
    absent: tuple[str, ...]


class RowReader:
    """Applies one mapping. A row with any problem is rejected as a whole."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping: Final = mapping
        self._missing: Final = frozenset(mapping.missing)
        self.times: Final = TimeReader(mapping.time)

    def read(self, row: Row) -> RowEvents:
        """Read one row.

        Raises:
            RowError: the row is rejected.
        """
        if row.problem is not None:
            raise RowError(*row.problem)
        cells = _Cells(row, self._missing, self.times)
        order = cells.text(self._mapping.order)
        if order is None:
            raise RowError(self._mapping.order, "missing_value")
        events: list[Event] = []
        absent: list[str] = []
        for rule in self._mapping.events:
            name = self._id(rule, order, cells)
            if self._happened(rule, cells):
                events.append(self._event(rule, order, name, cells))
            else:
                absent.append(name)
        return RowEvents(order, tuple(events), tuple(absent))

    def _id(self, rule: EventRule, order: str, cells: _Cells) -> str:
        name = rule.id.replace("{order}", order)
        for column in rule.id_columns:
            text = cells.text(column)
            if text is None:
                raise RowError(column, "missing_value")
            name = name.replace("{" + column + "}", text)
        return name

    def _happened(self, rule: EventRule, cells: _Cells) -> bool:
        if rule.when is None:
            return True
        text = cells.text(rule.when.column)
        return text is not None and (rule.when.is_in is None or text in rule.when.is_in)

    def _event(self, rule: EventRule, order: str, name: str, cells: _Cells) -> Event:
        occurred_at = cells.instant(rule.time)
        if occurred_at is None:
            raise RowError(rule.time, "missing_value")
        data: dict[str, Any] = {}
        for field, origin in rule.data.items():
            value = _value(origin, cells)
            if value is not None:
                outer, _, inner = field.partition(".")
                if inner:
                    data.setdefault(outer, {})[inner] = value
                else:
                    data[outer] = value
        try:
            return decode_event(
                {
                    "specversion": "1.0",
                    "type": PREFIX + rule.type,
                    "source": self._mapping.source,
                    "id": name,
                    "subject": order,
                    "time": format_instant(occurred_at),
                    "data": data,
                }
            ).event
        except EventError as error:
            column = self._column(rule, error.path)
            raise RowError(column, error.reason, error.detail, error.detail_zh) from None

    def order_of(self, row: Row) -> str:
        """Give the order that a row names, "" if it names none; for rows that are rejected."""
        try:
            return _Cells(row, self._missing, self.times).text(self._mapping.order) or ""
        except RowError:
            return ""

    def column_of(self, event: Event, path: str) -> str:
        """Name the column (or columns) that a place inside an event comes from."""
        rules = [rule for rule in self._mapping.events if rule.type == event.type]
        return self._column(rules[0], path) if rules else self._mapping.order

    def _column(self, rule: EventRule, path: str) -> str:
        head, *rest = path.strip("/").split("/")
        if head == "data" and rest:
            for field, origin in rule.data.items():
                if field in (rest[0], ".".join(rest[:2])):
                    return ", ".join(origin.sources)
        places = {"subject": self._mapping.order, "time": rule.time}
        return places.get(head, ", ".join(rule.id_columns or (self._mapping.order,)))


class _Cells:
    """The cells of one row, each read at most once as a time."""

    def __init__(self, row: Row, missing: frozenset[str], times: TimeReader) -> None:
        self._cells = row.cells
        self._missing = missing
        self._times = times
        self._instants: dict[str, Instant | None] = {}

    def __getitem__(self, column: str) -> Cell:
        """Give the cell, None if it is empty; blanks around a text do not count."""
        cell = self._cells.get(column)
        if isinstance(cell, str):
            cell = cell.strip()
            return None if cell in self._missing else cell
        return cell

    def text(self, column: str) -> str | None:
        cell = self[column]
        if cell is None or isinstance(cell, str):
            return cell
        if isinstance(cell, datetime):
            return cell.isoformat(sep=" ")
        raise RowError(column, "list_of_other_things")

    def instant(self, column: str) -> Instant | None:
        if column not in self._instants:
            cell = self[column]
            if isinstance(cell, tuple):
                raise RowError(column, "time_format")
            try:
                self._instants[column] = None if cell is None else self._times.instant(cell)
            except TimeError as error:
                raise RowError(column, str(error)) from None
        return self._instants[column]


def _value(rule: FieldRule, cells: _Cells) -> Any:
    if "fixed" in rule.model_fields_set:
        return [rule.fixed] if rule.many else rule.fixed
    if rule.time is not None:
        instant = cells.instant(rule.time)
        return rule.missing if instant is None else format_instant(instant)
    if rule.many:
        found = [_known(rule, column, text) for column, text in _texts(rule, cells)]
        listed = [value for value in found if value is not None]
        return listed or (None if rule.missing is None else [rule.missing])
    for column in rule.sources:
        text = cells.text(column)
        if text is not None:
            return _known(rule, column, text)
    return rule.missing


def _texts(rule: FieldRule, cells: _Cells) -> list[tuple[str, str]]:
    """The texts of a list, each with its column."""
    texts: list[tuple[str, str]] = []
    for column in rule.sources:
        cell = cells[column]
        if isinstance(cell, tuple):
            texts += [(column, item.strip()) for item in cell]
        else:
            text = cells.text(column)
            if text is not None:
                parts = text.split(rule.separator) if rule.kind == "list" else [text]
                texts += [(column, part.strip()) for part in parts]
    return [(column, text) for column, text in texts if text]


def _known(rule: FieldRule, column: str, text: str) -> Any:
    if rule.values is not None:
        if text in rule.values:
            return rule.values[text]
        if "default" in rule.model_fields_set:
            return rule.default
        raise RowError(column, "value_not_in_mapping")
    if rule.kind == "integer":
        if not _INTEGER.fullmatch(text):
            raise RowError(column, "not_an_integer")
        return int(text)
    return text
