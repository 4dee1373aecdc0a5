"""The browser of this machine, if there is one."""

from __future__ import annotations

import shutil
from typing import Final

import pytest

PATH: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
OPTIONS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NEEDS_BROWSER: Final = pytest.mark.skipif(
    PATH is None, reason="NO BROWSER: there is no Chromium here (apt-get install chromium)"
)
