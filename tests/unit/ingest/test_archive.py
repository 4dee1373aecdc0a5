"""The archive look-up: what counts as stored, gathering, and an archive that fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence

import pytest

from schemas.records import Fence, FlushMark, Position
from schemas.topics import partition_of
from services.ingest.archive import Archive, Copy, Key, Known, known_events

PARTITIONS = 4
KEY: Key = ("order-1", "city", "id-1")
SHARD = partition_of(KEY[0], PARTITIONS)
A, B = b"a" * 16, b"b" * 16


def look_up(copies: Sequence[Copy], flushed: Position | None) -> Known | None:
    marks = {SHARD: FlushMark(Fence(1, 1), 1, flushed, 0)} if flushed else {}
    marks[(SHARD + 1) % PARTITIONS] = FlushMark(Fence(1, 1), 1, Position(9, 9), 0)
    return known_events(lambda _: {KEY: copies}, lambda: marks, PARTITIONS)([KEY]).get(KEY)


@pytest.mark.parametrize(
    ("flushed", "stored"),
    [
        (None, False),
        (Position(1, 4), False),
        (Position(1, 5), True),
        (Position(1, 6), True),
        (Position(0, 9), False),
        (Position(2, -1), True),
    ],
)
def test_stored_means_at_or_before_the_last_flush(flushed: Position | None, stored: bool) -> None:
    assert look_up([(A, Position(1, 5), 0)], flushed) == Known(A, stored)


def test_the_copy_that_is_first_in_the_log_counts() -> None:
    copies = [(B, Position(1, 7), 0), (A, Position(1, 5), 3), (B, Position(1, 5), 4)]
    assert look_up(copies, Position(1, 5)) == Known(A, stored=True)
    assert look_up([], Position(1, 5)) is None


async def test_concurrent_questions_are_asked_together() -> None:
    asked: list[list[Key]] = []
    release = threading.Event()

    def slow(keys: Sequence[Key]) -> Mapping[Key, Known]:
        asked.append(list(keys))
        release.wait(1)
        return {key: Known(A, stored=True) for key in keys if key[2] != "new"}

    archive = Archive(slow)
    keys: list[Key] = [("order", "city", name) for name in ("1", "2", "3", "new")]
    questions = [asyncio.create_task(archive.known([key])) for key in keys]
    while not asked:  # noqa: ASYNC110  a thread cannot set an event of the loop
        await asyncio.sleep(0.001)
    late = asyncio.create_task(archive.known(keys))
    await asyncio.sleep(0)
    release.set()
    answers = await asyncio.gather(*questions)
    for key, answer in zip(keys, answers, strict=True):
        assert (key in answer) == (key[2] != "new")
    assert len(await late) == 3
    assert sorted(key for keys_asked in asked for key in keys_asked) == sorted(keys * 2)
    assert len(asked) == 2
    assert await archive.known([]) == {}


async def test_an_archive_that_fails_is_left_alone_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = 0

    def broken(_: Sequence[Key]) -> Mapping[Key, Known]:
        nonlocal calls
        calls += 1
        raise RuntimeError("secret 13800138000")

    archive = Archive(broken)
    for _ in range(3):
        assert await archive.known([KEY]) == {}
    assert calls == 1
    assert [record.getMessage() for record in caplog.records] == [
        "the archive cannot be asked (RuntimeError): accepting without looking for duplicates"
    ]
