from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture
def refused_connections(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Collect what kafka-python leaves behind, where its warnings are ignored.

    It drops the socket of a refused connection without closing it; the exception in the captured
    log records keeps it alive beyond the test that ignores the warning.
    """
    yield
    for phase in ("setup", "call"):
        caplog.get_records(phase).clear()
    caplog.clear()
    gc.collect()
