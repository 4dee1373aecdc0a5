"""The page of a service that asks for keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from services.storage import access_keys
from tests.e2e.chromium import NEEDS_BROWSER
from tests.integration.api.city import STREETS, City, city_events, open_city
from tests.integration.api.server import serving
from tests.integration.api.test_access import made

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("key") / "engine") as found:
        found.store(city_events())
        yield found


@pytest.fixture(scope="module")
def url(city: City) -> Iterator[str]:
    with serving(city, keys=True) as found:
        yield found


class _Unexpected(list[str]):
    """Complaints, without those of the browser about each question that is refused."""

    def append(self, text: str) -> None:
        if not text.startswith("Failed to load resource"):
            super().append(text)


@pytest.fixture
def complaints() -> list[str]:
    return _Unexpected()


def enter(page: Page, key: str) -> None:
    page.get_by_label("API 密钥").fill(key)
    page.get_by_role("button", name="进入").click()


def test_without_a_key_there_is_a_field_and_no_number(page: Page) -> None:
    expect(page.get_by_role("heading", name="请输入密钥")).to_be_visible()
    expect(page.get_by_label("API 密钥")).to_be_focused()
    expect(page.locator("#wall")).to_be_hidden()
    expect(page.locator("#problem")).to_be_hidden()


def test_a_key_opens_this_tab_until_somebody_leaves(page: Page, city: City) -> None:
    key = made(city, "read")
    enter(page, f" {key} ")
    expect(page.locator("#ranked tr").first).to_be_visible()
    expect(page.locator("#locked")).to_be_hidden()
    assert page.evaluate("localStorage.getItem('key')") is None
    assert key not in page.content()
    page.locator("#ranked a").first.click()
    page.locator("#panel .plain a").first.click()
    page.locator("#panel .orders a").first.click()
    expect(page.locator("#panel .reasons")).to_be_visible()
    page.reload()
    expect(page.locator("#ranked tr").first).to_be_visible()

    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", name="请输入密钥")).to_be_visible()

    page.keyboard.press("Escape")
    page.get_by_role("button", name="退出").click()
    expect(page.get_by_role("heading", name="请输入密钥")).to_be_visible()
    expect(page.locator("#panel")).to_be_hidden()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_key_that_does_not_open_is_told(page: Page, city: City) -> None:
    enter(page, "hk_0123456789abcdef_wrong")
    expect(page.get_by_role("alert")).to_contain_text("需要有效的密钥")
    enter(page, made(city, "ingest"))
    expect(page.get_by_role("alert")).to_contain_text("密钥权限不足")
    enter(page, made(city, "read"))
    expect(page.locator("#ranked tr").first).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_key_that_is_revoked_closes_the_page(page: Page, city: City) -> None:
    key = made(city, "read")
    enter(page, key)
    expect(page.locator("#ranked tr").first).to_be_visible()
    access_keys.revoke(city.database, key[3:19], city.now)
    expect(page.get_by_role("heading", name="请输入密钥")).to_be_visible()
    expect(page.locator("#wall")).to_be_hidden()


def test_a_street_sees_its_own_line(page: Page, city: City) -> None:
    enter(page, made(city, "read", units=(STREETS[0].code,)))
    expect(page.locator("#ranked tr, #unranked li")).to_have_count(1)
    expect(page.get_by_role("link", name=STREETS[0].name)).to_be_attached()
