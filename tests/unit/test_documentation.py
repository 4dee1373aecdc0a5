"""The pages in docs/ can be found, and what they point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = sorted([_ROOT / "README.md", _ROOT / "CHANGELOG.md", *(_ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
_PLACE = re.compile(r"`((?:schemas|services|tests|bench|deploy|docs)/[\w./-]+)`")


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_what_a_page_points_at_is_there(page: Path) -> None:
    text = page.read_text("utf-8")

    missing = [link for link in _LINK.findall(text) if not (page.parent / link).exists()]
    missing += [place for place in _PLACE.findall(text) if not (_ROOT / place).exists()]

    assert missing == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    linked = {(_ROOT / link).resolve() for link in _LINK.findall((_ROOT / "README.md").read_text())}

    assert {page.resolve() for page in (_ROOT / "docs").glob("*.md")} <= linked
    assert (_ROOT / "docs" / "decisions").resolve() in linked


def test_each_of_the_seven_invariants_names_its_modules_and_tests() -> None:
    page = (_ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if re.match(r"\| \d \|", line)]

    assert [row[0] for row in rows] == [f"| {number}" for number in range(1, 8)]
    for _, _, modules, tests in rows:
        assert all(place.startswith("services/") for place in _PLACE.findall(modules))
        assert all(place.startswith("tests/") for place in _PLACE.findall(tests))
        assert _PLACE.findall(modules)
        assert _PLACE.findall(tests)
