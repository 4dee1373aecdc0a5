"""The page in a real browser: from an empty city to the step of one order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chromium import NEEDS_BROWSER
from tests.integration.api.city import City, city_events, open_city

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("wall") / "engine") as found:
        yield found


def test_an_empty_city_says_so_and_fills_by_itself(page: Page, city: City) -> None:
    expect(page.get_by_role("heading", name="还没有工单")).to_be_visible()
    city.store(city_events(streets=60))
    expect(page.locator("#ranked tr").first).to_be_visible()
    expect(page.locator("#empty")).to_be_hidden()
    expect(page.locator("#ranked tr.bottom")).to_have_count(10)
    expect(page.locator("#problem")).to_be_hidden()


def test_from_a_street_to_a_number_to_an_order_to_its_steps(page: Page) -> None:
    page.get_by_role("searchbox").fill("将台")
    expect(page.locator("#ranked tr:visible")).to_have_count(1)
    page.get_by_role("searchbox").press("Enter")
    panel = page.locator("#panel")
    expect(panel.get_by_role("heading", name="将台地区")).to_be_focused()
    link = panel.get_by_role("row", name="满意率").get_by_role("link")
    denominator = int(link.inner_text())
    link.click()
    expect(panel.locator(".orders li")).to_have_count(denominator)
    panel.locator(".orders a").first.click()
    expect(panel.get_by_role("heading", name="为什么算 / 不算")).to_be_visible()
    expect(panel.locator(".steps .current")).to_contain_text("满意率")
    expect(panel.locator(".explain")).to_contain_text("计入各率分母")
    expect(panel.locator(".reasons li")).to_have_count(3)
    expect(panel.locator(".reasons li").last).to_contain_text("的“满意率”")
    expect(panel.locator(".lines").first).to_contain_text("期限表第")
    panel.get_by_text("事件原文").click()
    expect(panel.locator("details .steps")).to_contain_text("日志位置")
    page.go_back()
    expect(panel.locator(".orders li")).to_have_count(denominator)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_an_order_is_explained_in_english_too(page: Page) -> None:
    page.get_by_role("button", name="English").click()
    page.locator("#ranked a").first.click()
    panel = page.locator("#panel")
    panel.get_by_role("row", name="Resolution rate").get_by_role("link").click()
    panel.locator(".orders a").first.click()
    expect(panel.get_by_role("heading", name="Why it counts, or does not")).to_be_visible()
    expect(panel.locator(".reasons li").nth(1)).to_contain_text("in Resolution rate because")
    expect(panel.locator(".steps li strong").first).to_have_text("received")


def test_the_seven_states_of_a_street_add_up_on_the_page(page: Page) -> None:
    page.locator("#ranked a").first.click()
    panel = page.locator("#panel")
    expect(panel.locator("h3").first).to_contain_text("工单量")
    volume = int(panel.locator("h3 a").first.inner_text())
    states = panel.locator("dl").first.locator("dd").all_inner_texts()
    assert sum(map(int, states)) == volume


def test_another_cycle_and_back_to_the_present_one(page: Page) -> None:
    expect(page.locator("#period")).to_contain_text("2026-11")
    expect(page.get_by_role("button", name="下一周期")).to_be_hidden()
    page.get_by_role("button", name="上一周期").first.click()
    expect(page.locator("#period")).to_contain_text("2026-10")
    expect(page.get_by_role("heading", name="还没有工单")).to_be_visible()
    page.get_by_role("button", name="下一周期").click()
    expect(page.locator("#period")).to_contain_text("2026-11")
    expect(page.locator("#ranked tr").first).to_be_visible()
    expect(page.get_by_role("button", name="下一周期")).to_be_hidden()


def test_english_and_back(page: Page) -> None:
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Three rates, live")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Response rate")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
    page.reload()
    expect(page.get_by_role("heading", name="Three rates, live")).to_be_visible()
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="三率直播")).to_be_visible()


def test_an_unchanged_ranking_is_not_drawn_again(page: Page) -> None:
    expect(page.locator("#ranked tr").first).to_be_visible()  # so the first answer is behind us
    with page.expect_response("**/v1/rankings*") as repeated:
        pass
    assert repeated.value.status == 304


def test_a_phone_shows_it_without_scrolling_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    expect(page.locator("#ranked tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#ranked a").first.click()
    expect(page.locator("#panel .plain")).to_be_visible()
    assert page.evaluate("document.getElementById('panel').scrollWidth") <= 360
    page.locator("#panel h3 a").first.click()
    page.locator("#panel .orders a").first.click()
    expect(page.locator("#panel .reasons")).to_be_visible()
    assert page.evaluate("document.getElementById('panel').scrollWidth") <= 360


def test_a_lost_service_is_said_and_the_numbers_stay(page: Page, complaints: list[str]) -> None:
    expect(page.locator("#ranked tr").first).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("连接中断")
    expect(page.locator("#ranked tr").first).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_be_hidden()
    assert {text.split(":")[0] for text in complaints} == {"Failed to load resource"}
    complaints.clear()


def test_an_order_that_is_not_there_is_said(page: Page, complaints: list[str]) -> None:
    expect(page.locator("#ranked tr").first).to_be_visible()
    page.evaluate("location.hash = '#/order/nobody/110101001/volume'")
    expect(page.locator("#panel").get_by_role("alert")).to_contain_text("没有这个工单")
    assert len(complaints) == 1
    complaints.clear()
