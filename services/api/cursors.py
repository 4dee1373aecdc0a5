"""Marks between two pages: opaque to callers, and refused when they are none of ours."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import orjson
from fastapi import Request
from pydantic import TypeAdapter, ValidationError

from services.api.refusals import refusal

T = TypeVar("T")


def write_cursor(place: object) -> str:
    """The mark of a place, which is a tuple of texts and integers."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode()


def read_cursor(form: TypeAdapter[T], text: str) -> T:
    """Read a mark back.

    Raises:
        Problem: 422, it is not the mark of a page of this list.
    """
    try:
        return form.validate_json(base64.urlsafe_b64decode(text), strict=True)
    except (binascii.Error, ValueError, ValidationError):
        raise refusal(
            "invalid_cursor",
            "after is the next of an earlier page of the same list.",
            "after 须为同一列表上一页返回的 next。",
            path="after",
        ) from None


def next_page(request: Request, cursor: str | None) -> dict[str, str]:
    """The header that names the next page (RFC 8288), for files, which have no place for it."""
    if cursor is None:
        return {}
    url = request.url.include_query_params(after=cursor)
    return {"Link": f'<{url.path}?{url.query}>; rel="next"'}
