from __future__ import annotations

import pytest

from schemas.instants import DAY, HOUR
from services.domain.policy import PolicyError, load_policy, preset, presets

TEXT = preset("beijing-district")


def line_of(text: str, fragment: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if fragment in line)


def test_both_presets_load() -> None:
    assert presets() == ("beijing-district", "on-time")
    beijing = load_policy(preset("beijing-district"))
    assert [(i.code, i.name_zh, i.weight) for i in beijing.indicators] == [
        ("response", "响应率", 10),
        ("resolution", "解决率", 50),
        ("satisfaction", "满意率", 40),
    ]
    assert beijing.indicators[2].grades["basically_satisfied"] == 900
    assert (beijing.bottom, beijing.minimum_sample, beijing.decimals) == (10, 10, 1)
    on_time = load_policy(preset("on-time"))
    assert [(i.code, i.name_en, i.weight) for i in on_time.indicators] == [
        ("on_time", "On-time rate", 100)
    ]


def test_an_unknown_preset_is_an_error() -> None:
    with pytest.raises(PolicyError, match="beijing-district, on-time"):
        preset("../policy")


@pytest.mark.parametrize(
    ("urgency", "wanted"),
    [
        ("critical", 2 * HOUR),
        ("urgent", 24 * HOUR),
        ("normal", 7 * DAY),
        ("complex", 15 * DAY),
        (None, 7 * DAY),
    ],
)
def test_beijing_deadlines_by_urgency(urgency: str | None, wanted: int) -> None:
    received = {"demand_type": "help"} | ({"urgency": urgency} if urgency else {})
    assert load_policy(TEXT).resolve_deadline(received, 1000) == 1000 + wanted


def test_a_deadline_matches_all_it_names() -> None:
    text = TEXT.replace(
        "{match: {urgency: critical}, resolve", "{match: {urgency: urgent, channel: web}, resolve"
    )
    policy = load_policy(text)
    assert policy.resolve_deadline({"urgency": "urgent", "channel": "web"}, 0) == 2 * HOUR
    assert policy.resolve_deadline({"urgency": "urgent", "channel": "phone"}, 0) == 24 * HOUR


def test_a_policy_without_deadlines_gives_none() -> None:
    assert load_policy(preset("on-time")).resolve_deadline({"urgency": "critical"}, 0) is None


def test_the_time_zone_can_be_replaced_and_the_document_says_so() -> None:
    policy = load_policy(TEXT, time_zone="America/New_York")
    assert policy.time_zone.key == "America/New_York"
    assert policy.checksum != load_policy(TEXT).checksum
    assert load_policy(policy.document) == policy


def test_the_checksum_ignores_comments_and_sees_every_value() -> None:
    checksum = load_policy(TEXT).checksum
    assert load_policy("# a comment\n" + TEXT).checksum == checksum
    assert load_policy(TEXT.replace("attempts: 3", "attempts: 4")).checksum != checksum


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("decimals: 1", "decimals: 1\n  round: 2", "score.round: there is no such key"),
        ("resolution: 50", "resolution: 51", "score: weights must add up to 100"),
        ("response: 10,", "reply: 10,", "weights for indicators that are not there: ['reply']"),
        ("source: contacted, ", "", "indicators.response.numerator.source: is missing"),
        ("source: contacted", "source: resolved", "grades must be exactly in_time, late"),
        ("{yes: 1000, no: 0}", "{yes: 1000}", "grades must be exactly yes, no"),
        ("{yes: 1000, no: 0}", "{yes: 1000, no: 0.5}", "numerator.grades.no:"),
        ("basis: last", "basis: latest", "callbacks.basis:"),
        ("zh: 解决率, en", "zh: 解决率, zh: x, en", "the key zh is there twice"),
        ("[help, complaint", "[helpp, complaint", "assessed_types.0:"),
        ("Asia/Shanghai", "Asia/Nowhere", "time_zone: not the name of an IANA time zone"),
        ("start_day: 19", "start_day: 31", "cycle.start_day:"),
        ("resolve: {hours: 2}", "resolve: {}", "deadlines.0.resolve: a deadline needs"),
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
    text = TEXT.replace("basis: last", "basis: latest").replace("ties: volume", "ties: none")
    with pytest.raises(PolicyError) as caught:
        load_policy(text)
    assert len(str(caught.value).splitlines()) == 2


def test_aliases_are_refused() -> None:
    text = TEXT.replace("{zh: 响应率, en: Response rate}", "&n {zh: 响应率, en: Response rate}")
    text = text.replace("{zh: 解决率, en: Resolution rate}", "*n")
    with pytest.raises(PolicyError, match="anchors and aliases"):
        load_policy(text)


@pytest.mark.parametrize("text", ["", "# nothing", "[]", "a: !!python/object:os.system x", "1"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match=r"^line 1"):
        load_policy(text)


def test_indicators_of_one_policy_share_their_denominator() -> None:
    on_time = preset("on-time")
    text = on_time.replace(
        "score:",
        "  response:\n    names: {zh: 响应率, en: Response rate}\n"
        "    denominator: valid_callbacks\n    attribution: created\n"
        "    numerator: {source: contacted, grades: {yes: 1000, no: 0}}\nscore:",
    )
    with pytest.raises(PolicyError, match="share one kind of denominator"):
        load_policy(text)


def test_settled_orders_cannot_be_booked_when_closed() -> None:
    with pytest.raises(PolicyError, match="not all of them closed"):
        load_policy(preset("on-time").replace("attribution: created", "attribution: closed"))
