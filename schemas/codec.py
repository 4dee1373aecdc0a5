"""The only way from bytes to events and back.

Reading validates, drops what is not listed, and writes every instant in UTC, so that one content
has one form. The digest is BLAKE2b-128 over type, subject, time and data in that form: the same
instant under another offset, an absent field, a null and an empty list, a default written out or
left out are the same content.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple, NoReturn

import orjson
from pydantic import TypeAdapter, ValidationError

from schemas.envelope import ENVELOPES, IGNORED_ATTRIBUTES, PREFIX, Envelope
from schemas.errors import (
    MALFORMED,
    MISSING,
    NOT_AN_OBJECT,
    NOT_UTF8,
    UNKNOWN_TYPE,
    WITHOUT_DATA,
    EventError,
    Fault,
    explain,
)
from schemas.events import DATA_TYPES, Data
from schemas.fields import Name
from schemas.instants import Instant, format_instant, parse_instant
from schemas.quick import QuickReader, is_plain_name, quick_reader
from schemas.records import Event
from schemas.splitting import split_array
from schemas.topics import BATCH_JSON, EVENT_JSON

LIFE_CYCLE: Final[tuple[str, ...]] = tuple(DATA_TYPES)
"""The event types; an event's `place` is its type's index."""

OTHER_NAME: Final = "(other)"  # stands for a dropped name that could itself hold something
NAMES_KEPT: Final = 64  # of the dropped names of one event

_FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)
_ATTRIBUTES: Final = frozenset(Envelope.model_fields) | IGNORED_ATTRIBUTES
_NAME: Final = TypeAdapter[str](Name)
_new: Final = tuple.__new__  # a named tuple, without the call in Python that its constructor is


class Decoded(NamedTuple):
    """A valid event, and the sorted names of unknown fields that were left out of it."""

    event: Event
    dropped: tuple[str, ...]


class _Reader(NamedTuple):
    place: int
    name: str
    data: type[Data]
    quick: QuickReader | None
    validate: Callable[[object], Envelope]


_READERS: Final = {
    PREFIX + name: _Reader(
        place,
        name,
        DATA_TYPES[name],
        quick_reader(DATA_TYPES[name]),
        ENVELOPES[name].__pydantic_validator__.validate_python,
    )
    for place, name in enumerate(LIFE_CYCLE)
}


def decode_event(raw: object) -> Decoded:
    """Read one event from parsed JSON.

    Raises:
        EventError: it breaks the contract of docs/events.md; the first fault found.
    """
    if not isinstance(raw, dict):
        raise EventError(NOT_AN_OBJECT.reason, "", NOT_AN_OBJECT.detail, NOT_AN_OBJECT.detail_zh)
    kind = raw.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        _refuse(raw, "/type", MISSING if kind is None else UNKNOWN_TYPE)
    if raw.get("data") is None:
        _refuse(raw, "/data", WITHOUT_DATA)
    return _quickly(raw, reader) or _by_model(raw, reader)


def _quickly(raw: dict[str, Any], reader: _Reader) -> Decoded | None:
    """Read an event that is certainly valid and holds nothing that is dropped; None in doubt."""
    source, id_, subject, time = (
        raw.get("source"),
        raw.get("id"),
        raw.get("subject"),
        raw.get("time"),
    )
    if (
        reader.quick is None
        or raw.get("specversion") != "1.0"
        or type(time) is not str
        or not (is_plain_name(source) and is_plain_name(id_) and is_plain_name(subject))
        or raw.get("dropped") is not None
        or not _ATTRIBUTES.issuperset(raw)
    ):
        return None
    data = reader.quick.content(raw["data"])
    if data is None:
        return None
    try:
        occurred_at = parse_instant(time)
    except ValueError:
        return None
    digest = _digest(reader.name, subject, occurred_at, data)
    event = _new(
        Event, (occurred_at, reader.place, source, id_, reader.name, subject, data, digest)
    )
    return _new(Decoded, (event, ()))


def _by_model(raw: dict[str, Any], reader: _Reader) -> Decoded:
    """Read an event by the model of its type, which says what is wrong with it."""
    try:
        envelope = reader.validate(raw)
    except ValidationError as error:
        _refuse(raw, *explain(error))
    data = envelope.data.content()
    event = Event(
        envelope.time,
        reader.place,
        envelope.source,
        envelope.id,
        reader.name,
        envelope.subject,
        data,
        _digest(reader.name, envelope.subject, envelope.time, data),
    )
    return Decoded(event, _dropped(raw, reader.data, envelope.dropped))


def decode_frame(content_type: str | None, body: bytes) -> list[Decoded | EventError]:
    """Read one event or a batch, each by itself; a body that is neither gives one error.

    The content type decides which of the two it is, and where it says neither, the first
    character of the body.
    """
    is_batch = _is_batch(content_type, body)
    try:
        parsed = orjson.loads(body)
    except ValueError:
        elements = split_array(body) if is_batch else None
        return [_read_bytes(element) for element in elements or [body]]
    if not is_batch:
        return [_read(parsed)]
    if not isinstance(parsed, list):
        return [_error("", MALFORMED)]
    return [_read(raw) for raw in parsed]


def raw_events(content_type: str | None, body: bytes) -> list[Any]:
    """What stands at each index of `decode_frame`, as parsed JSON; None where it is no JSON."""
    is_batch = _is_batch(content_type, body)
    try:
        parsed = orjson.loads(body)
    except ValueError:
        elements = split_array(body) if is_batch else None
        return [_parsed(element) for element in elements or [body]]
    return parsed if is_batch and isinstance(parsed, list) else [parsed]


def _is_batch(content_type: str | None, body: bytes) -> bool:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    return media_type == BATCH_JSON or (
        media_type != EVENT_JSON and body.lstrip(b" \t\r\n").startswith(b"[")
    )


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        return None


def encode_event(decoded: Decoded) -> bytes:
    """Write a CloudEvent in JSON; dropped names travel along outside the content."""
    event, dropped = decoded
    cloud_event = {
        "specversion": "1.0",
        "type": PREFIX + event.type,
        "source": event.source,
        "id": event.id,
        "subject": event.subject,
        "time": format_instant(event.occurred_at),
        "data": event.data,
    }
    if dropped:
        cloud_event["dropped"] = ",".join(dropped)
    return orjson.dumps(cloud_event)


def encode_frame(events: Sequence[bytes]) -> bytes:
    """Join encoded events to a batch."""
    return b"[" + b",".join(events) + b"]"


def archive_data(event: Event) -> str:
    """Write the data as canonical JSON: sorted keys, no blanks."""
    return _canonical(event.data).decode()


def event_from_archive(
    *,
    subject: str,
    source: str,
    id: str,  # noqa: A002 (the attribute's name in CloudEvents)
    type: str,  # noqa: A002 (as above)
    occurred_at: Instant,
    data: str,
    digest: bytes,
) -> Event:
    """Rebuild an event that was validated before it was archived."""
    return Event(occurred_at, _PLACES[type], source, id, type, subject, orjson.loads(data), digest)


_PLACES: Final = {name: place for place, name in enumerate(LIFE_CYCLE)}


def _canonical(data: Mapping[str, Any]) -> bytes:
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def _digest(kind: str, subject: str, occurred_at: Instant, data: Mapping[str, Any]) -> bytes:
    # Neither a type nor a subject holds a line break.
    head = f"{kind}\n{subject}\n{occurred_at}\n".encode()
    return blake2b(head + _canonical(data), digest_size=16).digest()


def _read(raw: object) -> Decoded | EventError:
    try:
        return decode_event(raw)
    except EventError as error:
        return error


def _read_bytes(text: bytes) -> Decoded | EventError:
    try:
        raw = orjson.loads(text)
    except ValueError:
        try:
            text.decode()
        except UnicodeDecodeError:
            return _error("", NOT_UTF8)
        return _error("", MALFORMED)
    return _read(raw)


def _dropped(raw: dict[str, Any], data_type: type[Any], earlier: str | None) -> tuple[str, ...]:
    unknown = data_type.unknown_names(raw["data"])
    if not _ATTRIBUTES.issuperset(raw):
        unknown |= raw.keys() - _ATTRIBUTES
    if earlier:
        unknown |= set(earlier.split(","))
    if not unknown:
        return ()
    names = {
        name if isinstance(name, str) and _FIELD_NAME.fullmatch(name) else OTHER_NAME
        for name in unknown
    }
    if len(names) > NAMES_KEPT:
        names = {*sorted(names - {OTHER_NAME})[: NAMES_KEPT - 1], OTHER_NAME}
    return tuple(sorted(names))


def _refuse(raw: dict[str, Any], path: str, fault: Fault) -> NoReturn:
    kind = raw.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    raise EventError(
        fault.reason,
        path,
        fault.detail,
        fault.detail_zh,
        source=_valid_name(raw.get("source")),
        id=_valid_name(raw.get("id")),
        subject=_valid_name(raw.get("subject")),
        type=reader.name if reader else "",
    ) from None


def _error(path: str, fault: Fault) -> EventError:
    return EventError(fault.reason, path, fault.detail, fault.detail_zh)


def _valid_name(value: object) -> str:
    try:
        return _NAME.validate_python(value, strict=True)
    except ValidationError:
        return ""
