"""Somebody who looks at the ranking all the time, whatever is going on."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Final

import httpx

from tests.chaos.report import Report
from tests.chaos.verdict import wrong_states

_EVERY_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 10.0


@contextmanager
def reading(apis: Sequence[str], report: Report) -> Iterator[None]:
    """Ask while the block runs; in every answer the states of a unit add up to its volume.

    An api that was killed does not answer, which is counted and no difference.
    """
    ending = threading.Event()
    counts: Counter[str] = Counter()

    def read() -> None:
        with httpx.Client(timeout=_PATIENCE_SECONDS, trust_env=False) as client:
            for url in cycle(apis):
                if ending.wait(_EVERY_SECONDS):
                    return
                try:
                    answer = client.get(f"{url}/v1/rankings", params={"window": "year"})
                except httpx.TransportError as error:
                    counts[type(error).__name__] += 1
                    continue
                counts[str(answer.status_code)] += 1
                if answer.is_success:
                    for wrong in wrong_states(answer.json()):
                        report.differ(f"while it ran: {wrong}")

    thread = threading.Thread(target=read, name="reader", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        report.counts["rankings asked for meanwhile"] = dict(counts)
