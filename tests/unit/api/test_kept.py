"""Answers that are kept: read after the question, or no older than was said and than they cost."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import Response

from services.api.kept import Kept, KeptAnswers


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Store:
    """Numbers that change, read one after the other when a test opens the gate.

    ``takes``: how far reading other numbers than before moves the clock.
    """

    def __init__(self, clock: Clock | None = None, takes: float = 0.0) -> None:
        self.clock = clock or Clock()
        self.takes = takes
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
        if last is not None and last.tag == tag:
            return last
        self.clock.now += self.takes
        return Kept(tag, Response(tag))


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
    clock = Clock()
    store, answers = Store(clock, takes=0.5), KeptAnswers(3, clock)
    assert (await answers.get("q", store.make)).tag == "0"  # 0.5 s old when it is ready
    store.number = 1
    clock.now += 0.4
    assert (await answers.get("q", store.make)).tag == "0"
    assert store.reads == 1
    store.gate.clear()
    store.begun.clear()
    clock.now += 0.2
    given = [(await answers.get("q", store.make)).tag for _ in range(3)]
    await store.begun.wait()
    clock.now += 1.8
    given.append((await answers.get("q", store.make)).tag)
    assert given == ["0"] * 4
    assert store.reads == 2
    clock.now += 0.2  # the old one is too old: whoever asks now waits
    waiting = asyncio.create_task(answers.get("q", store.make))
    await asyncio.sleep(0)
    store.gate.set()
    assert (await waiting).tag == "1"


async def test_an_answer_is_given_for_ten_times_what_it_took_and_not_longer() -> None:
    clock = Clock()
    store, answers = Store(clock, takes=0.02), KeptAnswers(2, clock)
    await answers.get("q", store.make)
    store.number = 1
    clock.now += 0.17
    assert (await answers.get("q", store.make)).tag == "0"
    clock.now += 0.02
    assert (await answers.get("q", store.make)).tag == "1"


async def test_while_the_next_one_takes_long_the_last_is_given_for_as_long_as_is_allowed() -> None:
    clock = Clock()
    store, answers = Store(clock, takes=0.02), KeptAnswers(2, clock)
    await answers.get("q", store.make)
    store.number = 1
    store.gate.clear()
    store.begun.clear()
    clock.now += 0.1
    await answers.get("q", store.make)
    await store.begun.wait()
    clock.now += 1.8
    assert (await answers.get("q", store.make)).tag == "0"
    clock.now += 0.1
    waiting = asyncio.create_task(answers.get("q", store.make))
    await asyncio.sleep(0)
    assert not waiting.done()
    store.gate.set()
    assert (await waiting).tag == "1"


async def test_finding_nothing_new_does_not_shorten_the_time() -> None:
    clock = Clock()
    store, answers = Store(clock, takes=0.1), KeptAnswers(2, clock)
    await answers.get("q", store.make)
    clock.now += 1
    first = await answers.get("q", store.make)  # looked again, found the same
    assert store.reads == 2
    store.number = 1
    clock.now += 0.9
    assert await answers.get("q", store.make) is first


async def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    store, answers = Store(), KeptAnswers(60)
    failed = await asyncio.gather(
        *(answers.get("q", _failing) for _ in range(3)), return_exceptions=True
    )
    assert [str(each) for each in failed] == ["gone"] * 3
    assert (await answers.get("q", store.make)).tag == "0"


async def test_a_failure_in_the_background_leaves_the_last_answer_until_it_is_too_old() -> None:
    clock = Clock()
    store, answers = Store(clock, takes=1), KeptAnswers(2, clock)
    await answers.get("q", store.make)
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
    clock = Clock()
    store, answers = Store(clock, takes=1), KeptAnswers(600, clock)
    first = await answers.get(0, store.make)
    store.number = 1
    for question in range(1, 65):
        await answers.get(question, store.make)
    assert (await answers.get(64, store.make)).tag == "1"
    assert await answers.get(0, store.make) is not first


async def _failing(_last: Kept | None) -> Kept:
    raise RuntimeError("gone")
