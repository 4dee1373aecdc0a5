"""The chaos run's own parts: what it sends, what it draws, what it expects, how it fails engines."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from schemas.codec import decode_event
from schemas.errors import EventError
from schemas.instants import DAY, parse_instant
from schemas.records import Sums
from services.domain.policy import load_policy
from services.domain.ranking import rank_units
from services.storage.database import Database
from services.storage.errors import StorageUnavailable
from tests.chaos import expected
from tests.chaos.city import Route, batches, conflicting, units
from tests.chaos.engine_proxy import EngineProxy, Trouble
from tests.chaos.faults import FAULTS, kill_engine, plan
from tests.support.engines import shared_engine

NOW = parse_instant("2026-07-03T00:00:00Z")
COUNT = 2_000


def test_a_seed_sends_the_same_city_with_all_that_makes_it_hard() -> None:
    sent = list(batches(COUNT, 7, NOW))
    assert sent == list(batches(COUNT, 7, NOW))
    assert sent != list(batches(COUNT, 8, NOW))
    events = [event for batch in sent for event in batch.events]
    copies = Counter(event["id"] for event in events)
    assert len(copies) == COUNT
    assert set(copies.values()) == {1, 2}
    instants = [parse_instant(event["time"]) for event in events]
    assert max(instants) <= NOW
    assert any(later < earlier - DAY for earlier, later in pairwise(instants))
    assert {batch.route for batch in sent} == set(Route)


def test_what_is_spoilt_breaks_the_contract_and_a_conflict_only_the_content() -> None:
    spoilt = [batch.spoilt for batch in batches(COUNT, 7, NOW) if batch.spoilt is not None]
    assert spoilt
    for event in spoilt:
        with pytest.raises(EventError):
            decode_event(event)
    first = next(batches(COUNT, 7, NOW)).events[0]
    one, other = decode_event(first).event, decode_event(conflicting(first)).event
    assert (one.subject, one.source, one.id) == (other.subject, other.source, other.id)
    assert one.digest != other.digest


def test_every_kind_of_fault_comes_before_one_comes_again() -> None:
    drawn = plan(30, 5, own_engine=True)
    assert drawn == plan(30, 5, own_engine=True)
    assert drawn != plan(30, 6, own_engine=True)
    kinds = len(FAULTS)
    assert set(drawn[:kinds]) == set(drawn[kinds : 2 * kinds]) == set(FAULTS)
    assert kill_engine not in plan(30, 5, own_engine=False)


def test_the_plain_ranking_is_that_of_the_rules() -> None:
    policy = load_policy(expected.policy_text(NOW))
    registry = units()
    for seed in range(200):
        draw = Random(seed)
        sums = {}
        for unit in draw.sample(registry, k=draw.randint(1, len(registry))):
            valid = draw.randint(0, 3)
            sums[unit.code, "volume"] = Sums(valid + draw.randint(0, 1), 0)
            for code in expected.WEIGHTS:
                grades = [draw.choice((0, 900, 1000)) for _ in range(valid)]
                sums[unit.code, code] = Sums(valid, sum(grades))
        ranking = rank_units(registry, sums, policy.at(NOW), "street")
        lines = expected.ranking([unit.code for unit in registry], sums)
        assert lines == [
            expected.Line(e.unit.code, e.rank, str(e.score), e.volume) for e in ranking.ranked
        ]
        assert expected.bottom(lines) == ranking.bottom()


def test_halves_are_rounded_up() -> None:
    assert str(expected.rounded(Fraction(7805, 100), 1)) == "78.1"
    assert str(expected.rounded(Fraction(78049, 1000), 1)) == "78.0"
    assert str(expected.rounded(Fraction(100), 2)) == "100.00"


def test_the_proxy_fails_as_it_is_told(tmp_path: Path) -> None:
    with shared_engine(tmp_path / "engine") as url, EngineProxy(url, 1).running() as proxy:
        direct, database = Database.open(url), Database.open(proxy.url)
        direct.execute("CREATE TABLE t (n UInt32) ENGINE = MergeTree ORDER BY n")

        def stored() -> list[int]:
            """Each once: the driver sends an insert again by itself when its connection breaks."""
            return [n for (n,) in direct.query("SELECT DISTINCT n FROM t ORDER BY n")]

        def insert(numbers: range) -> list[int]:
            """Those that failed."""
            failed = []
            for n in numbers:
                try:
                    database.insert("t", {"n": [n]})
                except StorageUnavailable:
                    failed.append(n)
            return failed

        try:
            assert insert(range(3)) == []
            proxy.trouble = Trouble.REFUSING
            with pytest.raises(StorageUnavailable):
                database.query("SELECT 1")
            proxy.trouble = Trouble.DISK_FULL
            assert insert(range(3, 5)) == [3, 4]
            assert database.query("SELECT count() FROM t") == [(3,)]
            proxy.trouble = Trouble.CUT_BEFORE
            cut = insert(range(10, 20))
            assert cut
            assert stored() == [0, 1, 2, *(n for n in range(10, 20) if n not in cut)]
            proxy.trouble = Trouble.CUT_AFTER
            assert insert(range(20, 30))
            assert [n for n in stored() if n >= 20] == [*range(20, 30)]
            proxy.trouble = Trouble.NONE
            assert insert(range(30, 32)) == []
        finally:
            database.close()
            direct.close()
