"""One alert for one entry: hysteresis, cool-down, quiet hours, and what is found later."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import HOUR, MINUTE, Instant
from schemas.policy.alerts import AlertRule, QuietHours
from services.domain.alerting import (
    ORDERS,
    Moved,
    Track,
    Turn,
    advance,
    is_late,
    not_before,
    turning,
)
from tests.support.orders import local

NOW = local("2026-11-10 12:00")
BEIJING = ZoneInfo("Asia/Shanghai")
MOVED = Moved(("a", "b"), 2, NOW)


def rule(kind: str = "bottom_entered", **keys: Any) -> AlertRule:
    return AlertRule.model_validate({"rule": kind, **keys})


class Follow:
    """One rule over evaluations that come a minute apart."""

    def __init__(self, of: AlertRule) -> None:
        self.rule = of
        self.at: Instant = NOW
        self.tracks: dict[str, Track] = {}

    def see(self, *met: str, late: Collection[str] = (), minutes: int = 1) -> list[Turn]:
        self.at += minutes * MINUTE
        self.tracks, turns = advance(
            self.rule, set(met), self.tracks, self.at, late=late, moved={"u": MOVED}
        )
        return turns

    def units(self, *met: str, minutes: int = 1) -> list[str]:
        return [turn.unit for turn in self.see(*met, minutes=minutes)]


def test_who_comes_in_is_told_once_with_the_orders_that_moved_it() -> None:
    following = Follow(rule())
    assert following.see("u") == [Turn("u", "", ("a", "b"), 2)]
    assert following.see("u") == []
    assert following.units("u", "v") == ["v"]
    assert following.units() == []
    assert following.units("u") == ["u"]


def test_who_leaves_is_told_by_a_rule_of_its_own() -> None:
    following = Follow(rule("bottom_left"))
    assert following.units("u", "v") == []
    assert following.units("v") == ["u"]
    assert following.units("v") == []


def test_it_has_to_hold_in_so_many_evaluations() -> None:
    following = Follow(rule(for_evaluations=3))
    assert following.units("u") == []
    assert following.units("u") == []
    assert following.units() == []  # gone in between: from the start
    assert [following.units("u") for _ in range(3)] == [[], [], ["u"]]
    assert [following.units() for _ in range(2)] == [[], []]
    assert following.units("u") == []  # it never was gone for so long
    assert following.tracks["u"].holds


def test_it_has_to_hold_for_so_long_and_waiting_changes_nothing_that_is_stored() -> None:
    following = Follow(rule(for_minutes=10))
    assert following.units("u") == []
    first = following.tracks
    assert following.units("u", minutes=9) == []
    assert following.tracks == first
    assert following.units("u") == ["u"]


def test_nobody_is_told_of_a_leaving_without_an_entry() -> None:
    following = Follow(rule("bottom_left", for_minutes=10))
    assert following.units("u") == []
    assert [following.units() for _ in range(20)] == [[]] * 20


def test_what_came_late_is_found_later_also_when_it_is_confirmed_by_now() -> None:
    following = Follow(rule(for_evaluations=2))
    assert following.see("u", late={"u"}) == []
    assert [turn.withheld for turn in following.see("u")] == ["found_later"]
    assert following.see("u") == []
    assert [following.units() for _ in range(2)] == [[], []]
    assert [*following.see("u"), *following.see("u")] == [Turn("u", "", ("a", "b"), 2)]


def test_soon_after_an_alert_the_next_one_is_not_pushed() -> None:
    following = Follow(rule(cool_down_minutes=60))
    assert [turn.withheld for turn in following.see("u")] == [""]
    following.see()
    assert [turn.withheld for turn in following.see("u")] == ["cool_down"]
    following.see(minutes=30)
    assert [turn.withheld for turn in following.see("u", minutes=30)] == [""]


def test_nothing_is_kept_of_units_that_are_long_gone() -> None:
    following = Follow(rule(cool_down_minutes=60))
    following.see("u")
    following.see()
    assert "u" in following.tracks
    following.see(minutes=60)
    assert following.tracks == {}


def test_an_alert_names_some_orders_and_how_many_there_are() -> None:
    parts = [Moved(tuple(f"{n:03d}" for n in range(k, 60, 2)), 30, NOW - k) for k in (0, 1)]
    together = Moved.together(parts)
    assert together.orders == tuple(f"{n:03d}" for n in range(ORDERS))
    assert (together.total, together.oldest) == (60, NOW - 1)


def test_only_what_was_not_seen_before_is_asked_about() -> None:
    before = {"in": Track(holds=True), "leaving": Track(holds=True), "waits": Track(since=NOW)}
    assert turning({"in", "waits", "new"}, before) == ["leaving", "new"]


@given(st.lists(st.sets(st.sampled_from("uvw")), max_size=30))
def test_a_process_that_starts_again_anywhere_tells_the_same(seen: list[set[str]]) -> None:
    of = rule(for_evaluations=2, cool_down_minutes=3)
    whole = Follow(of)
    told = [whole.see(*met) for met in seen]
    again: list[list[Turn]] = []
    stored: dict[str, Track] = {}
    for number, met in enumerate(seen):
        process = Follow(of)
        process.at, process.tracks = NOW + number * MINUTE, stored
        again.append(process.see(*met))
        stored = dict(process.tracks)
    assert again == told


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-11-10 21:59", None),
        ("2026-11-10 22:00", "2026-11-11 07:00"),
        ("2026-11-10 23:30", "2026-11-11 07:00"),
        ("2026-11-11 00:00", "2026-11-11 07:00"),
        ("2026-11-11 06:59", "2026-11-11 07:00"),
        ("2026-11-11 07:00", None),
    ],
)
def test_at_night_nobody_is_woken_before_morning(at: str, ends: str | None) -> None:
    night = QuietHours.model_validate({"from": 22, "to": 7})
    assert not_before(night, local(at), BEIJING) == (0 if ends is None else local(ends))
    assert not_before(None, local(at), BEIJING) == 0


def test_quiet_hours_may_lie_within_a_day() -> None:
    noon = QuietHours.model_validate({"from": 12, "to": 14})
    assert not_before(noon, local("2026-11-10 13:10"), BEIJING) == local("2026-11-10 14:00")
    assert not_before(noon, local("2026-11-10 14:00"), BEIJING) == 0


def test_events_that_happened_long_ago_are_no_news_and_time_alone_is() -> None:
    of = rule(news_within_hours=2)
    assert not is_late(of, [Moved(("a",), 1, NOW - 2 * HOUR)], NOW, None)
    assert is_late(of, [MOVED, Moved(("a",), 1, NOW - 2 * HOUR - 1)], NOW, NOW)
    assert not is_late(of, [], NOW, None)
    assert not is_late(of, [], NOW, NOW - 2 * HOUR)
    assert is_late(of, [], NOW, NOW - 2 * HOUR - 1)
