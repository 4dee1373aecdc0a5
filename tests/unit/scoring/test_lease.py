from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from services.scoring.lease import Lease, LostError, persist
from services.storage.errors import StorageError, StorageUnavailable


def test_a_failing_store_is_asked_again_until_it_answers(caplog: pytest.LogCaptureFixture) -> None:
    answers: Iterator[Exception | int] = iter(
        [ConnectionError("password=secret"), TimeoutError(), 42]
    )

    def operation() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with caplog.at_level(logging.WARNING):
        assert Lease().patiently("reading", operation) == 42
    assert len(caplog.records) == 2
    assert "secret" not in caplog.text


def test_a_lease_that_is_given_up_ends_the_waiting() -> None:
    lease = Lease()

    def operation() -> None:
        lease.give_up()
        raise ConnectionError

    with pytest.raises(LostError):
        lease.patiently("writing", operation)


def test_nothing_is_begun_after_the_lease_was_given_up() -> None:
    lease = Lease()
    lease.give_up()
    with pytest.raises(LostError):
        lease.patiently("writing", lambda: pytest.fail("begun"))


def test_a_loss_that_an_operation_finds_out_is_not_repeated() -> None:
    def operation() -> None:
        raise LostError

    with pytest.raises(LostError):
        Lease().patiently("writing", operation)


def test_a_lease_within_another_one_ends_with_it_and_not_the_other_way_round() -> None:
    outer = Lease()
    inner, other = Lease(outer), Lease(outer)
    inner.give_up()
    assert (inner.given_up, other.given_up, outer.given_up) == (True, False, False)
    outer.give_up()
    with pytest.raises(LostError):
        other.patiently("writing", lambda: pytest.fail("begun"))


async def test_the_broker_is_asked_again_until_it_answers_or_the_lease_ends(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scoring.lease._PUBLISH_PAUSE", 0)
    answers: Iterator[Exception | int] = iter([ConnectionError("password=secret"), 42])
    lease = Lease()

    async def operation() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        lease.give_up()
        return answer

    assert await persist(lease, operation) == 42
    assert "secret" not in caplog.text
    with pytest.raises(LostError):
        await persist(lease, operation)


def test_a_refusal_is_told_apart_from_an_outage_and_both_end_with_success(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[str] = []
    lease = Lease(on_trouble=heard.append)
    failures: Iterator[Exception] = iter([StorageUnavailable("away"), StorageError("secret")])
    troubles: list[str | None] = []

    def operation() -> int:
        troubles.append(lease.trouble)
        for failure in failures:
            raise failure
        return 42

    with caplog.at_level(logging.WARNING):
        assert lease.patiently("writing orders", operation) == 42
    assert troubles == [None, "unavailable", "refused"]
    assert heard == ["unavailable", "refused"]
    assert lease.trouble is None
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "writing orders is refused" in caplog.records[1].getMessage()
    assert "secret" not in caplog.text
