"""Answers that are kept: read after the question, or never older than was said."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import Response

from services.api.kept import Kept, KeptAnswers


class Store:
    """Numbers that change, read one after the other when a test opens the gate."""

    def __init__(self) -> None:
        self.number = 0
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()

    async def make(self, last: Kept | None) -> Kept:
        self.reads += 1
        tag = str(self.number)
        self.begun.set()
        await self.gate.wait()
        return last if last is not None and last.tag == tag else Kept(tag, Response(tag))


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_those_who_ask_together_wait_for_one_reading_that_began_after_they_asked() -> None:
    store, answers = Store(), KeptAnswers(0)
    store.gate.clear()
    first = asyncio.create_task(answers.get("q", store.make))
    await store.begun.wait()
    store.number = 1
    later = [asyncio.create_task(answers.get("q", store.make)) for _ in range(5)]
    other = asyncio.create_task(answers.get("another question", store.make))
    await asyncio.sleep(0)
    store.gate.set()
    assert (await first).tag == "0"
    assert {(await each).tag for each in later} == {"1"}
    assert (await other).tag == "1"
    assert store.reads == 3


async def test_what_did_not_change_is_the_same_answer() -> None:
    store, answers = Store(), KeptAnswers(0)
    first = await answers.get("q", store.make)
    assert await answers.get("q", store.make) is first
    store.number = 1
    assert (await answers.get("q", store.make)).tag == "1"
    assert store.reads == 3


async def test_a_fresh_answer_is_given_at_once_and_replaced_in_time() -> None:
    store, clock = Store(), Clock()
    answers = KeptAnswers(2, clock)
    assert (await answers.get("q", store.make)).tag == "0"
    store.number = 1
    clock.now += 0.9
    assert (await answers.get("q", store.make)).tag == "0"
    assert store.reads == 1
    store.gate.clear()
    store.begun.clear()
    clock.now += 0.9
    given = [(await answers.get("q", store.make)).tag for _ in range(3)]
    await store.begun.wait()
    assert given == ["0"] * 3
    assert store.reads == 2
    store.gate.set()
    clock.now += 0.2  # the old one is too old: whoever asks now waits
    assert (await answers.get("q", store.make)).tag == "1"


async def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    store, answers = Store(), KeptAnswers(60)
    failed = await asyncio.gather(
        *(answers.get("q", _failing) for _ in range(3)), return_exceptions=True
    )
    assert [str(each) for each in failed] == ["gone"] * 3
    assert (await answers.get("q", store.make)).tag == "0"


async def test_a_failure_in_the_background_leaves_the_last_answer_until_it_is_too_old() -> None:
    store, clock = Store(), Clock()
    answers = KeptAnswers(2, clock)
    await answers.get("q", store.make)
    clock.now += 1
    assert (await answers.get("q", _failing)).tag == "0"
    clock.now += 1
    with pytest.raises(RuntimeError):
        await answers.get("q", _failing)


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    store, answers = Store(), KeptAnswers(0)
    store.gate.clear()
    leaving = asyncio.create_task(answers.get("q", store.make))
    await store.begun.wait()
    staying = asyncio.create_task(answers.get("q", store.make))
    leaving.cancel()
    store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert (await staying).tag == "0"


async def test_questions_that_nobody_asks_any_more_are_forgotten() -> None:
    store, answers = Store(), KeptAnswers(60)
    first = await answers.get(0, store.make)
    store.number = 1
    for question in range(1, 65):
        await answers.get(question, store.make)
    assert (await answers.get(64, store.make)).tag == "1"
    assert await answers.get(0, store.make) is not first


async def _failing(_last: Kept | None) -> Kept:
    raise RuntimeError("gone")
