"""Whole orders out of the archive as bytes, to be read by another process.

The engine writes one line of JSON for each event, in the order of `schemas.records.Event` and
sorted by order; the reader cuts the bytes between two orders and hands them on unread. So the
process that owns the engine spends next to nothing on an event, and those that evaluate decode
whole blocks at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from io import BytesIO
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Final, Protocol

import orjson

from schemas.codec import LIFE_CYCLE
from schemas.records import Event, FlushMark

BLOCK_BYTES: Final = 1 << 21
_PIECE_BYTES: Final = 1 << 18  # what is parsed at once: more no longer fits into the cache

_SUBJECT: Final = itemgetter(Event._fields.index("subject"))
_ESCAPED: Final = re.compile(rb"\\(.)")
_event = partial(tuple.__new__, Event)


class Readable(Protocol):
    """An open stream."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most so many; none at the end."""


def events_statement(where: str = "") -> str:
    """SQL of the lines of one shard, up to a flush (`mark_params`), in the format TabSeparated.

    Of several contents under one (subject, source, id) the one that the log holds first is there,
    and identical copies are there once. ``where`` is a further condition, which begins with AND.
    """
    places = ", ".join(f"'{name}'" for name in LIFE_CYCLE)
    numbers = ", ".join(f"'{place}'" for place in range(len(LIFE_CYCLE)))
    line = (
        "concat('[', toString(toUnixTimestamp64Micro(occurred_at)), ',',"
        f" transform(toString(type), [{places}], [{numbers}], '{len(LIFE_CYCLE)}'), ',',"
        " toJSONString(source), ',', toJSONString(id), ',\"', toString(type), '\",',"
        " toJSONString(subject), ',', data, ',\"\"]')"
    )
    return (
        f"SELECT {line} FROM events WHERE {UNTIL_MARK} {where}"  # noqa: S608 (names only)
        " ORDER BY shard, subject, source, id, epoch, offset, frame_index"
        " LIMIT 1 BY shard, subject, source, id"
        " SETTINGS max_threads = 1, max_block_size = 8192"
    )


UNTIL_MARK: Final = (
    "shard = {shard:UInt16}"
    " AND (epoch < {epoch:UInt32} OR epoch = {epoch:UInt32} AND offset <= {offset:Int64})"
)


def mark_params(shard: int, mark: FlushMark) -> Mapping[str, Any]:
    """The parameters of `UNTIL_MARK`: what a shard had stored."""
    return {"shard": shard, **mark.position._asdict()}


def blocks(stream: Readable, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Cut the lines of a stream into blocks of about ``size`` bytes, never within an order."""
    rest = b""
    while data := stream.read(size):
        rest += data
        cut = _last_order(rest)
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def orders(block: bytes) -> Iterator[tuple[str, list[Event]]]:
    """The orders of a block with their events. A digest is empty: it names no content here."""
    rows = chain.from_iterable(map(_rows, _pieces(block)))
    for subject, found in groupby(rows, _SUBJECT):
        yield subject, list(map(_event, found))


def _pieces(block: bytes) -> Iterator[bytes]:
    """The lines of a block, some at a time."""
    lines = BytesIO(block)
    while piece := lines.read(_PIECE_BYTES):
        yield piece + lines.readline()


def _rows(lines: bytes) -> list[list[Any]]:
    found: list[list[Any]] = orjson.loads(b"[" + _unescaped(lines[:-1]).replace(b"\n", b",") + b"]")
    return found


def _unescaped(lines: bytes) -> bytes:
    """Undo TabSeparated: JSON holds no control characters, so only these two are escaped."""
    return _ESCAPED.sub(rb"\1", lines) if b"\\" in lines else lines


def _last_order(lines: bytes) -> int:
    """Where the last order begins that may not be complete; 0 if it is the only one."""
    end = lines.rfind(b"\n")
    begins = lines.rfind(b"\n", 0, end) + 1
    if end < 0:
        return 0
    subject = _subject(lines[begins:end])
    while begins:
        before = lines.rfind(b"\n", 0, begins - 1) + 1
        if _subject(lines[before : begins - 1]) != subject:
            break
        begins = before
    return begins


def _subject(line: bytes) -> str:
    found: str = _SUBJECT(orjson.loads(_unescaped(line)))
    return found
