"""A quick way to accept event data that are certainly valid, made from the models themselves.

A field's check comes from its kind (`schemas.fields`) in the model. It may only err on the side of
doubt: what it does not accept says nothing, and is left to the model, which alone refuses. So there
is one contract; tests/unit/schemas/test_quick.py holds both ways against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

from schemas.events.base import ConsistentData, Data
from schemas.fields import (
    CODE_LENGTH,
    LIST_LENGTH,
    REFERENCE_LENGTH,
    Code,
    Codes,
    Count,
    KeyedHash,
    Levels,
    Moment,
    Name,
    Reference,
    References,
    is_impersonal,
)
from schemas.instants import format_instant, parse_instant

DOUBT: Final = object()
"""Stands for: let the model decide."""

Take = Callable[[Any], Any]
"""From a JSON value to the value of the content, or `DOUBT`."""

_HASH: Final = re.compile(r"[0-9a-f]{32,128}", re.ASCII)
_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)  # as we write them


def is_plain_name(value: object) -> TypeGuard[str]:
    """Whether it is certainly a `Name`.

    What can be printed holds no control character; what is more than spaces, something to be seen.
    """
    return (
        type(value) is str
        and 0 < len(value) <= REFERENCE_LENGTH
        and value.isprintable()
        and not value.isspace()
    )


class QuickReader:
    """Reads the data of one type."""

    __slots__ = ("_consistent", "_defaults", "_never_null", "_required", "_takes")

    def __init__(self, model: type[Data], takes: Mapping[str, Take]) -> None:
        self._takes = dict(takes)
        self._required = frozenset(
            n for n, field in model.model_fields.items() if field.is_required()
        )
        self._defaults = {
            name: field.default
            for name, field in model.model_fields.items()
            if not field.is_required() and field.default is not None
        }
        self._never_null = self._required | self._defaults.keys()
        self._consistent = model.inconsistency if issubclass(model, ConsistentData) else None

    def content(self, raw: object) -> dict[str, Any] | None:
        """Return what `Data.content` gives; None in doubt, as when a name is not listed."""
        if type(raw) is not dict:
            return None
        content = self._defaults.copy()
        takes = self._takes
        for name, value in raw.items():
            take = takes.get(name)
            if take is None:
                return None
            if value is None and name not in self._never_null:
                continue
            taken = take(value)
            if taken is DOUBT:
                return None
            if taken or taken is False:
                content[name] = taken
        if not self._required <= content.keys():
            return None
        if self._consistent is not None and self._consistent(content) is not None:
            return None
        return content


def quick_reader(model: type[Data]) -> QuickReader | None:
    """Make the reader of a type; None if it has a field of a kind that is not known here."""
    hints = get_type_hints(model, include_extras=True)
    takes = {name: _take(hints[name]) for name in model.model_fields}
    known = {name: take for name, take in takes.items() if take is not None}
    return QuickReader(model, known) if len(known) == len(takes) else None


def _take(kind: Any) -> Take | None:
    if get_origin(kind) in {Union, UnionType}:
        kinds = [one for one in get_args(kind) if one is not NoneType]
        return _take(kinds[0]) if len(kinds) == 1 else None
    if get_origin(kind) is Literal:
        return _one_of(frozenset(get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, Data):
        return _nested(kind)
    return next((take for known, take in _KINDS if known == kind), None)


def _one_of(words: frozenset[str]) -> Take:
    return lambda value: value if type(value) is str and value in words else DOUBT


def _nested(model: type[Data]) -> Take | None:
    reader = quick_reader(model)
    if reader is None:
        return None

    def take(value: object) -> object:
        content = reader.content(value)
        return DOUBT if content is None else content

    return take


def _name(value: object) -> object:
    return value if is_plain_name(value) else DOUBT


def _text(length: int) -> Take:
    def take(value: Any) -> object:
        if (
            type(value) is str
            and 0 < len(value) <= length
            and value.isprintable()
            and not value.isspace()
            and is_impersonal(value)
        ):
            return value
        return DOUBT

    return take


def _list_of(take: Take, length: int) -> Take:
    def takes(value: Any) -> object:
        if type(value) is not list or len(value) > length:
            return DOUBT
        for item in value:
            if take(item) is DOUBT:
                return DOUBT
        return value

    return takes


def _moment(value: object) -> object:
    if type(value) is not str:
        return DOUBT
    try:
        instant = parse_instant(value)
    except ValueError:
        return DOUBT
    return value if _UTC.fullmatch(value) else format_instant(instant)


def _hash(value: object) -> object:
    return value if type(value) is str and _HASH.fullmatch(value) else DOUBT


def _count(value: object) -> object:
    return value if type(value) is int and 1 <= value <= _COUNT_MOST else DOUBT


def _truth(value: object) -> object:
    return value if type(value) is bool else DOUBT


_COUNT_MOST: Final = 1000
_LEVELS: Final = 5
_code: Final = _text(CODE_LENGTH)
_reference: Final = _text(REFERENCE_LENGTH)
_KINDS: Final[tuple[tuple[Any, Take], ...]] = (
    (Name, _name),
    (Code, _code),
    (Reference, _reference),
    (Codes, _list_of(_code, LIST_LENGTH)),
    (Levels, _list_of(_code, _LEVELS)),
    (References, _list_of(_reference, LIST_LENGTH)),
    (KeyedHash, _hash),
    (Moment, _moment),
    (Count, _count),
    (bool, _truth),
)
