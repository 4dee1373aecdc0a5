from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from schemas.instants import EARLIEST, FOREVER, parse_instant
from services.domain.policy import PolicyError, load_policy, preset

TEXT = preset("beijing-district")


def line_of(text: str, fragment: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if fragment in line)


def test_the_beijing_policy_says_what_an_office_wrote() -> None:
    beijing = load_policy(TEXT)
    (rules,) = beijing.versions
    assert [(i.code, i.name_zh) for i in rules.indicators] == [
        ("response", "响应率"),
        ("resolution", "解决率"),
        ("satisfaction", "满意率"),
    ]
    assert rules.codes == ("response", "resolution", "satisfaction")
    scoring = rules.scorings.of("street")
    assert dict(scoring.weights) == {"response": 10, "resolution": 50, "satisfaction": 40}
    assert (scoring.bottom, scoring.minimum_sample, scoring.decimals) == (10, 10, 1)
    assert (rules.begins_at, rules.ends_at) == (EARLIEST, FOREVER)


def test_an_unknown_preset_is_an_error() -> None:
    with pytest.raises(PolicyError, match="beijing-district"):
        preset("../policy")


def test_the_time_zone_can_be_replaced_and_the_document_says_so() -> None:
    policy = load_policy(TEXT, time_zone="America/New_York")
    assert policy.time_zone.key == "America/New_York"
    assert policy.checksum != load_policy(TEXT).checksum
    assert load_policy(policy.document).checksum == policy.checksum


def test_the_checksum_ignores_comments_and_sees_every_value() -> None:
    checksum = load_policy(TEXT).checksum
    assert load_policy("# a comment\n" + TEXT).checksum == checksum
    assert load_policy(TEXT.replace("attempts: 3", "attempts: 4")).checksum != checksum


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("decimals: 1", "decimals: 1\n  round: 2", "score.round: there is no such key"),
        ("resolution: 50", "resolution: 51", "score: weights must add up to 100"),
        ("response: 10,", "reply: 10,", "score.weights: reply is no indicator"),
        ("source: contacted, ", "", "indicators.response.numerator.source: is missing"),
        ("source: contacted", "source: evidence_", "indicators.response.numerator.source:"),
        ("source: contacted", "source: resolve_time", "grades must be exactly in_time, late"),
        ("{yes: 1000, no: 0}", "{yes: 1000}", "grades must be exactly yes, no"),
        ("{yes: 1000, no: 0}", "{yes: 1000, no: 0.5}", "numerator.grades.no:"),
        ("basis: last", "basis: latest", "callbacks.basis:"),
        ("zh: 解决率, en", "zh: 解决率, zh: x, en", "the key zh is there twice"),
        ("[help, complaint", "[helpp, complaint", "assessed_types.0:"),
        ("Asia/Shanghai", "Asia/Nowhere", "time_zone: not the name of an IANA time zone"),
        ("start_day: 19", "start_day: 31", "cycle.start_day:"),
        ("resolve: {hours: 2}", "resolve: {}", "deadlines.0.resolve: a duration has"),
        ('version: "1"', "version: 1.0", "version:"),
        ("id: beijing-district", "id: {beijing", "not valid YAML"),
    ],
)
def test_a_mistake_is_named_by_line_and_path(old: str, new: str, path: str) -> None:
    text = TEXT.replace(old, new, 1)
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    assert path in str(caught.value)
    assert str(caught.value).startswith("line ")


def test_the_line_is_the_line_of_the_mistake() -> None:
    text = TEXT.replace("basis: last", "basis: latest")
    with pytest.raises(PolicyError, match=f"^line {line_of(text, 'latest')}, callbacks.basis: "):
        load_policy(text)


def test_every_mistake_is_listed() -> None:
    text = TEXT.replace("basis: last", "basis: latest").replace("day_cut: 12", "day_cut: 24")
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    assert len(str(caught.value).splitlines()) == 2


def test_aliases_are_refused() -> None:
    text = TEXT.replace("{zh: 响应率, en: Response rate}", "&n {zh: 响应率, en: Response rate}")
    text = text.replace("{zh: 解决率, en: Resolution rate}", "*n")
    with pytest.raises(PolicyError, match="anchors and aliases"):
        load_policy(text)


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [
        ("  basis:", "\tbasis:", "not with a tab"),
        ("basis: last", "basis: last: first", "a second colon"),
        ("  attempts:", " attempts:", "indented otherwise"),
        ("suggestion]", "suggestion", "a bracket or a comma"),
        ("callbacks:", "---\ncallbacks:", "without a line ---"),
        ("basis: last", "basis: @last", "goes in quotes"),
        ('version: "1"', "version: 1", "in quotes"),
        ("response: 10", 'response: "10"', "without quotes"),
        ("decimals: 1", "decimals: 1.5", "a whole number"),
        ("valid: [solved]", "valid: solved", "a list is needed"),
        ("id: beijing-district", "id: 北京", "a code is needed"),
        ("cycle:", "cycle: monthly\nannual:", "keys with their values"),
    ],
)
def test_a_mistake_says_how_to_mend_it(old: str, new: str, how: str) -> None:
    with pytest.raises(PolicyError, match=rf"line \d+.*: .*{how}"):
        load_policy(TEXT.replace(old, new, 1))


@pytest.mark.parametrize("value", ["2026-13-01", "2026-02-30", "9" * 5_000])
def test_what_is_no_date_and_no_number_is_named_by_its_line(value: str) -> None:
    text = f"{TEXT}unit_groups: {{near: [{value}]}}\n"
    with pytest.raises(PolicyError, match=rf"^line {line_of(text, 'unit_groups')}: no date"):
        load_policy(text)


@pytest.mark.parametrize("day", ["0001-01-01", "1900-12-31", "2299-01-01", "9999-12-31"])
@pytest.mark.parametrize("key", ["from", "to"])
def test_a_day_without_an_instant_is_a_mistake_of_its_line(key: str, day: str) -> None:
    text = f"{TEXT}effective: {{{key}: {day}}}\n"
    with pytest.raises(PolicyError, match=f"^line {line_of(text, day)}, effective.{key}: a day"):
        load_policy(text)


@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ("{a: ", "}")])
def test_a_text_nested_without_end_is_refused(open_: str, close: str) -> None:
    with pytest.raises(PolicyError, match=r"^line 1: nested too deeply"):
        load_policy(f"id: {open_ * 5_000}1{close * 5_000}")


@pytest.mark.parametrize("text", ["", "# nothing", "[]", "a: !!python/object:os.system x", "1"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match=r"^line 1"):
        load_policy(text)


def test_settled_orders_cannot_be_booked_when_closed() -> None:
    with pytest.raises(PolicyError, match="only closed orders"):
        load_policy(preset("on-time").replace("attribution: created", "attribution: closed"))


VERSIONS = """
versions:
  - version: "1"
    effective: {from: 2025-12-19, to: 2026-03-19}
  - version: "2"
    effective: {from: 2026-03-19}
    callbacks: {basis: first}
  - version: "3"
    effective: {from: 2026-07-19}
    score:
      weights: {response: 20, resolution: 40, satisfaction: 40}
      decimals: 1
"""
DATED = TEXT.replace('version: "1"\n', "") + VERSIONS


def test_a_version_is_as_the_top_but_for_its_own_keys() -> None:
    policy = load_policy(DATED)
    assert [rules.version for rules in policy.versions] == ["1", "1", "2", "3"]
    idle, first, second, third = policy.versions
    assert idle.assessed_types == frozenset()  # orders from before are in the volume only
    assert first.document.callbacks.basis == "last"
    assert second.document.callbacks.basis == "first"
    assert third.document.callbacks.basis == "last"
    assert third.scorings.of("street").weights["response"] == 20
    assert policy.at(parse_instant("2026-03-19T00:00:00+08:00")) is second
    assert policy.at(parse_instant("2026-03-18T23:59:59.999999+08:00")) is first
    assert [r.ends_at for r in policy.versions[:-1]] == [r.begins_at for r in policy.versions[1:]]


def test_between_two_versions_none_is_in_force() -> None:
    policy = load_policy(DATED.replace("to: 2026-03-19", "to: 2026-02-19"))
    gap = policy.at(parse_instant("2026-03-01T00:00:00+08:00"))
    assert (gap.version, gap.assessed_types) == ("1", frozenset())


@pytest.mark.parametrize(
    ("old", "new", "fragment", "why"),
    [
        ("to: 2026-03-19", "to: 2026-03-20", "2026-03-19}", "overlaps the version before it"),
        ('version: "3"', 'version: "1"', 'version: "1"', "is the name of an earlier version"),
        ("{from: 2026-07-19}", "{from: 2026-03-19}", "2026-03-19}\n    score", "begins no later"),
        ("{from: 2026-07-19}", "{to: 2027-07-19}", "to: 2027-07-19", "only the first version"),
        ("{from: 2026-07-19}", "{from: 2026-07-20}", "from: 2026-07-20", "where a cycle starts"),
        ("basis: first", "basis: fist", "basis: fist", "versions.1.callbacks.basis:"),
        ("basis: last", "basis: lost", "basis: lost", "callbacks.basis:"),
        ("versions:\n", 'version: "0"\nversions:\n', 'version: "0"', "belongs to each"),
    ],
)
def test_a_mistake_in_a_version_names_its_line(old: str, new: str, fragment: str, why: str) -> None:
    text = DATED.replace(old, new, 1)
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    start = text.rindex(fragment) if "versions" not in fragment else text.index(fragment)
    line = text[:start].count("\n") + 1
    assert f"line {line}, " in str(caught.value)
    assert why in str(caught.value)


def test_a_mistake_at_the_top_is_said_once_for_all_versions() -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(DATED.replace("attempts: 3", "attempts: 0"))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            "score:\n  weights",
            "  both: {names: {zh: 全, en: All}, all_of: [response, solution]}\nscore:\n  weights",
            "indicators.both.all_of: solution is no measured indicator",
        ),
        (
            "score:\n  weights",
            "  both: {names: {zh: 全, en: All}, parts: {response: 1, both: 2}}\nscore:\n  weights",
            "indicators.both.parts: both is no indicator without parts",
        ),
        (
            "attribution: created",
            "attribution: created\n    filter: {unit_group: near}",
            "indicators.response.filter.unit_group: unit_groups names no group near",
        ),
        (
            "{urgency: critical}",
            "{unit_group: [near]}",
            "deadlines.0.match.unit_group: unit_groups names no group near",
        ),
        (
            "    numerator: {source: contacted, grades: {yes: 1000, no: 0}}\n",
            "",
            "indicators.response: an indicator needs its source: numerator is missing",
        ),
        (
            "score:\n  weights",
            "exclusions:\n  - {ground: unreasonable, indicators: [quality]}\nscore:\n  weights",
            "exclusions.0.indicators: quality is no indicator",
        ),
        (
            "  - {kind: department",
            "  - {kind: district, group: near}\n  - {kind: department",
            "rankings.1: never counts",
        ),
    ],
)
def test_what_does_not_fit_together_is_named(old: str, new: str, why: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(TEXT.replace(old, new, 1))
    assert why in str(caught.value)


def test_numbers_with_a_point_are_exact() -> None:
    weights = "{response: 33.3, resolution: 33.3, satisfaction: 33.4}"
    policy = load_policy(
        TEXT.replace("{response: 10, resolution: 50, satisfaction: 40}", weights, 1)
    )
    assert policy.versions[0].scorings.of("street").weights["response"] == Fraction(333, 10)
    with pytest.raises(PolicyError, match="weights must add up"):
        load_policy(policy.document.replace("33.4", "33.400001"))
    for nonsense in (".inf", ".nan", "1e400", "1:30.5"):
        with pytest.raises(PolicyError, match=r"score\.weights\.satisfaction"):
            load_policy(policy.document.replace("33.4", nonsense))


def test_the_days_off_are_part_of_the_checksum_where_they_count() -> None:
    holiday = "calendar: {holidays: [2026-07-06]}\nid:"
    working = TEXT.replace("{resolve: {days: 7}}", "{resolve: {working_days: 5}}")
    known = [load_policy(text.replace("id:", holiday, 1)).checksum for text in (TEXT, working)]
    plain = [load_policy(text).checksum for text in (TEXT, working)]
    assert len({*known, *plain}) == 4


WORKING = TEXT.replace("{resolve: {days: 7}}", "{resolve: {working_days: 5}}")
NEXT_YEAR = "issued: 2026-11-20\nyears: [2027]\nholidays: [2027-01-01]\nworkdays: [2027-01-02]\n"


def test_a_year_not_known_is_told_before_it_is_needed() -> None:
    assert load_policy(WORKING).unknown_years(date(2026, 12, 1), 10) == ()
    assert load_policy(WORKING).unknown_years(date(2026, 12, 1), 30) == (2027,)
    assert load_policy(TEXT).unknown_years(date(2026, 12, 1), 30) == ()
    returns = TEXT + "returns: {within: {working_days: 2}}\n"
    assert load_policy(returns).unknown_years(date(2026, 12, 31), 0) == (2027,)


def test_a_dated_calendar_file_comes_before_the_documents_own() -> None:
    policy = load_policy(WORKING, calendar=NEXT_YEAR, time_zone="Asia/Urumqi")
    assert policy.unknown_years(date(2026, 12, 1), 60) == ()
    assert not policy.working_days.is_working_day(date(2027, 1, 1))
    assert policy.working_days.is_working_day(date(2027, 1, 2))
    assert policy.time_zone.key == "Asia/Urumqi"
    again = load_policy(policy.document)
    assert again.checksum == policy.checksum
    replaced = load_policy(policy.document, calendar="country: weekdays")
    assert replaced.working_days.is_working_day(date(2027, 1, 1))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("years: [2027]", "line 1: .*2027 is said to be complete"),
        ("issued: 2026-11-20\nfeasts: []", "line 2, feasts: .*calendar file"),
        ("holidays: [", "line"),
    ],
)
def test_a_mistake_in_a_calendar_file_is_named(text: str, why: str) -> None:
    with pytest.raises(PolicyError, match=why):
        load_policy(WORKING, calendar=text)
