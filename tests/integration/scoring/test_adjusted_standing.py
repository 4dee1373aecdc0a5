"""The standing ranking counts what the register holds, while it runs."""

from __future__ import annotations

import time
from decimal import Decimal

from schemas.records import Unit
from services.domain.adjustments import Entry
from services.domain.policy import load_policy, preset
from services.domain.windows import window
from services.storage import adjustments, units
from services.storage.database import Database
from tests.integration.scoring.harness import Log, await_stored, worker_process
from tests.integration.scoring.test_worker import PARTITIONS, newest_list
from tests.support.brokers import Broker
from tests.support.scoring_process import activate_text
from tests.support.waiting import await_that

ADJUSTED = preset("beijing-district").replace("score:", "score:\n  adjustments: {}", 1)
STREETS = [Unit(f"{110101000 + n}", f"街道{n}", "street") for n in range(3)]


def test_points_are_counted_and_given_back_without_any_event(
    tansu: Broker, engine: str, database: Database
) -> None:
    tansu.create_topics(PARTITIONS)
    units.register(database, STREETS, 1)
    activate_text(database, ADJUSTED)
    now = time.time_ns() // 1000
    cycle = window(load_policy(ADJUSTED), "cycle", None, now).name
    first, second, third = (street.code for street in STREETS)
    taken = Entry("a", "adjustment", first, cycle, Decimal(-50), "", "late_report", "1101", now, 0)
    log = Log(tansu.bootstrap, PARTITIONS, now)
    with worker_process(tansu.bootstrap, engine, PARTITIONS) as worker:
        worker.ready()
        for place, street in enumerate(STREETS):
            log.closed_orders(street.code, solved=12 - place, unsolved=place, at=now)
        await_stored(database, log)
        await_that(lambda: newest_list(database) == [first, second, third])
        adjustments.record(database, taken, now)
        await_that(lambda: newest_list(database) == [second, third, first])
        back = taken._replace(id="b", kind="withdrawal", points=Decimal(0), withdraws="a")
        adjustments.record(database, back, now)
        await_that(lambda: newest_list(database) == [first, second, third])
        worker.stop()
