from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instants import parse_instant
from services.domain.policy import Policy, load_policy, preset, presets
from services.domain.policy_diff import Change, counts_alike, differences

BEIJING = preset("beijing-district")
TWO_VERSIONS = """
versions:
  - {version: "1"}
  - version: "2"
    effective: {from: 2027-01-19}
"""


def changed(*replacements: tuple[str, str]) -> Policy:
    text = BEIJING
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return load_policy(text)


def test_what_is_left_out_equals_what_says_the_default() -> None:
    assert differences(load_policy(BEIJING), changed(("  basis: last ", "  # basis: last "))) == []


def test_a_number_written_otherwise_is_the_same() -> None:
    assert differences(load_policy(BEIJING), changed(("response: 10,", "response: 10.0,"))) == []


def test_an_entry_put_into_a_list_does_not_change_those_behind_it() -> None:
    found = differences(
        load_policy(BEIJING),
        changed(
            ("deadlines:\n", "deadlines:\n  - {match: {channel: web}, resolve: {hours: 1}}\n"),
        ),
    )

    assert [(c.kind, c.path) for c in found] == [("added", "deadlines.0")]


def test_a_key_that_goes_and_one_that_comes() -> None:
    before = changed(("  decimals: 1 ", "  decimals: 1\n  rate_decimals: 2 "))
    after = changed(("  decimals: 1 ", "  decimals: 1\n  point_decimals: 2 "))

    assert differences(before, after) == [
        Change("removed", "1", "score.rate_decimals", "2", None),
        Change("added", "1", "score.point_decimals", None, "2"),
    ]


def test_versions_are_compared_by_name() -> None:
    before, after = load_policy(preset("lianyungang-2021")), load_policy(preset("lianyungang-2022"))

    found = differences(before, after)

    assert ("added", "2022", "") in [(c.kind, c.version, c.path) for c in found]
    assert not [c for c in found if c.version == "2021"]


@given(st.sampled_from(presets()), st.sampled_from(presets()))
@settings(max_examples=30)
def test_no_difference_means_equal_checksums_and_equal_counting(one: str, other: str) -> None:
    before, after = load_policy(preset(one)), load_policy(preset(other))
    found = differences(before, after)

    assert (found == []) == (before.checksum == after.checksum)
    if not found:
        assert counts_alike(before, after)
    mirrored = [(c.after, c.before) for c in differences(after, before)]
    assert sorted(map(str, mirrored)) == sorted(str((c.before, c.after)) for c in found)


def test_scores_rankings_and_names_change_no_count() -> None:
    other = changed(
        ("response: 10, resolution: 50", "response: 20, resolution: 40"),
        ("bottom: 10", "bottom: 5"),
        ("zh: 响应率", "zh: 联系率"),
        ("start_day: 19", "start_day: 1"),
    )

    assert counts_alike(load_policy(BEIJING), other)


def test_the_weights_choose_the_best_of_several_callbacks() -> None:
    best = ("basis: last", "basis: best")
    weights = ("response: 10, resolution: 50", "response: 20, resolution: 40")

    assert not counts_alike(changed(best), changed(best, weights))


def test_every_rule_of_counting_counts() -> None:
    for change in (
        ("resolve: {hours: 24}", "resolve: {hours: 25}"),
        ("attempts: 3", "attempts: 2"),
        ("[help, complaint, report, suggestion]", "[help]"),
        ("attribution: created", "attribution: callback"),
        ("basically_satisfied: 900", "basically_satisfied: 800"),
        ("Asia/Shanghai", "Asia/Tokyo"),
    ):
        assert not counts_alike(load_policy(BEIJING), changed(change))


def test_versions_that_begin_later_do_not_count() -> None:
    dated = changed(
        ('version: "1"\n', ""),
        ("classes:", f"{TWO_VERSIONS}    assessed_types: [help]\nclasses:"),
    )
    change = parse_instant("2027-01-19T00:00:00+08:00")

    assert counts_alike(load_policy(BEIJING), dated, change)
    assert not counts_alike(load_policy(BEIJING), dated, change + 1)
    assert not counts_alike(load_policy(BEIJING), dated)


def test_a_version_that_changes_no_rule_of_counting_is_none() -> None:
    dated = changed(
        ('version: "1"\n', ""),
        (
            "classes:",
            f"{TWO_VERSIONS}    score: {{weights: {{response: 100}}, decimals: 1}}\nclasses:",
        ),
    )

    assert counts_alike(load_policy(BEIJING), dated)
