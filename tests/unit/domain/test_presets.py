"""What holds for every policy that ships, and for the example in the guide."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import pytest

from schemas.codec import decode_event
from schemas.instants import DAY
from schemas.records import Contribution, Event, Unit
from services.cli.simulate.demand import midnight
from services.cli.simulate.events import simulate_events
from services.domain.outcome import contributions_at, evaluate
from services.domain.policy import Rules, load_policy, preset, presets
from services.domain.ranking import STATE, RankedUnit, UnrankedUnit, rank_units
from services.domain.registry import beijing_units
from services.domain.windows import Window, window
from tests.support.sums import added_up

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE = (DOCS / "examples" / "special-indicator.yaml").read_text(encoding="utf-8")
TEXTS = {name: preset(name) for name in presets()} | {"special-indicator": EXAMPLE}
POLICIES = {name: load_policy(text) for name, text in TEXTS.items()}
# Where the demo month of a policy begins: most have a National Day and its make-up days in it.
BEGINS = defaultdict(
    lambda: date(2025, 9, 15),
    {"lianyungang-2021": date(2022, 1, 20), "lianyungang-2022": date(2022, 8, 25)},
)
DAYS = 25

Orders = list[list[Event]]


@pytest.fixture(params=sorted(TEXTS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def demos() -> dict[date, Orders]:
    """The demo city's orders of one district's first streets, by the day on which they begin."""
    return {begins: _demo(begins) for begins in {BEGINS[name] for name in TEXTS}}


def _units() -> list[Unit]:
    return [unit for unit in beijing_units() if unit.code.startswith("110101")][:6]


def _demo(begins: date) -> Orders:
    begins_at = midnight(begins)
    orders: dict[str, list[Event]] = defaultdict(list)
    for raw in simulate_events(
        _units(), seed=3, begins_at=begins_at, ends_at=begins_at + DAYS * DAY, orders_per_day=25
    ):
        event, _ = decode_event(raw)
        orders[event.subject].append(event)
    return list(orders.values())


def test_the_schemes_that_ship() -> None:
    assert presets() == (
        "beijing-district", "bengbu", "fengcheng", "jungar", "lianyungang-2021",
        "lianyungang-2022", "on-time", "shandong", "shanghai-street", "tianjin",
    )  # fmt: skip


def test_a_preset_is_called_as_its_file_and_loads_the_same_every_time(name: str) -> None:
    again = load_policy(TEXTS[name])
    assert again.id == name
    assert again.checksum == POLICIES[name].checksum
    assert len({policy.checksum for policy in POLICIES.values()}) == len(POLICIES)


def test_the_first_comment_names_the_source_and_what_is_our_own(name: str) -> None:
    text = TEXTS[name]
    head = text[: text.index("\nid: ")]
    assert all(line.startswith("#") for line in head.splitlines())
    if name == "special-indicator":
        assert "made up" in head
    else:
        assert re.match(r"# Source: \w+", head)
        assert "DEFAULT" in head


def test_everything_is_called_by_a_name_in_both_languages(name: str) -> None:
    policy = POLICIES[name]
    called = [(policy.name_zh, policy.name_en)]
    for version in policy.versions:
        called += [(i.name_zh, i.name_en) for i in version.indicators]
    for zh, en in called:
        assert re.search(r"[\u4e00-\u9fff]", zh)
        assert en.isascii()
        assert re.search("[A-Za-z]", en)


def test_the_guide_lists_every_preset_with_its_name() -> None:
    guide = (DOCS / "policies.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| (\S*[\u4e00-\u9fff]) \|", guide, flags=re.MULTILINE)
    assert sorted(listed) == sorted((name, POLICIES[name].name_zh) for name in presets())


def test_states_add_up_to_the_volume_for_every_unit_and_window(
    name: str, demos: dict[date, Orders]
) -> None:
    """They do at every instant of attribution, of which windows are sums, at any time asked."""
    policy, begins = POLICIES[name], midnight(BEGINS[name])
    spans = [evaluate(events, policy).spans for events in demos[BEGINS[name]]]
    for days in (3, 12, DAYS, DAYS + 60):
        at = begins + days * DAY
        found = [one for each in spans for one in contributions_at(each, at)]
        volume = Counter((c.unit, c.attributed_at) for c in found if c.indicator == "volume")
        states = Counter((c.unit, c.attributed_at) for c in found if c.indicator.startswith(STATE))
        assert volume.total() == len(volume) > 50
        assert states == volume
        for entry in _ranked(found, policy.at(at), window(policy, "cycle", None, begins)):
            assert sum(entry.states.values()) == entry.volume


def _ranked(
    found: list[Contribution], rules: Rules, within: Window | None = None
) -> list[RankedUnit | UnrankedUnit]:
    ranking = rank_units(_units(), added_up(found, within=within), rules, "street")
    return [*ranking.ranked, *ranking.unranked]


def test_the_demo_city_is_ranked_under_every_scheme(name: str, demos: dict[date, Orders]) -> None:
    policy, begins = POLICIES[name], midnight(BEGINS[name])
    found = [
        one
        for events in demos[BEGINS[name]]
        for one in contributions_at(evaluate(events, policy).spans, begins + (DAYS + 60) * DAY)
    ]
    rules = policy.at(begins + DAY)
    ranked = [entry for entry in _ranked(found, rules) if isinstance(entry, RankedUnit)]
    # The demo city's platform sets no deadlines, and the policy on-time knows no others.
    assert len(ranked) >= (0 if name == "on-time" else 4)
    for entry in ranked:
        assert 0 < entry.score <= rules.document.score.total
        assert None not in {entry.rates[code] for code in rules.document.score.codes}
