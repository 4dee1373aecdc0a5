"""What the store counts as signs is what the contributions of each order say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from schemas.instants import DAY, HOUR, MINUTE, Instant
from schemas.records import Event, Span, Sums
from services.domain.alerting_signs import CLOSED, LAST_HOUR, RATED
from services.domain.outcome import VALID, evaluate
from services.domain.windows import Window
from services.storage.sign_reader import SignsOf, signs
from tests.integration.api.city import CYCLE_BEGINS, NOW, STREETS, City, city_events, open_city
from tests.support.orders import event, local, rated

CYCLE = Window("cycle", "2026-11", CYCLE_BEGINS, local("2026-11-19 00:00"))
EARLIER = Window("day", "2026-10-25", CYCLE_BEGINS + 5 * DAY, CYCLE_BEGINS + 6 * DAY)
RULES = {CLOSED, LAST_HOUR, "ratings_apart"}
SOURCE = "city-hotline"
UNIT = STREETS[0].code


def last_hour(subject: str, resolved_before: Instant) -> list[Event]:
    """An order that is reported done so long before its deadline, and called back by SMS."""
    at = NOW - 2 * DAY
    return [
        event("received", at, subject=subject, demand_type="help", urgency="urgent"),
        event("dispatched", at, subject=subject, unit=UNIT),
        event("resolved", at + DAY - resolved_before, subject=subject, unit=UNIT),
        rated(at + DAY + HOUR, subject=subject, channel="phone", satisfaction="dissatisfied"),
        rated(at + DAY + 2 * HOUR, subject=subject, channel="sms"),
    ]


EVENTS = [
    *city_events(streets=6),
    *last_hour("末-1", HOUR),
    *last_hour("末-2", HOUR + 1),
    *last_hour("末-3", 1),
    *last_hour("末-4", 0),  # late
    *last_hour("末-5", MINUTE),
]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with open_city(tmp_path_factory.mktemp("signs") / "engine") as found:
        found.store(EVENTS)
        yield found


def expected(city: City, window: Window, as_of: Instant) -> dict[tuple[str, str], Sums]:
    """Order by order, from the events."""
    by_order: defaultdict[str, list[Event]] = defaultdict(list)
    for each in EVENTS:
        by_order[each.subject].append(each)
    asked: Counter[tuple[str, str]] = Counter()
    shown: Counter[tuple[str, str]] = Counter()
    for events in by_order.values():
        outcome = evaluate(events, city.policy)
        spans: dict[str, Span] = {
            span.indicator: span
            for span in outcome.spans
            if span.ranking == "lead" and span.begins_at <= as_of < span.ends_at
        }
        volume = spans.get("volume")
        if volume is None or not volume.unit:
            continue
        if not window.begins_at <= volume.attributed_at < window.ends_at:
            continue
        unit, done, due = volume.unit, outcome.summary.resolved_at, outcome.summary.resolve_due
        if done is not None and done <= as_of:
            if VALID in spans:
                asked[unit, CLOSED] += 1
                bad = any(
                    spans[code].numerator == 0
                    for code in ("response", "resolution")
                    if code in spans
                )
                shown[unit, CLOSED] += 1000 * bad
            if due is not None and done < due:
                asked[unit, LAST_HOUR] += 1
                shown[unit, LAST_HOUR] += 1000 * (due - done <= HOUR)
        if "satisfaction" in spans:
            calls = [each for each in events if each.type == "callback" and each.data["reached"]]
            last = max(each for each in calls if each.occurred_at <= as_of)
            by = f"{RATED}{SOURCE} {last.data.get('channel', '')}".rstrip()
            asked[unit, by] += 1
            shown[unit, by] += spans["satisfaction"].numerator
    return {key: Sums(count, shown[key]) for key, count in asked.items()}


def nonzero(found: dict[tuple[str, str], Sums]) -> dict[tuple[str, str], Sums]:
    return {key: sums for key, sums in found.items() if sums.denominator}


@pytest.mark.parametrize("window", [CYCLE, EARLIER], ids=lambda window: window.name)
@pytest.mark.parametrize("as_of", [NOW, NOW - 4 * DAY], ids=["now", "before"])
def test_signs_are_the_sums_of_the_orders(city: City, window: Window, as_of: Instant) -> None:
    of = SignsOf(city.ruleset, "lead", window, as_of)
    found = signs(city.database, of, RULES, city.policy.at(NOW).document.indicators)
    wanted = expected(city, window, as_of)
    assert wanted
    assert nonzero(found) == wanted


def test_the_last_hour_ends_with_the_deadline(city: City) -> None:
    of = SignsOf(city.ruleset, "lead", CYCLE, NOW)
    indicators = city.policy.at(NOW).document.indicators
    day = Window("day", "2026-11-09", NOW - 2 * DAY, NOW - 2 * DAY + 1)
    found = signs(city.database, of._replace(window=day), RULES, indicators)
    assert found[UNIT, LAST_HOUR] == Sums(4, 3000)
    assert found[UNIT, f"{RATED}{SOURCE} sms"] == Sums(5, 5000)


def test_only_what_is_asked_for_is_read(city: City) -> None:
    of = SignsOf(city.ruleset, "lead", CYCLE, NOW)
    indicators = city.policy.at(NOW).document.indicators
    assert {sign for _, sign in signs(city.database, of, {CLOSED}, indicators)} == {
        CLOSED,
        LAST_HOUR,
    }
    rated_only = signs(city.database, of, {"ratings_apart"}, indicators)
    assert {sign for _, sign in rated_only} == {f"{RATED}{SOURCE}", f"{RATED}{SOURCE} sms"}
