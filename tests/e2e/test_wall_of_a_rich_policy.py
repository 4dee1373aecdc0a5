"""What only some policies have: parts, floors, adjustments, several versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from schemas.instants import MINUTE
from services.domain.adjustments import Entry
from services.storage import adjustments
from tests.e2e.chromium import NEEDS_BROWSER
from tests.integration.api.city import NOW, STREETS, City, city_events, open_city
from tests.integration.api.test_scorings import RICH

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("rich-wall") / "engine", text=RICH) as found:
        given = Entry(
            "加分-1",
            "adjustment",
            STREETS[0].code,
            "2026-11",
            Decimal("1.5"),
            "",
            "innovation",
            "1101",
            NOW,
            0,
        )
        adjustments.record(found.database, given, NOW)
        found.now += MINUTE
        found.store(city_events())
        yield found


def test_floors_parts_and_adjustments_are_shown(page: Page) -> None:
    expect(page.locator("#ranked tr").first).to_be_visible()
    expect(page.locator("#status")).to_contain_text("rich v2026")
    rows = page.locator("#ranked tr")
    flagged = rows.filter(has=page.get_by_text("低于底线", exact=True))
    expect(flagged.first).to_be_visible()
    assert 0 < flagged.count() < rows.count()
    street = rows.filter(has_text=STREETS[0].name)
    expect(street.locator(".score small")).to_have_text("+1.5")
    street.get_by_role("link").click()
    panel = page.locator("#panel")
    expect(panel).to_contain_text("加减分 1.5")
    expect(panel).to_contain_text("加分-1")
    service = panel.get_by_role("row", name="服务")
    expect(service.get_by_role("link")).to_have_count(0)
    expect(service).to_contain_text("—")


def test_beside_each_rank_stands_where_the_street_may_truly_be(page: Page) -> None:
    rows = page.locator("#ranked tr")
    expect(rows.first.locator(".interval")).to_have_text(re.compile(r"^\d+–\d+$"))
    rows.last.get_by_role("link").click()
    sure = page.locator("#panel .sure")
    expect(sure).to_contain_text("95% · 名次区间")
    expect(sure).to_contain_text(re.compile(r"真实处于末位的概率 \d+\.\d%"))
