"""Someone who reads the ranking all the time, and what each answer must have been."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from schemas.instants import DAY, QUARTER_HOUR, format_instant, parse_instant
from schemas.records import ZERO, Position, Sums
from schemas.topics import partition_of
from services.api.app import create_app
from services.api.context import ApiContext
from services.api.writing import thousandths_text
from services.domain.policy import Policy
from services.storage.database import Database
from tests.integration.scoring.harness import LONG, UNITS, Log
from tests.unit.scoring.support import expected

Answer = dict[str, Any]


@contextmanager
def reading(database: Database, log: Log) -> Iterator[list[Answer]]:
    """Ask for the ranking again and again while the block runs; the list grows."""
    answers: list[Answer] = []
    ending = threading.Event()
    context = ApiContext(
        database=database, partitions=log.partitions, clock=lambda: log.now, is_ready=dict
    )
    begins = log.now - log.now % QUARTER_HOUR - 40 * DAY
    window = {"from": format_instant(begins), "to": format_instant(begins + 42 * DAY)}

    async def ask() -> None:
        transport = httpx.ASGITransport(create_app(context))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            while not ending.is_set():
                answer = await http.get("/v1/rankings", params=window)
                answer.raise_for_status()
                answers.append(answer.json())
                await asyncio.to_thread(ending.wait, 0.05)

    thread = threading.Thread(target=asyncio.run, args=(ask(),))
    thread.start()
    try:
        yield answers
    finally:
        ending.set()
        thread.join(LONG)


def check(answer: Answer, log: Log, policy: Policy) -> None:
    """The totals are those of exactly the log positions and clocks that the answer names."""
    assert answer["complete"] is True
    totals: dict[str, Sums] = {}
    for at in answer["positions"]:
        position = Position(at["epoch"], at["offset"])
        read = [
            each
            for each in log.events
            if partition_of(each.event.subject, log.partitions) == at["shard"]
            and each.position <= position
        ]
        for key, sums in expected(read, parse_instant(at["clock"]), policy).items():
            if key.unit in UNITS:
                total = totals.get(key.indicator, ZERO)
                totals[key.indicator] = Sums(
                    total.denominator + sums.denominator, total.numerator + sums.numerator
                )
    found = answer["totals"]
    assert found["volume"] == totals["volume"].denominator
    assert found["overdue"] == totals.get("overdue", ZERO).denominator
    for code, indicator in found["indicators"].items():
        own = totals.get(code, ZERO)
        assert indicator["denominator"] == own.denominator
        assert indicator["numerator"] == thousandths_text(own.numerator)
