"""Lists cut to what one query parameter may hold.

A ClickHouse server refuses a form field above 128 KiB (``http_max_field_value_size``); chDB takes
more, but one limit for both keeps their behaviour alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

PARAMETER_BYTES: Final = 96 * 1024
_QUOTES_AND_COMMA: Final = 4


def by_bytes(items: Sequence[T], text: Callable[[T], str] = str) -> Iterator[list[T]]:
    """Cut into lists whose ``text``, escaped, fits into one parameter."""
    part: list[T] = []
    size = 0
    for item in items:
        plain = text(item)
        length = len(plain.encode()) + plain.count("\\") + plain.count("'") + _QUOTES_AND_COMMA
        if part and size + length > PARAMETER_BYTES:
            yield part
            part, size = [], 0
        part.append(item)
        size += length
    if part:
        yield part
