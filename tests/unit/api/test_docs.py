"""docs/api.md names every problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.api import refusals as api_refusals
from services.ingest import refusals as ingest_refusals
from services.web import problems

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
CODES = {
    *api_refusals._KINDS,  # noqa: SLF001 (as below)
    *ingest_refusals._KINDS,  # noqa: SLF001 (the table has no other reader)
    *(code for code, _, _ in problems._BY_STATUS.values()),  # noqa: SLF001 (as above)
}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_problem_is_documented(code: str) -> None:
    assert f"`{code}`" in PAGE
