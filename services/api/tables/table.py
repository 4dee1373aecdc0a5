"""A table as a spreadsheet wants it: a title, what it is about, headings and cells."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

Cell = str | int | Decimal | None
"""Null is an empty cell; a decimal keeps the digits that it was written with."""

Row = tuple[Cell, ...]

_STARTS_A_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠")


class Table(NamedTuple):
    """One table. ``about`` are label and value of what holds for all its rows.

    Every row has as many cells as there are ``headings``. ``key_columns``: how many at the left say
    whose row it is. ``marked``: places of the rows that stand out, such as units at the bottom.
    """

    title: str
    about: tuple[tuple[str, str], ...]
    headings: tuple[str, ...]
    rows: Sequence[Row]
    key_columns: int = 1
    marked: frozenset[int] = frozenset()


def number(text: str | None) -> Decimal | None:
    """A decimal of an answer, which is a text there; null stays null."""
    return None if text is None else Decimal(text)


def plain(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula: such a text gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in _STARTS_A_FORMULA else cell


def yes(value: bool) -> str:
    """是 or an empty cell."""
    return "是" if value else ""
