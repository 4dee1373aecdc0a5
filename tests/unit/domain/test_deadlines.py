"""Which deadline an order has: the schemes of the field, and every key of a match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas.instants import DAY, HOUR, MINUTE, Instant
from schemas.policy.deadlines import Calendar, Deadline, Duration, Match
from services.domain.calendar import WorkingDays
from services.domain.deadlines import STEPS, DeadlineTable, Facts, Step, ends_at
from tests.support.orders import local

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
CHINA: Final = WorkingDays(Calendar())
MONDAY: Final = local("2026-11-16 09:00")


def listed(text: str) -> list[Deadline]:
    return [Deadline.model_validate(entry) for entry in yaml.safe_load(text)]


def table(text: str, **unit_groups: Sequence[str]) -> DeadlineTable:
    return DeadlineTable(listed(text), unit_groups, SHANGHAI, CHINA)


def facts(**told: Any) -> Facts:
    return Facts("normal", "phone", "help", (), (), "A", 1)._replace(**told)


def due(of: DeadlineTable, step: str, start: str, **told: Any) -> Instant | None:
    return of.due(step, facts(**told), local(start))


def due_by(
    of: DeadlineTable, step: Step, order: Facts, start: Instant
) -> tuple[Instant, int | None] | None:
    """When it is due, and by which entry of the list."""
    counted = of.counted(step, order, start)
    assert of.due(step, order, start) == (counted and counted.ends_at)
    return None if counted is None else (counted.ends_at, counted.rule)


# --- the schemes of domain.md 3.3


def test_beijing_four_urgencies() -> None:
    beijing = table("""
- {match: {urgency: critical}, resolve: {hours: 2}}
- {match: {urgency: urgent}, resolve: {hours: 24}}
- {match: {urgency: complex}, resolve: {days: 15}}
- {resolve: {days: 7}}
""")
    for urgency, lasts, rule in (
        ("critical", 2 * HOUR, 0),
        ("urgent", DAY, 1),
        ("complex", 15 * DAY, 2),
        ("normal", 7 * DAY, 3),
        ("", 7 * DAY, 3),
    ):
        order = facts(urgency=urgency)
        assert due_by(beijing, "resolve", order, MONDAY) == (MONDAY + lasts, rule)
    assert beijing.due("sign", facts(), MONDAY) is None


def test_tianjin_signs_in_minutes_on_holidays_too_otherwise_in_a_working_day() -> None:
    tianjin = table("""
- {match: {urgency: critical}, sign: {minutes: 15}}
- {match: {urgency: urgent}, sign: {minutes: 30}}
- {sign: {working_days: 1}}
""")
    holiday = "2025-10-01 23:50"
    assert due(tianjin, "sign", holiday, urgency="critical") == local("2025-10-02 00:05")
    assert due(tianjin, "sign", holiday, urgency="urgent") == local("2025-10-02 00:20")
    assert due(tianjin, "sign", holiday) == local("2025-10-10 00:00")


def test_shandong_five_working_days_ten_at_most_and_two_to_return() -> None:
    shandong = table("- {resolve: {working_days: 5}}")
    start = "2025-09-24 10:00"  # 25, 26, Sunday 28 (worked), 29, 30 September
    assert due(shandong, "resolve", start) == local("2025-10-01 00:00")
    longest = Duration(working_days=10)  # and 9, 10, Saturday 11 (worked), 13, 14 October
    assert ends_at(local(start), longest, SHANGHAI, CHINA) == local("2025-10-15 00:00")
    returns = Duration(working_days=2)
    assert ends_at(local(start), returns, SHANGHAI, CHINA) == local("2025-09-27 00:00")


def test_bengbu_by_channel() -> None:
    bengbu = table("""
- {match: {channel: phone}, resolve: {working_days: 5}}
- {match: {channel: [web, wechat, app]}, resolve: {working_days: 3}}
""")
    start = "2026-11-16 10:00"
    assert due(bengbu, "resolve", start) == local("2026-11-24 00:00")
    assert due(bengbu, "resolve", start, channel="web") == local("2026-11-20 00:00")
    assert due(bengbu, "resolve", start, channel="app") == local("2026-11-20 00:00")
    assert due(bengbu, "resolve", start, channel="letter") is None


def test_near_and_far_towns() -> None:
    towns = table(
        """
- {match: {unit_group: near_towns}, sign: {minutes: 30}}
- {match: {unit_group: far_towns}, sign: {minutes: 50}}
""",
        near_towns=["A", "B"],
        far_towns=["C"],
    )
    start = "2026-11-16 10:00"
    assert due(towns, "sign", start, unit="B") == local("2026-11-16 10:30")
    assert due(towns, "sign", start, unit="C") == local("2026-11-16 10:50")
    assert due(towns, "sign", start, unit="D") is None


def test_shanghai_contact_second_handling_and_complex_orders() -> None:
    shanghai = table("""
- {contact: {working_days: 1}}
- {match: {round: 2}, resolve: {working_days: 3}}
- {match: {urgency: complex}, resolve: {working_days: 15}}
- {resolve: {working_days: 5}}
""")
    start = "2026-09-24 10:00"  # before Mid-autumn and National Day; 28, 29, 30, then 8, 9, 10 …
    assert due(shanghai, "contact", start) == local("2026-09-29 00:00")
    assert due(shanghai, "resolve", start, round=2) == local("2026-10-01 00:00")
    assert due(shanghai, "resolve", start) == local("2026-10-10 00:00")
    assert due(shanghai, "resolve", start, urgency="complex") == local("2026-10-23 00:00")


def test_a_special_period_is_of_local_days() -> None:
    special = table("""
- {match: {period: {from: 2026-11-01, to: 2026-11-15}, urgency: urgent}, resolve: {hours: 4}}
- {resolve: {days: 7}}
""")
    for start, lasts in (
        ("2026-10-31 23:59:59", 7 * DAY),
        ("2026-11-01 00:00", 4 * HOUR),
        ("2026-11-14 23:59:59", 4 * HOUR),
        ("2026-11-15 00:00", 7 * DAY),
    ):
        assert due(special, "resolve", start, urgency="urgent") == local(start) + lasts
    assert due(special, "resolve", "2026-11-05 00:00") == local("2026-11-12 00:00")


# --- matching


@pytest.mark.parametrize(
    ("match", "fitting", "other"),
    [
        ("urgency: [critical, urgent]", {"urgency": "urgent"}, {"urgency": "normal"}),
        ("channel: web", {"channel": "web"}, {"channel": ""}),
        ("demand_type: [complaint]", {"demand_type": "complaint"}, {"demand_type": "help"}),
        ("category: 噪声", {"category": ("环境", "噪声")}, {"category": ("环境",)}),
        ("tag: [夜间, 学校]", {"tags": ("学校",)}, {"tags": ()}),
        ("unit: B", {"unit": "B"}, {"unit": "A"}),
        ("unit_group: [north, south]", {"unit": "S"}, {"unit": "A"}),
        ("round: [2, 3]", {"round": 3}, {"round": 1}),
        ("{unit: [N, B], unit_group: north}", {"unit": "N"}, {"unit": "B"}),
        ("{tag: 夜间, category: 噪声}", {"tags": ("夜间",), "category": ("噪声",)},
         {"tags": ("噪声",), "category": ("夜间",)}),
    ],
)  # fmt: skip
def test_every_key_of_a_match_must_fit(
    match: str, fitting: Mapping[str, Any], other: Mapping[str, Any]
) -> None:
    flow = match if match.startswith("{") else f"{{{match}}}"
    text = f"- {{match: {flow}, resolve: {{hours: 1}}}}\n- {{resolve: {{days: 1}}}}"
    found = table(text, north=["N"], south=["S"])
    assert due_by(found, "resolve", facts(**fitting), MONDAY) == (MONDAY + HOUR, 0)
    assert due_by(found, "resolve", facts(**other), MONDAY) == (MONDAY + DAY, 1)
    assert due_by(found, "resolve", facts(**fitting), MONDAY) == (MONDAY + HOUR, 0)


def test_the_first_entry_that_names_the_step_holds() -> None:
    found = table("""
- {match: {urgency: critical}, sign: {minutes: 5}}
- {match: {unit: A}, contact: {hours: 1}}
- {sign: {minutes: 30}, resolve: {days: 2}}
- {contact: {hours: 9}, resolve: {days: 7}}
""")
    critical = facts(urgency="critical")
    assert due_by(found, "sign", critical, MONDAY) == (MONDAY + 5 * MINUTE, 0)
    assert due_by(found, "contact", critical, MONDAY) == (MONDAY + HOUR, 1)
    assert due_by(found, "resolve", critical, MONDAY) == (MONDAY + 2 * DAY, 2)
    assert due_by(found, "contact", facts(unit="B"), MONDAY) == (MONDAY + 9 * HOUR, 3)


def test_an_empty_list_sets_no_deadline() -> None:
    found = table("[]")
    assert found.due("resolve", facts(), MONDAY) is None
    assert found.counted("resolve", facts(), MONDAY) is None
    assert found.unknown_years(CHINA.known_until(), 400) == ()


def test_a_group_that_nobody_named_is_an_error() -> None:
    with pytest.raises(ValueError, match="far_towns is no group that unit_groups names"):
        table("- {match: {unit_group: far_towns}, sign: {hours: 1}}", near_towns=["A"])


def test_the_explanation_names_the_entry_and_the_pauses() -> None:
    found = table("- {sign: {hours: 1}}\n- {resolve: {hours: 5}}")
    pauses = [(MONDAY + HOUR, MONDAY + 3 * HOUR)]
    counted = found.counted("resolve", facts(), MONDAY, pauses)
    assert counted is not None
    assert (counted.rule, counted.pauses) == (1, tuple(pauses))
    due = found.due("resolve", facts(), MONDAY, pauses)
    assert due == counted.ends_at == MONDAY + 7 * HOUR


def test_the_longest_working_day_deadline_says_which_years_are_needed() -> None:
    last = CHINA.known_until()
    found = table("- {match: {round: 2}, resolve: {working_days: 15}}\n- {sign: {hours: 1}}")
    assert found.unknown_years(last.replace(month=11, day=20), 0) == ()
    assert found.unknown_years(last.replace(month=12, day=20), 0) == (last.year + 1,)
    assert found.unknown_years(last.replace(month=11, day=20), 30) == (last.year + 1,)
    assert table("- {sign: {days: 400}}").unknown_years(last, 0) == ()


# --- against a plain reading of the list

MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "urgency": st.sampled_from(["critical", "urgent", ["normal", "urgent"]]),
        "channel": st.sampled_from(["phone", ["web", "phone"]]),
        "category": st.sampled_from(["x", ["x", "y"]]),
        "tag": st.sampled_from(["x", ["x", "y"]]),
        "unit": st.sampled_from(["A", ["B", "C"]]),
        "unit_group": st.sampled_from(["ab", ["ab", "c"]]),
        "round": st.sampled_from([1, [2, 3]]),
        "period": st.sampled_from([
            {"from": "2026-11-01", "to": "2026-11-16"},
            {"from": "2026-11-16", "to": "2026-12-01"},
        ]),
    },
)  # fmt: skip
GROUPS: Final = {"ab": ["A", "B"], "c": ["C"]}
ENTRIES = st.lists(
    st.builds(
        lambda match, step, hours: {"match": match, step: {"hours": hours}},
        MATCHES,
        st.sampled_from(["sign", "resolve"]),
        st.integers(1, 99),
    ),
    max_size=6,
)
WORDS = st.lists(st.sampled_from("xyz"), max_size=2).map(tuple)
FACTS = st.builds(
    Facts,
    st.sampled_from(["critical", "urgent", "normal", ""]),
    st.sampled_from(["phone", "web", ""]),
    st.just("help"),
    WORDS,
    WORDS,
    st.sampled_from("ABC"),
    st.integers(1, 3),
)
STARTS = st.sampled_from([MONDAY - HOUR * 9 - 1, MONDAY - HOUR * 9, MONDAY])


@given(ENTRIES, st.lists(st.tuples(FACTS, STARTS), min_size=1, max_size=4))
def test_a_compiled_list_answers_as_a_plain_reading_does(
    entries: list[dict[str, Any]], asked: list[tuple[Facts, Instant]]
) -> None:
    deadlines = [Deadline.model_validate(entry) for entry in entries]
    compiled = DeadlineTable(deadlines, GROUPS, SHANGHAI, CHINA)
    for order, start in asked:
        for step in STEPS:
            assert due_by(compiled, step, order, start) == _plainly(entries, step, order, start)


def _plainly(
    entries: list[dict[str, Any]], step: Step, order: Facts, start: Instant
) -> tuple[Instant, int] | None:
    for number, entry in enumerate(entries):
        if step in entry and _fits(entry["match"], order, start):
            return start + entry[step]["hours"] * HOUR, number
    return None


def _fits(match: Mapping[str, Any], order: Facts, start: Instant) -> bool:
    told = {
        "urgency": [order.urgency],
        "channel": [order.channel],
        "category": order.category,
        "tag": order.tags,
        "unit": [order.unit],
        "unit_group": [name for name, units in GROUPS.items() if order.unit in units],
        "round": [order.round],
    }
    for key, wanted in match.items():
        if key == "period":
            if not local(wanted["from"]) <= start < local(wanted["to"]):
                return False
        elif not set(wanted if isinstance(wanted, list) else [wanted]) & set(told[key]):
            return False
    return True


# --- what a policy may say


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- {match: {urgency: critical}}", "a deadline sets sign, contact or resolve"),
        ("- {match: {urgency: high}, sign: {hours: 1}}", "Input should be 'critical'"),
        ("- {match: {demand_type: [plea]}, sign: {hours: 1}}", "Input should be 'help'"),
        ("- {match: {round: 0}, sign: {hours: 1}}", "greater than or equal to 1"),
        ("- {match: {channel: []}, sign: {hours: 1}}", "at least 1 item"),
        ("- {match: {colour: red}, sign: {hours: 1}}", "Extra inputs are not permitted"),
        ("- {match: {period: {from: 2026-11-01, to: 2026-11-01}}, sign: {hours: 1}}",
         "a period ends after it begins"),
        ("- {match: {period: {from: 2026-11-01}}, sign: {hours: 1}}", "Field required"),
    ],
)  # fmt: skip
def test_a_deadline_that_says_nothing_that_fits_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        listed(text)


@pytest.mark.parametrize(
    "match",
    [{"urgency": "urgent"}, {"urgency": ["urgent"], "round": 2}, {"unit_group": "near"}],
)
def test_editors_are_told_that_one_value_is_enough(match: dict[str, object]) -> None:
    Draft202012Validator(Match.model_json_schema()).validate(match)
    Match.model_validate(match)
