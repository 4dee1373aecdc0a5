from __future__ import annotations

import re
from pathlib import Path

from services.ingest import refusals

PAGE = Path(__file__).parents[3] / "docs" / "ingest.md"


def test_every_problem_is_documented_with_its_status() -> None:
    rows = re.findall(r"^\| `/problems/(\w+)` \| (\d+) \|", PAGE.read_text(), re.MULTILINE)
    kinds = refusals._KINDS  # noqa: SLF001
    assert {code: int(status) for code, status in rows} == {
        code: kind.status for code, kind in kinds.items()
    }
