"""Waiting for what another thread or process does, where nothing tells us when it has."""

from __future__ import annotations

import time
from collections.abc import Callable


def await_that(
    condition: Callable[[], bool], *, seconds: float = 60.0, pause: float = 0.01, failing: str = ""
) -> None:
    """Return as soon as the condition holds; fail with ``failing`` if it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, failing or "the condition never came true"
        time.sleep(pause)
