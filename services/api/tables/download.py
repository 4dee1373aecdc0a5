"""An answer as its caller wants it: JSON, or its table as CSV or Excel."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import quote

from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.api.tables.csv_file import csv_bytes
from services.api.tables.table import Table
from services.api.tables.workbook import workbook_bytes
from services.web.etags import tag_of

Format = Literal["json", "csv", "xlsx"]

JSON: Final = "application/json"
CSV: Final = "text/csv"
EXCEL: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "JSON, or with `format` or `Accept` the table as CSV or Excel · 可下载表格",
        "content": {
            CSV: {"schema": {"type": "string"}},
            EXCEL: {"schema": {"type": "string", "format": "binary"}},
        },
    },
    304: {"description": "Unchanged since the ETag · 无变化"},
}
"""For the description of a route that answers with `reply`."""

_MEDIA_TYPES: Final[Mapping[Format, str]] = {"json": JSON, "csv": CSV, "xlsx": EXCEL}
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9\u4e00-\u9fff.]+")


class Download(BaseModel):
    """In which form the answer comes; to be inherited by the parameters of a route."""

    format: Format | None = Field(
        None,
        description="json, or the table as csv or xlsx (Excel); by `Accept` if left out. "
        "返回格式：json、csv 或 xlsx。",
    )


def wanted(request: Request, named: Format | None) -> Format:
    """The form that a request wants: the one it names, else the first of ``Accept`` that fits."""
    if named is not None:
        return named
    for each in request.headers.get("accept", "").split(","):
        media_type = each.split(";")[0].strip()
        for form, offered in _MEDIA_TYPES.items():
            if media_type == offered:
                return form
    return "json"


async def reply(
    form: Format,
    answer: BaseModel,
    tables: Callable[[], Sequence[Table]],
    name: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Write an answer, or its tables; of several only Excel holds more than the first.

    ``name`` is that of the file, without its ending.
    """
    headers = {"Vary": "Accept", **(headers or {})}
    if form == "json":
        text = await asyncio.to_thread(answer.model_dump_json, by_alias=True)
        return Response(text, media_type=JSON, headers=headers)
    return await sent(form, tables, name, headers)


async def sent(
    form: Literal["csv", "xlsx"],
    tables: Callable[[], Sequence[Table]],
    name: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A file to be saved; made in a thread, since a workbook takes its time."""
    content, tag = await asyncio.to_thread(_content, form, tables)
    return Response(
        content,
        media_type=f"{CSV}; charset=utf-8" if form == "csv" else EXCEL,
        headers={"ETag": tag, **(headers or {}), "Content-Disposition": _saved_as(name, form)},
    )


def _content(form: Format, tables: Callable[[], Sequence[Table]]) -> tuple[bytes, str]:
    """The file, and the tag of what it tells: a workbook also holds when it was made."""
    found = tables()
    tag = tag_of(repr((form, found)).encode())
    return csv_bytes(found[0]) if form == "csv" else workbook_bytes(found), tag


def _saved_as(name: str, ending: str) -> str:
    """The name of the file for all clients: plain letters, and as it is (RFC 6266)."""
    safe = _UNSAFE.sub("-", name).strip("-.")
    ascii_name = _UNSAFE.sub("-", re.sub(r"[\u4e00-\u9fff]+", "-", safe)).strip("-.") or "table"
    encoded = quote(f"{safe}.{ending}")
    return f"attachment; filename=\"{ascii_name}.{ending}\"; filename*=UTF-8''{encoded}"
