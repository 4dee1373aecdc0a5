"""Another policy in a running `hotline up`, and at its next start."""

from __future__ import annotations

import time
from pathlib import Path

from services.domain.policy import preset
from tests.integration.embedded.city import event, events, live_numbers
from tests.support.service import Service, run_hotline, running_service, start_service

CHANGED = preset("beijing-district").replace("satisfied: 1000", "satisfied: 500")
LONG = 60.0


def await_ruleset(service: Service, ruleset: int) -> None:
    """Until readers answer under this number."""
    deadline = time.monotonic() + LONG
    while service.rankings()["policy"]["ruleset"] != ruleset:
        assert time.monotonic() < deadline, service.get("/v1/policies")


def satisfied(service: Service) -> str:
    found: str = live_numbers(service)["totals"]["indicators"]["satisfaction"]["numerator"]
    return found


def test_a_policy_is_activated_by_a_command_and_outlives_a_crash_and_starts(tmp_path: Path) -> None:
    file = tmp_path / "changed.yaml"
    file.write_text(CHANGED, "utf-8")
    data = tmp_path / "data"
    with running_service(data) as service:
        service.accepted(*events(range(40)))
        assert satisfied(service) == "20"
        bad = tmp_path / "bad.yaml"
        bad.write_text(CHANGED.replace("  basis: last", "  basis: lastt"), "utf-8")
        refused = run_hotline("policy", "activate", str(bad), "--url", service.url)
        assert refused.returncode == 1
        line = 1 + CHANGED[: CHANGED.index("  basis: last")].count("\n")
        assert f"line {line}, callbacks.basis" in refused.stderr
        assert len(service.get("/v1/policies")["policies"]) == 1
        done = run_hotline("policy", "activate", str(file), "--url", service.url)
        assert done.returncode == 0, done.stderr
        assert "number 2" in done.stdout
        assert "编号 2" in done.stdout
        service.kill()  # it may have been building
    with running_service(data) as again:
        again.accepted(*events(range(40, 44)))
        await_ruleset(again, 2)
        assert satisfied(again) == "11"
        again.accepted(event("excluded", 0, 72, ground="不合理诉求"))
        assert satisfied(again) == "10.5"
        states = [each["state"] for each in again.get("/v1/policies")["policies"]]
        assert states == ["current", "past"]


def test_a_start_with_another_policy_answers_at_once_and_follows_it_soon(tmp_path: Path) -> None:
    file = tmp_path / "changed.yaml"
    file.write_text(CHANGED, "utf-8")
    data = tmp_path / "data"
    service = start_service(data)
    service.accepted(*events(range(40)))
    assert service.interrupt() == 0
    for _ in range(2):  # the second start changes nothing
        with running_service(data, "--policy", str(file)) as again:
            await_ruleset(again, 2)
            assert satisfied(again) == "10"
            assert len(again.get("/v1/policies")["policies"]) == 2


def test_a_file_or_a_service_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "changed.yaml"
    absent = run_hotline("policy", "activate", str(file))
    assert absent.returncode == 1
    assert "changed.yaml" in absent.stderr
    file.write_text(CHANGED, "utf-8")
    unreachable = run_hotline("policy", "activate", str(file), "--url", "http://127.0.0.1:9")
    assert unreachable.returncode == 1
    assert "hotline up" in unreachable.stderr
