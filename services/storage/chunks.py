"""Lists cut to what one query parameter may hold.

A ClickHouse server refuses a form field above 128 KiB (``http_max_field_value_size``); chDB takes
more, but one limit for both keeps their behaviour alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

PARAMETER_BYTES: Final = 96 * 1024
_QUOTES_AND_COMMA: Final = 4


def by_bytes(texts: Sequence[str]) -> Iterator[list[str]]:
    """Cut into lists whose escaped form fits into one parameter."""
    part: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode()) + text.count("\\") + text.count("'") + _QUOTES_AND_COMMA
        if part and size + length > PARAMETER_BYTES:
            yield part
            part, size = [], 0
        part.append(text)
        size += length
    if part:
        yield part
