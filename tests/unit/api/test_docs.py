"""docs/api.md names every problem; the page speaks both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.api import refusals as api_refusals
from services.ingest import refusals as ingest_refusals
from services.web import problems
from services.web.access.refusals import KINDS

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
CODES = {
    *KINDS,
    *api_refusals._KINDS,  # noqa: SLF001 (as below)
    *ingest_refusals._KINDS,  # noqa: SLF001 (the table has no other reader)
    *(code for code, _, _ in problems._BY_STATUS.values()),  # noqa: SLF001 (as above)
}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_problem_is_documented(code: str) -> None:
    assert f"`{code}`" in PAGE


def test_both_languages_of_the_page_have_the_same_words_each_once() -> None:
    words = (Path(__file__).parents[3] / "services/api/pages/words.js").read_text(encoding="utf-8")
    chinese, english = re.findall(r"const (?:zh|en) = \{\n(.*?)\n\};", words, flags=re.DOTALL)

    def keys(text: str) -> list[str]:
        flat = re.sub(r"\{.*?\}", "{}", text, flags=re.DOTALL)
        return re.findall(r"(\w+): [\"{]", flat)

    assert keys(chinese) == keys(english)
    assert len(keys(chinese)) == len(set(keys(chinese))) > 50
