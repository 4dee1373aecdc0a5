"""The kinds of values an event field can hold. Every one is bounded, and none is free text."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.instants import Instant, format_instant, parse_instant

CODE_LENGTH: Final = 64
REFERENCE_LENGTH: Final = 128
LIST_LENGTH: Final = 32

# One line: no control characters, no line or paragraph separators, and something to be seen.
# Read alike by Rust's regex (pydantic) and by ECMA-262 (JSON Schema).
_LINE: Final = (
    r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*"
    r"[^\x00-\x20\x7f-\xa0\u2000-\u200f\u2028\u2029\u3000\ufeff]"
    r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
)
_INSTANT_SCHEMA: Final = {"type": "string", "format": "date-time"}
_OFFSET_MISSING: Final = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?)?", re.ASCII)
_MOBILE_DIGITS: Final = 11
# A Chinese mobile number or identity number, as such and not as part of a longer number.
_PERSONAL: Final = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)", re.ASCII)


def _instant(value: object) -> Instant:
    if not isinstance(value, str):
        raise PydanticCustomError("instant", "not a text")
    try:
        return parse_instant(value)
    except ValueError:
        if _OFFSET_MISSING.fullmatch(value):
            raise PydanticCustomError("time_without_offset", "no offset") from None
        raise PydanticCustomError("instant", "not RFC 3339") from None


def _moment(value: str) -> str:
    return format_instant(_instant(value))


def is_impersonal(value: str) -> bool:
    """Whether a text holds nothing that looks like a phone or identity number."""
    return len(value) < _MOBILE_DIGITS or _PERSONAL.search(value) is None


def _impersonal(value: str) -> str:
    if is_impersonal(value):
        return value
    raise PydanticCustomError("personal_data", "a phone or identity number")


Name = Annotated[str, Field(min_length=1, max_length=REFERENCE_LENGTH, pattern=_LINE)]
"""Names an order, an event, a source, an appeal: any text of one line."""

Code = Annotated[
    str,
    Field(min_length=1, max_length=CODE_LENGTH, pattern=_LINE),
    AfterValidator(_impersonal),
]
"""A short word from a list that the platform keeps; never free text about a person."""

Codes = Annotated[list[Code], Field(max_length=LIST_LENGTH)]
Levels = Annotated[list[Code], Field(max_length=5)]

Reference = Annotated[
    str,
    Field(min_length=1, max_length=REFERENCE_LENGTH, pattern=_LINE),
    AfterValidator(_impersonal),
]
"""Points at a file, photo or record kept elsewhere."""

References = Annotated[list[Reference], Field(max_length=LIST_LENGTH)]

KeyedHash = Annotated[str, Field(pattern=r"^[0-9a-f]{32,128}$")]
"""Lower-case hexadecimal; 32 digits at least, so that no phone number can pass for one."""

Count = Annotated[int, Field(ge=1, le=1000)]

Moment = Annotated[str, AfterValidator(_moment), WithJsonSchema(_INSTANT_SCHEMA)]
"""An instant inside `data`: RFC 3339 with an offset, kept as UTC text."""

EventTime = Annotated[Instant, BeforeValidator(_instant), WithJsonSchema(_INSTANT_SCHEMA)]
"""The envelope's `time`, kept as microseconds."""
