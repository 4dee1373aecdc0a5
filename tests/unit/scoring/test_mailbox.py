from __future__ import annotations

import asyncio

from services.scoring.frames import Message
from services.scoring.mailbox import Mailbox

MIB = 1 << 20


def message(offset: int, size: int = 10) -> Message:
    return Message(offset, None, b" " * size)


async def test_messages_come_out_in_the_order_they_were_put() -> None:
    box = Mailbox()
    for offset in range(3):
        await box.put(message(offset))
    await box.wait()
    assert [m.offset for m in box.take()] == [0, 1, 2]
    assert box.empty()


async def test_a_full_box_holds_the_agent_until_it_is_emptied() -> None:
    box = Mailbox()
    for offset in range(8):
        await box.put(message(offset, MIB))
    blocked = asyncio.create_task(box.put(message(8)))
    await asyncio.sleep(0)
    assert not blocked.done()
    assert len(box.take()) == 8
    await blocked
    assert [m.offset for m in box.take()] == [8]


async def test_waiting_for_many_ends_when_much_is_there_or_with_a_wake() -> None:
    box = Mailbox()
    await box.put(message(0))
    waiting = asyncio.create_task(box.wait_for_many())
    await asyncio.sleep(0)
    assert not waiting.done()
    await box.put(message(1, MIB))
    await waiting
    box.take()
    waiting = asyncio.create_task(box.wait_for_many())
    await asyncio.sleep(0)
    assert not waiting.done()
    box.wake()
    await waiting


async def test_after_a_rewind_only_what_was_read_again_is_taken() -> None:
    box = Mailbox()
    await box.put(message(9))
    box.rewind(5)
    for offset in (10, 11, 5, 6, 7):
        await box.put(message(offset))
    assert [m.offset for m in box.take()] == [5, 6, 7]


async def test_a_lost_partition_leaves_nothing() -> None:
    box = Mailbox()
    await box.put(message(1))
    box.rewind(0)
    box.reset()
    await box.put(message(7))
    assert [m.offset for m in box.take()] == [7]


async def test_what_waited_for_room_when_the_partition_was_lost_is_dropped_too() -> None:
    box = Mailbox()
    for offset in range(8):
        await box.put(message(offset, MIB))
    blocked = asyncio.create_task(box.put(message(8)))
    await asyncio.sleep(0)
    box.reset()
    await blocked
    assert box.empty()


async def test_wake_ends_the_waiting_without_a_message() -> None:
    box = Mailbox()
    waiting = asyncio.create_task(box.wait())
    await asyncio.sleep(0)
    box.wake()
    await waiting
    assert box.take() == []
