"""Appeals: who may do what when, whatever the order in which events arrive."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import DAY, HOUR, SECOND, Instant
from schemas.records import Event
from services.domain import appeals
from services.domain.appeal_words import STATES, WHY
from services.domain.appeals import Appeal, appeals_of
from services.domain.policy import Policy, PolicyError, load_policy, preset
from tests.support.orders import event, local, moment, rated

UNIT: Final = "110101001"
DISTRICT: Final = "110101"
LINE: Final = "heating-office"
TOLD: Final = local("2026-11-11 09:00")  # a Wednesday
FILED: Final = local("2026-11-12 10:00")
TERM: Final = local("2026-11-17 00:00")  # three working days after the callback
DISTRICT_TERM: Final = local("2026-11-20 00:00")  # five after the filing
CITY_TERM: Final = local("2026-11-28 00:00")  # the city has it from the 20th on
POLICY: Final = load_policy(preset("beijing-district"))


def policy(keys: str) -> Policy:
    return load_policy(f"{preset('beijing-district').rstrip()}\n{keys}\n")


def district_of(unit: str) -> str:
    return DISTRICT if unit.startswith(DISTRICT) else ""


def appealed(at: Instant = FILED, number: str = "a-1", **more: Any) -> Event:
    data = {
        "appeal": number,
        "unit": UNIT,
        "indicator": "satisfaction",
        "ground": "unreasonable_demand",
        "evidence": ["file/1"],
        "filer": f"{UNIT}-office",
    }
    return event("appealed", at, id_=f"{number}-{at}", **(data | more))


def reviewed(at: Instant, level: str = "district", decision: str = "upheld", **more: Any) -> Event:
    reviewer = f"{DISTRICT}-review" if level == "district" else "1101-review"
    data = {"appeal": "a-1", "level": level, "decision": decision, "reviewer": reviewer}
    content = data | more
    return event("reviewed", at, id_=f"{at}-{content}", **content)


def excluded(at: Instant, number: str | None = "a-1") -> Event:
    named = {} if number is None else {"appeal": number}
    return event(
        "excluded", at, id_=f"x-{at}-{number}", ground="g", indicators=["satisfaction"], **named
    )


CALLED: Final = rated(TOLD, "dissatisfied", id_="called")
BY_DISTRICT: Final = reviewed(FILED + DAY)
BY_CITY: Final = reviewed(FILED + 4 * DAY, "city")
WHOLE: Final = [CALLED, appealed(), BY_DISTRICT, BY_CITY, excluded(FILED + 4 * DAY)]


def only(*events: Event, at: Instant = FILED + 60 * DAY, rules: Policy = POLICY) -> Appeal:
    (found,) = appeals_of(events, rules, district_of, at)
    return found


def why(appeal: Appeal, number: int = -1) -> str:
    return appeal.history[number].why


def test_its_course_from_the_filing_to_the_exclusion() -> None:
    states = [
        (at, found.state, found.level, found.term_ends_at)
        for at in (FILED, FILED + DAY, FILED + 4 * DAY)
        for found in appeals_of(WHOLE, POLICY, district_of, at)
    ]
    assert states == [
        (FILED, "filed", "district", DISTRICT_TERM),
        (FILED + DAY, "in_review", "city", local("2026-11-21 00:00")),
        (FILED + 4 * DAY, "upheld", "", None),
    ]
    found = only(*WHOLE)
    assert (found.decided_at, found.excluded_at) == (FILED + 4 * DAY, FILED + 4 * DAY)
    assert (found.missed, found.why, found.evidence) == ((), "", ("file/1",))
    assert sorted(entry.what for entry in found.history) == [
        "excluded", "filed", "upheld", "upheld",
    ]  # fmt: skip
    assert appeals_of(WHOLE, POLICY, district_of, FILED - 1) == []


def test_refused_at_any_level_it_is_over() -> None:
    no = reviewed(FILED + DAY, decision="rejected")
    found = only(CALLED, appealed(), no, BY_CITY, excluded(FILED + 5 * DAY))
    assert (found.state, found.decided_at, found.excluded_at) == ("refused", FILED + DAY, None)
    assert [(entry.what, entry.why) for entry in found.history] == [
        ("filed", ""),
        ("rejected", ""),
        ("upheld", appeals.NOT_PENDING),
        ("excluded", appeals.NOT_UPHELD),
    ]


def test_a_term_that_runs_out_passes_it_on_and_after_the_last_it_lapses() -> None:
    events = (CALLED, appealed())
    before = only(*events, at=DISTRICT_TERM - 1)
    assert (before.state, before.level, before.missed) == ("filed", "district", ())
    passed = only(*events, at=DISTRICT_TERM)
    assert (passed.state, passed.level, passed.missed) == ("in_review", "city", ("district",))
    assert passed.term_ends_at == CITY_TERM
    assert only(*events, at=CITY_TERM - 1).state == "in_review"
    lapsed = only(*events, at=CITY_TERM)
    assert (lapsed.state, lapsed.decided_at) == ("lapsed", CITY_TERM)
    assert lapsed.missed == ("district", "city")


def test_a_review_counts_until_the_last_microsecond_of_its_term() -> None:
    in_time = only(CALLED, appealed(), reviewed(DISTRICT_TERM - 1), at=DISTRICT_TERM)
    assert (in_time.level, in_time.missed) == ("city", ())
    late = only(CALLED, appealed(), reviewed(DISTRICT_TERM), at=DISTRICT_TERM)
    assert (late.level, late.missed, why(late)) == ("city", ("district",), appeals.TOO_LATE)
    too_late = only(CALLED, appealed(), reviewed(CITY_TERM, "city"))
    assert (too_late.state, why(too_late)) == ("lapsed", appeals.TOO_LATE)


@pytest.mark.parametrize(
    ("review", "reason"),
    [
        (reviewed(FILED + HOUR, reviewer=UNIT), appeals.REVIEWED_BY_FILER),
        (reviewed(FILED + HOUR, reviewer=f"{UNIT}-office"), appeals.REVIEWED_BY_FILER),
        (reviewed(FILED + HOUR, reviewer=f"{UNIT}-other"), appeals.REVIEWED_BY_FILER),
        (reviewed(FILED + HOUR, reviewer="110102"), appeals.NOT_OF_LEVEL),
        (reviewed(FILED + HOUR, reviewer="1101"), appeals.NOT_OF_LEVEL),
        (reviewed(FILED + HOUR, reviewer=f"{DISTRICT}002"), appeals.NOT_OF_LEVEL),
        (reviewed(FILED + HOUR, reviewer=""), appeals.NO_REVIEWER),
        (reviewed(FILED + HOUR, "city"), appeals.WRONG_LEVEL),
        (reviewed(FILED + HOUR, "province"), appeals.WRONG_LEVEL),
    ],
)
def test_who_files_never_decides_nor_does_another_level(review: Event, reason: str) -> None:
    found = only(CALLED, appealed(), review, at=FILED + HOUR)
    assert (found.state, found.level, why(found)) == ("filed", "district", reason)


def test_the_district_does_not_decide_for_the_city() -> None:
    twice = reviewed(FILED + 2 * DAY, "city", reviewer=f"{DISTRICT}-review")
    found = only(CALLED, appealed(), BY_DISTRICT, twice, at=FILED + 2 * DAY)
    assert (found.state, why(found)) == ("in_review", appeals.NOT_OF_LEVEL)
    again = only(CALLED, appealed(), BY_DISTRICT, reviewed(FILED + 2 * DAY), at=FILED + 2 * DAY)
    assert (again.state, why(again)) == ("in_review", appeals.WRONG_LEVEL)


def test_a_review_without_a_level_is_that_of_the_level_which_has_it() -> None:
    found = only(CALLED, appealed(), reviewed(FILED + DAY, level=""), at=FILED + DAY)
    assert (found.state, why(found)) == ("filed", appeals.NOT_OF_LEVEL)  # by the city's office
    by_district = reviewed(FILED + DAY, level="", reviewer=DISTRICT)
    found = only(CALLED, appealed(), by_district, at=FILED + DAY)
    assert (found.state, found.history[-1].level) == ("in_review", "district")


def test_a_unit_without_a_district_goes_to_the_city_at_once() -> None:
    found = only(CALLED, appealed(unit=LINE, filer=LINE), reviewed(FILED + DAY, "city"))
    assert found.state == "upheld"


@pytest.mark.parametrize(
    ("filing", "reason"),
    [
        (appealed(TERM), appeals.TOO_LATE),
        (appealed(indicator="kindness"), appeals.UNKNOWN_INDICATOR),
    ],
)
def test_a_filing_that_makes_no_appeal(filing: Event, reason: str) -> None:
    found = only(CALLED, filing, reviewed(TERM + HOUR))
    assert (found.state, found.why, found.level, found.term_ends_at) == ("void", reason, "", None)
    assert why(found) == appeals.NOT_PENDING


def test_until_when_one_may_file() -> None:
    assert only(CALLED, appealed(TERM - 1), at=TERM).state == "filed"
    assert only(appealed(TERM), at=TERM).state == "filed"  # nobody has told anything yet
    again = rated(TERM, "dissatisfied", id_="again")
    assert only(CALLED, again, appealed(TERM + DAY), at=TERM + DAY).state == "filed"


def test_one_appeal_of_a_unit_against_an_indicator_at_a_time() -> None:
    second = appealed(FILED + HOUR, "a-2")
    other = appealed(FILED + HOUR, "a-3", indicator="resolution")
    found = appeals_of([CALLED, appealed(), second, other], POLICY, district_of, FILED + HOUR)
    assert [(each.number, each.state, each.why) for each in found] == [
        ("a-1", "filed", ""),
        ("a-2", "void", appeals.ALREADY_PENDING),
        ("a-3", "filed", ""),
    ]
    no = reviewed(FILED + SECOND, decision="rejected")
    found = appeals_of([CALLED, appealed(), no, second], POLICY, district_of, FILED + HOUR)
    assert [each.state for each in found] == ["refused", "filed"]


def test_a_number_used_again_changes_nothing() -> None:
    found = only(CALLED, appealed(), appealed(FILED + HOUR, indicator="resolution"), at=FILED + DAY)
    assert (found.indicator, why(found)) == ("satisfaction", appeals.REPEATED)


def test_grounds_are_those_of_the_policy() -> None:
    text = "exclusions: [{ground: fire, indicators: [satisfaction]}, {ground: flood}]"
    rules = policy(text)

    def state(ground: str, indicator: str, rules: Policy = rules) -> str:
        filing = appealed(ground=ground, indicator=indicator)
        return only(CALLED, filing, at=FILED, rules=rules).state

    assert state("fire", "satisfaction") == state("flood", "resolution") == "filed"
    assert state("fire", "resolution") == state("gold", "satisfaction") == "void"
    fewer = policy(f"{text}\nappeals: {{grounds: [flood]}}")
    assert state("fire", "satisfaction", fewer) == "void"
    assert state("flood", "satisfaction", fewer) == "filed"


def test_levels_and_terms_are_those_of_the_policy() -> None:
    one = policy("appeals: {levels: [{name: city, within: {hours: 2}}]}")
    assert only(CALLED, appealed(), at=FILED + 2 * HOUR - 1, rules=one).level == "city"
    assert only(CALLED, appealed(), at=FILED + 2 * HOUR, rules=one).state == "lapsed"
    long = policy("appeals: {file_within: {days: 400}}")
    assert only(CALLED, appealed(TERM + DAY), at=TERM + DAY, rules=long).state == "filed"


@pytest.mark.parametrize(
    "keys",
    [
        "appeals: {levels: []}",
        "appeals: {levels: [{name: city}, {name: city}]}",
        "appeals: {levels: [{name: city}, {name: district}]}",
        "exclusions: [{ground: fire}]\nappeals: {grounds: [water]}",
        "appeals: {decided_by: me}",
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(keys: str) -> None:
    with pytest.raises(PolicyError, match="appeals"):
        policy(keys)


def test_a_term_in_a_year_that_nobody_knows_does_not_run_out() -> None:
    at = local("2190-03-01 09:00")
    found = only(rated(at, "dissatisfied"), appealed(at + HOUR), at=at + 400 * DAY)
    assert (found.state, found.term_ends_at) == ("filed", None)


def test_corrections_count() -> None:
    moved = event(
        "corrected", TERM + DAY, event=f"a-1-{TERM}", field="time", new=moment("2026-11-16 10:00")
    )
    late = appealed(TERM)
    assert only(CALLED, late, at=TERM + HOUR).state == "void"
    assert only(CALLED, late, moved, at=TERM + HOUR).filed_at == local("2026-11-16 10:00")


MANY: Final = [
    *WHOLE,
    appealed(FILED + HOUR, "a-2"),
    appealed(FILED, "a-3", indicator="resolution"),
    reviewed(FILED + DAY, decision="rejected", appeal="a-3"),
    reviewed(FILED + DAY, reviewer=UNIT, appeal="a-3"),
    reviewed(FILED + 9 * DAY, "city", "rejected"),
    excluded(FILED + 4 * DAY, None),
    event("reinstated", FILED + 5 * DAY, ground="x"),
    event("corrected", FILED + DAY, event=BY_CITY.id, field="reviewer", new=UNIT),
]


@given(st.data())
def test_the_order_of_arrival_and_repetitions_change_nothing(data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(MANY), min_size=1, max_size=16))
    at = data.draw(st.sampled_from([each.occurred_at + d for each in MANY for d in (-1, 0, DAY)]))
    shuffled = data.draw(st.permutations(some + some[:3]))
    expected = appeals_of(set_of(some), POLICY, district_of, at)
    assert appeals_of(shuffled, POLICY, district_of, at) == expected


@given(st.lists(st.sampled_from(MANY)), st.sampled_from(MANY))
def test_what_is_decided_stays_decided(some: list[Event], until: Event) -> None:
    fixed = [each for each in set_of(some) if each.type != "corrected"]
    at = until.occurred_at
    later = {each.number: each for each in appeals_of(fixed, POLICY, district_of, at + 90 * DAY)}
    for each in appeals_of(fixed, POLICY, district_of, at):
        after = later[each.number]
        assert after.history[: len(each.history)] == each.history
        if each.state not in appeals.PENDING:
            assert (after.state, after.decided_at) == (each.state, each.decided_at)
        else:
            assert after.state not in ("filed", "in_review", "void")


def set_of(events: list[Event]) -> list[Event]:
    return list({each.id: each for each in events}.values())


def test_every_state_and_reason_has_words() -> None:
    reasons = {
        value
        for name, value in vars(appeals).items()
        if name.isupper() and isinstance(value, str) and name != "DISTRICT"
    }
    assert reasons == WHY.keys()
    assert len(STATES) == 6
