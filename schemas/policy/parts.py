"""What the parts of a policy document are made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

WEIGHTS_TOTAL: Final = 100


class Part(BaseModel):
    """Every key is required unless it has a default, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def known_zone(name: str) -> str:
    """Return the name if it is that of an IANA time zone.

    Raises:
        ValueError: it is not.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a region, such as America
        raise ValueError("not the name of an IANA time zone, such as Asia/Shanghai") from None
    return name


def _exact(value: object) -> object:
    """Whole numbers as Decimal; the reader of the text makes Decimals of the others."""
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Thousandths = Annotated[int, Field(ge=0, le=1000)]
ZoneName = Annotated[str, AfterValidator(known_zone)]
Exact = Annotated[Decimal, BeforeValidator(_exact), Field(max_digits=12, decimal_places=6)]
"""A number as it is written, never a binary float."""
Percent = Annotated[Exact, Field(ge=0, le=100)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Words = Annotated[list[Word], BeforeValidator(_listed), Field(min_length=1)]
"""One word, or several of which one must fit."""


class Names(Part):
    """What people read."""

    zh: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    en: Annotated[str, StringConstraints(min_length=1, max_length=100)]
