"""A browser on the page of the module's city."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.e2e import chromium
from tests.integration.api.city import City
from tests.integration.api.server import serving


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium.PATH, args=chromium.OPTIONS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def url(city: City) -> Iterator[str]:
    with serving(city) as found:
        yield found


@pytest.fixture
def complaints() -> list[str]:
    """What the page complained about; what is left at the end fails the test."""
    return []


@pytest.fixture
def page(browser: Browser, url: str, complaints: list[str]) -> Iterator[Page]:
    """A fresh visitor."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 900})
    found = context.new_page()

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    found.on("console", listen)
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.goto(url)
    yield found
    context.close()
    assert complaints == []
