"""One message of the log by its place."""

from __future__ import annotations

from schemas.topics import BATCH_JSON, WORK_ORDER_EVENTS
from services.ingest.originals import Original, Originals
from services.ingest.sender import Sender
from tests.support.brokers import Broker


def test_a_message_is_read_by_its_place_and_one_that_is_not_there_is_gone(broker: Broker) -> None:
    broker.create_topics(2)
    sender = Sender(broker.bootstrap)
    sender.start()
    try:
        bodies = [b"[1]", b"[2]", b"[3]"]
        sent = [sender.submit(body, 1, BATCH_JSON) for body in bodies]
        assert [offset.result(30) for offset in sent] == [0, 1, 2]
    finally:
        sender.stop()
    with Originals(broker.bootstrap, patience=5) as originals:
        for offset in (2, 0, 1, 1):
            found = originals.read(WORK_ORDER_EVENTS, 1, offset)
            assert found == Original(BATCH_JSON, bodies[offset])
    with Originals(broker.bootstrap, patience=0.5) as originals:
        assert originals.read(WORK_ORDER_EVENTS, 1, 9) is None
        assert originals.read(WORK_ORDER_EVENTS, 0, 0) is None
