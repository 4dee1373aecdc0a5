"""The examination of one request as a whole, before anything is sent.

Order of the checks of each event: the codec's, then its time against the clock, then its id
within the request, then its id in the archive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from schemas.codec import decode_event, encode_event
from schemas.errors import EventError
from schemas.instants import Instant
from schemas.records import Event
from services.ingest.archive import Key, Known
from services.ingest.framing import EVENT_BYTES

_SLICE: Final = 200  # events decoded before other requests get their turn


@dataclass(frozen=True, slots=True)
class Refused:
    """One event of the request and why it cannot be accepted."""

    index: int
    error: EventError


@dataclass(frozen=True, slots=True)
class Checked:
    """An event that is fine by itself, as it will be sent, and the unknown fields it lost."""

    index: int
    event: Event
    encoded: bytes
    dropped: tuple[str, ...]


class Examined(NamedTuple):
    """The good events in the order of the request, and the bad ones."""

    events: list[Checked]
    refused: list[Refused]


async def decode_all(raws: Sequence[Any], latest: Instant) -> Examined:
    """Decode every event, without holding up the event loop for long.

    Args:
        raws: parsed JSON values.
        latest: events after this instant are refused.
    """
    events: list[Checked] = []
    refused: list[Refused] = []
    for begin in range(0, len(raws), _SLICE):
        if begin:
            await asyncio.sleep(0)
        for index, raw in enumerate(raws[begin : begin + _SLICE], begin):
            try:
                events.append(_check(index, raw, latest))
            except EventError as error:
                refused.append(Refused(index, error))
    return Examined(events, refused)


def _check(index: int, raw: Any, latest: Instant) -> Checked:
    decoded = decode_event(raw)
    if decoded.event.occurred_at > latest:
        raise _time_in_future(decoded.event)
    encoded = encode_event(decoded)
    if len(encoded) > EVENT_BYTES:
        raise _too_large(decoded.event)
    return Checked(index, decoded.event, encoded, decoded.dropped)


def key_of(event: Event) -> Key:
    """Build the key under which an event is unique."""
    return event.subject, event.source, event.id


def conflicts(events: Sequence[Checked], known: Mapping[Key, Known]) -> list[Refused]:
    """Find ids that were used for other content, earlier in the request or in the archive."""
    first: dict[Key, bytes] = {key: copy.digest for key, copy in known.items()}
    return [
        Refused(checked.index, _id_conflict(checked.event))
        for checked in events
        if first.setdefault(key_of(checked.event), checked.event.digest) != checked.event.digest
    ]


def duplicates(events: Sequence[Checked], known: Mapping[Key, Known]) -> list[bool]:
    """Tell for each event whether it need not be sent.

    An event in the archive that no flush holds yet is sent again: only then can the caller be
    told that it is stored.
    """
    seen: set[Key] = {key for key, copy in known.items() if copy.stored}
    verdicts: list[bool] = []
    for checked in events:
        key = key_of(checked.event)
        verdicts.append(key in seen)
        seen.add(key)
    return verdicts


def _time_in_future(event: Event) -> EventError:
    return _event_error(
        event,
        "time_in_future",
        "/time",
        "The time lies too far in the future; check the clock and the offset.",
        "事件时间超前于当前时间过多，请检查时钟与时区偏移。",
    )


def _id_conflict(event: Event) -> EventError:
    return _event_error(
        event,
        "id_conflict",
        "/id",
        "This source has used the id for an event with other content; use a new id.",
        "该来源已将此 id 用于内容不同的事件，请使用新的 id。",
    )


def _too_large(event: Event) -> EventError:
    return _event_error(
        event,
        "frame_too_large",
        "",
        f"The event has more than {EVENT_BYTES} bytes; shorten its lists.",
        f"事件超过 {EVENT_BYTES} 字节，请缩短其中的列表。",
    )


def _event_error(event: Event, reason: str, path: str, detail: str, detail_zh: str) -> EventError:
    return EventError(
        reason,
        path,
        detail,
        detail_zh,
        source=event.source,
        id=event.id,
        subject=event.subject,
        type=event.type,
    )
