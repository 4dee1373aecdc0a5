"""Which form an answer takes, and what its file is called."""

from __future__ import annotations

import pytest
from fastapi import Request
from pydantic import BaseModel

from services.api.tables.download import EXCEL, Format, reply, wanted
from services.api.tables.table import Table

TABLE = Table("表", (), ("甲",), [(1,)])


class Answer(BaseModel):
    count: int = 1


def request(accept: str) -> Request:
    return Request({"type": "http", "headers": [(b"accept", accept.encode())]})


@pytest.mark.parametrize(
    ("accept", "named", "form"),
    [
        ("", None, "json"),
        ("*/*", None, "json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", None, "json"),
        ("text/csv", None, "csv"),
        (f"text/html, {EXCEL};q=0.9, text/csv", None, "xlsx"),
        ("application/json, text/csv", None, "json"),
        ("text/csv", "xlsx", "xlsx"),
        ("text/csv", "json", "json"),
    ],
)
def test_the_form_is_named_or_accepted(accept: str, named: Format | None, form: Format) -> None:
    assert wanted(request(accept), named) == form


async def test_a_file_has_a_name_for_every_client() -> None:
    answer = await reply("csv", Answer(), lambda: [TABLE], "街道排名-2026-11")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="2026-11.csv"; '
        "filename*=UTF-8''%E8%A1%97%E9%81%93%E6%8E%92%E5%90%8D-2026-11.csv"
    )
    odd = await reply("csv", Answer(), lambda: [TABLE], '../2026-11-01T00:00:00+08:00/"a\r\nb"')
    assert 'filename="2026-11-01T00-00-00-08-00-a-b.csv"' in odd.headers["content-disposition"]
    nameless = await reply("xlsx", Answer(), lambda: [TABLE], "排名")
    assert 'filename="table.xlsx"' in nameless.headers["content-disposition"]


async def test_json_makes_no_table() -> None:
    def never() -> list[Table]:
        raise AssertionError

    answer = await reply("json", Answer(), never, "x")
    assert (bytes(answer.body), answer.headers["vary"]) == (b'{"count":1}', "Accept")
    assert "content-disposition" not in answer.headers
