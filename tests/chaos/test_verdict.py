"""A verdict of no difference means something: whatever is not as it must be is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from schemas.codec import Decoded, decode_frame, encode_frame
from schemas.instants import DAY, parse_instant
from schemas.records import DeadLetter, Fence, FlushMark, LoggedEvent, Position, Sums
from schemas.topics import BATCH_JSON, WORK_ORDER_EVENTS, partition_of
from services.domain.policy import load_policy
from services.scoring.context import no_step
from services.scoring.lease import Lease
from services.scoring.load import load_shard
from services.storage import dead_letters, evaluations
from services.storage.database import Database
from services.storage.evaluations import Alert, Evaluation, Series
from services.storage.migrate import migrate
from services.storage.shard_store import ShardStore
from tests.chaos import expected, verdict
from tests.chaos.city import batches, conflicting
from tests.chaos.log import Log, Refusal, sorted_out
from tests.chaos.traffic import PARTITIONS, Content
from tests.support import usage

NOW = parse_instant("2026-07-03T00:00:00Z")
FENCE = Fence(verdict.EPOCH, 0)
POLICY = expected.policy_text(NOW)


class Message(NamedTuple):
    """What a consumer gives."""

    partition: int
    offset: int
    headers: list[tuple[str, bytes]]
    value: bytes


def frames() -> Iterator[Message]:
    """A small log, one frame a batch and partition, with copies and conflicts."""
    ends = [0] * PARTITIONS
    for batch in batches(300, 1, NOW - DAY):
        sent = [*batch.events, *map(conflicting, batch.events[:1])]
        for partition in range(PARTITIONS):
            own = [e for e in sent if partition_of(e["subject"], PARTITIONS) == partition]
            body = encode_frame([orjson.dumps(event) for event in own])
            headers = [("content-type", BATCH_JSON.encode())]
            yield Message(partition, ends[partition], headers, body)
            ends[partition] += 1


def a_log() -> Log:
    messages = list(frames())
    return sorted_out(messages, {m.partition: m.offset + 1 for m in messages})


def store(database: Database, log: Log) -> None:
    """Fill the tables as a shard does that takes the archive over."""
    logged: dict[int, dict[Content, LoggedEvent]] = {n: {} for n in range(PARTITIONS)}
    for message in frames():
        for index, item in enumerate(decode_frame(BATCH_JSON, message.value)):
            assert isinstance(item, Decoded)
            event = item.event
            content = Content(event.subject, event.source, event.id, event.digest)
            place = Position(verdict.EPOCH, message.offset)
            logged[message.partition].setdefault(content, LoggedEvent(event, place, index))
    for shard, events in logged.items():
        own = ShardStore(database, shard, verdict.RULESET)
        assert own.claim(FENCE, NOW)
        own.write_events(FENCE, list(events.values()))
        loaded = load_shard(
            own,
            partition=shard,
            partitions=PARTITIONS,
            policy=load_policy(POLICY),
            fence=FENCE,
            now=NOW,
            lease=Lease(),
            on_step=no_step,
            publish=lambda _letters: None,
        )
        end = Position(verdict.EPOCH, log.ends[shard] - 1)
        own.write_flush(FlushMark(FENCE, loaded.lane.mark.flush + 1, end, NOW))
    dead_letters.write(database, [_letter(refusal) for refusal in log.refused], NOW)


def _letter(refusal: Refusal) -> DeadLetter:
    return DeadLetter(
        topic=WORK_ORDER_EVENTS,
        partition=refusal.partition,
        position=Position(verdict.EPOCH, refusal.offset),
        frame_index=refusal.place,
        reason=refusal.reason,
        path="",
        detail="",
        source="",
        id="",
        subject="",
        type="",
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    usage.note(usage.CHDB)
    opened = Database.open(f"chdb://{tmp_path}/engine")
    migrate(opened)
    yield opened
    opened.close()


def found(database: Database, log: Log) -> verdict.Found:
    marks = verdict.marks_of(database)
    clocks = {shard: mark.clock for shard, mark in marks.items()}
    counters = expected.counters(POLICY, log.orders, clocks, 1, lambda _count: None)
    return verdict.Found(log, marks, counters)


def test_counters_archive_and_letters(database: Database) -> None:
    log = a_log()
    assert log.refused, "conflicts are in the log"
    store(database, log)
    right = found(database, log)
    accepted = {content for of_shard in log.archive.values() for content in of_shard}
    assert [*verdict.wrong_counters(database, right)] == []
    assert [*verdict.wrong_archive(database, log, accepted)] == []
    assert [*verdict.wrong_letters(database, log)] == []

    never = Content("热线-0", "urn:nobody", "1", b"0" * 16)
    (told,) = verdict.wrong_archive(database, log, {*accepted, never})
    assert "1 accepted events are not in the log" in told

    (shard, content), *_ = [(n, c) for n, own in log.archive.items() for c in own]
    place = log.archive[shard][content]
    log.archive[shard][content] = place._replace(offset=place.offset + 100)
    (told,) = verdict.wrong_archive(database, log, ())
    assert "under another place" in told
    del log.archive[shard][content]
    assert any("too many" in told for told in verdict.wrong_archive(database, log, ()))

    log.refused.add(Refusal(0, 10_000, 0, "malformed"))
    (told,) = verdict.wrong_letters(database, log)
    assert "1 are missing" in told

    log.ends[shard] += 1
    (told,) = verdict.wrong_counters(database, right)
    assert "the log ends at" in told
    log.ends[shard] -= 1
    key, sums = next(iter(right.counters[shard].items()))
    mark = right.marks[shard]
    store_of = ShardStore(database, shard, verdict.RULESET)
    more = Sums(sums.denominator + 1, sums.numerator)
    store_of.write_counters(mark._replace(flush=mark.flush + 1), {key: more})
    (told,) = verdict.wrong_counters(database, right)
    assert "1 counters differ" in told


def test_the_standing_list_and_its_alerts(database: Database) -> None:
    log = a_log()
    store(database, log)
    counters = found(database, log).counters
    (told,) = verdict.wrong_standing(database, counters)
    assert told == "there is no evaluation"
    chain = [evaluation(1, ("a", "b")), evaluation(2, ("b", "c"))]
    for each in chain:
        evaluations.write(database, each)
    sent = [{"id": alert.id} for each in chain for alert in each.alerts]
    assert [*verdict.wrong_alerts(database, [*sent, sent[0]])] == []
    assert any("1 are missing" in told for told in verdict.wrong_alerts(database, sent[1:]))
    assert any(
        "1 too many" in told for told in verdict.wrong_alerts(database, [*sent, {"id": "x"}])
    )
    (told,) = verdict.wrong_alerts(database, [*sent, {**sent[0], "unit": "other"}])
    assert "two contents" in told
    assert any("ranks" in told for told in verdict.wrong_standing(database, counters))

    evaluations.write(database, evaluation(4, ("b", "c"))._replace(alerts=()))
    (told,) = verdict.wrong_alerts(database, sent)
    assert "numbered" in told
    evaluations.write(database, evaluation(3, ("c", "d"))._replace(alerts=()))
    told_of = [*verdict.wrong_alerts(database, sent)]
    assert ["evaluation 3" in told_of[0], "evaluation 4" in told_of[1]] == [True, True]


def evaluation(number: int, bottom: tuple[str, ...]) -> Evaluation:
    """The second one follows the first as it must."""
    changes = {
        1: [("bottom_entered", "a"), ("bottom_entered", "b")],
        2: [("bottom_entered", "c"), ("bottom_left", "a")],
    }.get(number, [])
    return Evaluation(
        series=Series(verdict.RULESET, "lead", "street", "", "cycle", "2026-07"),
        window_from=NOW - 10 * DAY,
        window_to=NOW + 10 * DAY,
        number=number,
        as_of=NOW + number,
        positions={},
        ranked=(),
        bottom=bottom,
        alerts=tuple(Alert(f"{rule}:{unit}:{number}", rule, unit) for rule, unit in changes),
    )
