"""Every problem has the form that the OpenAPI document says, the status of docs/api.md, and a cause."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from services.api import refusals as api_refusals
from services.ingest import refusals as ingest_refusals
from services.web import problems
from services.web.access.refusals import KINDS
from services.web.openapi import install_openapi
from services.web.problems import ProblemKind, problem_response

_ROOT = Path(__file__).parents[3]
_KINDS: Mapping[str, ProblemKind] = {
    **api_refusals._KINDS,  # noqa: SLF001 (as below)
    **ingest_refusals._KINDS,  # noqa: SLF001 (the table has no other reader)
}
_ROW = re.compile(r"^\| (`[a-z0-9_`, ]+) \| ([0-9, ]+) \|", re.MULTILINE)
_TEXT = re.compile(r'"([a-z0-9_]+)"(?!: ProblemKind)')


def documented() -> dict[str, int]:
    """Code and status by the table of docs/api.md; a row may have several of both."""
    page = (_ROOT / "docs" / "api.md").read_text(encoding="utf-8").partition("## Errors")[2]
    found: dict[str, int] = {}
    for row in _ROW.finditer(page):
        codes = re.findall(r"`([a-z0-9_]+)`", row[1])
        statuses = [int(status) for status in row[2].split(",")]
        if len(statuses) == 1:
            statuses *= len(codes)
        found |= dict(zip(codes, statuses, strict=True))
    return found


def emitted() -> set[str]:
    """Every text that the program holds, but for the keys of the tables of problems."""
    return {
        text
        for path in (_ROOT / "services").rglob("*.py")
        for text in _TEXT.findall(path.read_text(encoding="utf-8"))
    }


def schema_of_problems() -> Draft202012Validator:
    app = FastAPI()
    install_openapi(app)
    return Draft202012Validator(app.openapi()["components"]["schemas"]["Problem"])


def test_the_table_holds_every_status() -> None:
    statuses = {code: kind.status for code, kind in api_refusals._KINDS.items()}  # noqa: SLF001 (as above)
    statuses |= {code: status for status, (code, _, _) in problems._BY_STATUS.items()}  # noqa: SLF001 (as above)
    statuses |= {code: kind.status for code, kind in KINDS.items()}
    assert documented() == statuses


@pytest.mark.parametrize("code", sorted(_KINDS))
def test_every_problem_has_the_form_described_and_a_place_that_answers_it(code: str) -> None:
    error = {"in": "query", "path": "a", "reason": code, "detail": "b", "detail_zh": "丙"}
    answer = problem_response(_KINDS[code].problem(code, "Mend it.", "请修改。", errors=[error]))
    found = json.loads(bytes(answer.body))
    schema_of_problems().validate(found)
    assert (found["type"], found["status"]) == (f"/problems/{code}", answer.status_code)
    assert code in emitted()
