"""What the service stored and says, held against the oracle bit for bit. Everything stands still."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import orjson

from schemas.instants import parse_instant
from schemas.records import CounterKey, Event, FlushMark, Sums
from services.storage import evaluations
from services.storage.database import Database
from services.storage.evaluations import Evaluation, Series
from services.storage.shard_store import ShardStore
from tests.chaos import expected
from tests.chaos.city import units
from tests.chaos.log import Log, Refusal
from tests.chaos.traffic import PARTITIONS, Content

RULESET: Final = 1
EPOCH: Final = 1

_ENTERED: Final = "bottom_entered"
_LEFT: Final = "bottom_left"
_EXAMPLES: Final = 3
_ALL: Final = 1_000_000

Marks = Mapping[int, FlushMark]
Orders = Mapping[int, Mapping[str, Sequence[Event]]]
AllCounters = Mapping[int, Mapping[CounterKey, Sums]]


@dataclass(frozen=True)
class Found:
    """What the oracle says, from the log and the clocks that are stored with the last flushes."""

    log: Log
    marks: Marks
    counters: AllCounters


def marks_of(database: Database) -> dict[int, FlushMark]:
    """The last stored flush of every shard that has one."""
    found = {n: ShardStore(database, n, RULESET).last_flush() for n in range(PARTITIONS)}
    return {shard: mark for shard, mark in found.items() if mark is not None}


def stored_counters(database: Database) -> dict[int, dict[CounterKey, Sums]]:
    """The counters of every shard as they are stored now."""
    return {shard: ShardStore(database, shard, RULESET).counters() for shard in range(PARTITIONS)}


def wrong_counters(database: Database, found: Found) -> Iterator[str]:
    """Positions, counters and sums of contributions against the oracle's."""
    for shard in range(PARTITIONS):
        store = ShardStore(database, shard, RULESET)
        mark = found.marks[shard]
        if mark.position != (EPOCH, found.log.ends[shard] - 1):
            yield f"shard {shard} is stored up to {mark.position}, the log ends at {found.log.ends[shard]}"
        for name, stored in (
            ("counters", store.counters()),
            ("sums of contributions", store.contribution_sums(mark.clock)),
        ):
            of_oracle = found.counters[shard]
            wrong = [
                key
                for key in stored.keys() | of_oracle.keys()
                if stored.get(key) != of_oracle.get(key)
            ]
            if wrong:
                key = min(wrong)
                yield (
                    f"shard {shard}: {len(wrong)} {name} differ, first {key}: "
                    f"stored {stored.get(key)}, oracle {of_oracle.get(key)}"
                )


def wrong_archive(database: Database, log: Log, accepted: Collection[Content]) -> Iterator[str]:
    """The archive against the log: every content, where it was first; and what was accepted."""
    for shard in range(PARTITIONS):
        rows = database.query(
            "SELECT subject, source, id, digest, epoch, offset, frame_index FROM events FINAL"
            " WHERE shard = {shard:UInt16}",
            {"shard": shard},
        )
        stored = {Content(*row[:4]): row[4:] for row in rows}
        wanted = {content: (EPOCH, *place) for content, place in log.archive[shard].items()}
        if len(rows) != len(stored):
            yield f"shard {shard}: {len(rows) - len(stored)} contents are archived twice"
        yield from _sets(f"shard {shard}: archived contents", stored.keys(), wanted.keys())
        moved = [c for c in stored.keys() & wanted.keys() if stored[c] != wanted[c]]
        if moved:
            yield (
                f"shard {shard}: {len(moved)} contents are archived under another place, first "
                f"{moved[0][:3]}: {stored[moved[0]]} instead of {wanted[moved[0]]}"
            )
    logged = {content for of_shard in log.archive.values() for content in of_shard}
    lost = [content[:3] for content in accepted if content not in logged]
    if lost:
        yield f"{len(lost)} accepted events are not in the log: {lost[:_EXAMPLES]}"


def wrong_letters(database: Database, log: Log) -> Iterator[str]:
    """Every event that cannot count is a dead letter with its reason, and nothing else is."""
    rows = database.query(
        "SELECT DISTINCT partition, offset, frame_index, reason FROM dead_letters"
    )
    yield from _sets("dead letters", {Refusal(*row) for row in rows}, log.refused)


def wrong_alerts(database: Database, sent: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Alerts follow from the stored evaluations; each that is not withheld was sent, always the same."""
    stored: set[str] = set()
    for series in series_of(database):
        chain = sorted(evaluations.listing(database, series, limit=_ALL), key=lambda e: e.number)
        yield from _wrong_chain(series, chain)
        stored |= {a.id for evaluation in chain for a in evaluation.alerts if not a.withheld}
    bodies: defaultdict[str, set[bytes]] = defaultdict(set)
    for message in sent:
        bodies[message["id"]].add(orjson.dumps(message))
    yield from _sets("alerts on the topic", bodies.keys(), stored)
    differing = [id_ for id_, said in bodies.items() if len(said) > 1]
    if differing:
        yield f"{len(differing)} alerts were sent with two contents, first {differing[0]}"


def _wrong_chain(series: Series, chain: Sequence[Evaluation]) -> Iterator[str]:
    numbers = [evaluation.number for evaluation in chain]
    if numbers != list(range(1, len(chain) + 1)):
        yield f"{series}: the evaluations are numbered {numbers[:50]}"
    before: frozenset[str] = frozenset()
    for evaluation in chain:
        after = frozenset(evaluation.bottom)
        wanted = {(_ENTERED, unit) for unit in after - before}
        wanted |= {(_LEFT, unit) for unit in before - after}
        given = [(a.kind, a.unit) for a in evaluation.alerts if a.kind in {_ENTERED, _LEFT}]
        if sorted(given) != sorted(wanted):
            yield f"{series}, evaluation {evaluation.number}: {given} instead of {sorted(wanted)}"
        before = after


def alerts_stored(database: Database) -> int:
    """How many there are, withheld ones too."""
    return int(database.query("SELECT sum(length(`alert.id`)) FROM evaluations FINAL")[0][0])


def wrong_standing(database: Database, counters: AllCounters) -> Iterator[str]:
    """The newest evaluation of the street's standing list against the ranking of these counters."""
    found = [series for series in series_of(database) if series[1:4] == ("lead", "street", "")]
    newest = max(
        (e for series in found if (e := evaluations.newest(database, series)) is not None),
        key=lambda e: e.as_of,
        default=None,
    )
    if newest is None:
        yield "there is no evaluation"
        return
    sums = expected.in_window(counters.values(), newest.window_from, newest.window_to)
    lines = expected.ranking([unit.code for unit in units()], sums)
    wanted = [(line.unit, line.rank, line.score) for line in lines]
    stored = [tuple(line) for line in newest.ranked]
    if stored != wanted:
        yield f"evaluation {newest.number} ranks {_first(stored, wanted)}"
    if set(newest.bottom) != expected.bottom(lines):
        yield f"evaluation {newest.number} has the bottom {newest.bottom}"


def wrong_answers(url: str, found: Found) -> Iterator[str]:
    """The rankings of the present cycle, the two before it, and the year, as the api answers."""
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
        clock = min(mark.clock for mark in found.marks.values())
        names: list[dict[str, str]] = [{"window": "year"}, {"window": "month"}]
        name = _get(client, {"window": "cycle"})["window"]["name"]
        names += [{"window": "cycle", "name": each} for each in _cycles_before(name)]
        for query in names:
            page = _get(client, query)
            if parse_instant(page["as_of"]) != clock or not page["complete"]:
                yield f"{query}: as of {page['as_of']}, complete {page['complete']}"
            yield from (f"{query}: {wrong}" for wrong in _wrong_page(page, found.counters))


def _wrong_page(page: Mapping[str, Any], counters: AllCounters) -> Iterator[str]:
    begins_at, ends_at = (parse_instant(page["window"][edge]) for edge in ("from", "to"))
    sums = expected.in_window(counters.values(), begins_at, ends_at)
    lines = expected.ranking([unit.code for unit in units()], sums)
    given = [(e["unit"]["code"], e["rank"], e["score"], e["volume"]) for e in page["ranked"]]
    wanted = [tuple(line) for line in lines]
    if given != wanted:
        yield f"the ranking differs: {_first(given, wanted)}"
    if set(page["bottom"]) != expected.bottom(lines):
        yield f"the bottom is {page['bottom']}"
    for entry in [*page["ranked"], *page["unranked"]]:
        yield from _wrong_figures(entry, sums)


def _wrong_figures(entry: Mapping[str, Any], sums: Mapping[tuple[str, str], Sums]) -> Iterator[str]:
    unit = entry["unit"]["code"]
    own = {code: found for (of, code), found in sums.items() if of == unit}
    for code in expected.WEIGHTS:
        found, rate = own.get(code, Sums(0, 0)), entry["indicators"][code]
        wanted = (found.denominator, _rate(found))
        if (rate["denominator"], rate["rate"]) != wanted:
            yield f"{unit} has {code} {rate['rate']} of {rate['denominator']}, not {wanted}"
    volume = own.get("volume", Sums(0, 0)).denominator
    states = {k: v for k, v in entry["states"].items() if k != "excluded"}
    told = {f"state:{name}": count for name, count in states.items() if count}
    told |= {f"state:excluded:{ground}": n for ground, n in entry["states"]["excluded"].items()}
    counted = {code: n.denominator for code, n in own.items() if code.startswith("state:")}
    counted = {code: n for code, n in counted.items() if n}
    if (entry["volume"], told) != (volume, counted) or sum(told.values()) != volume:
        yield f"{unit} has volume {entry['volume']} of {told}, not {volume} of {counted}"


def wrong_states(page: Mapping[str, Any]) -> Iterator[str]:
    """What holds for every answer at any moment: a unit's states add up to its volume."""
    for entry in [*page["ranked"], *page["unranked"]]:
        states = entry["states"]
        told = sum(n for name, n in states.items() if name != "excluded")
        told += sum(states["excluded"].values())
        if told != entry["volume"]:
            yield f"{entry['unit']['code']} has volume {entry['volume']} and {told} in its states"


def _rate(found: Sums) -> str | None:
    if not found.denominator:
        return None
    return f"{expected.rounded(expected.percent(found), 2):f}"


def series_of(database: Database) -> list[Series]:
    """Every list that was ever evaluated."""
    rows = database.query(
        "SELECT DISTINCT ruleset, ranking, kind, peer_group, window_kind, window_name"
        " FROM evaluations"
    )
    return [Series(*row) for row in rows]


def _get(client: httpx.Client, query: Mapping[str, str]) -> dict[str, Any]:
    answer = client.get("/v1/rankings", params=dict(query))
    answer.raise_for_status()
    page: dict[str, Any] = answer.json()
    return page


def _cycles_before(name: str) -> list[str]:
    """A cycle, ``2026-01``, and the two before it."""
    months = int(name[:4]) * 12 + int(name[5:]) - 1
    return [f"{n // 12:04}-{n % 12 + 1:02}" for n in (months, months - 1, months - 2)]


def _sets(what: str, found: Collection[Any], wanted: Collection[Any]) -> Iterator[str]:
    given, due = set(found), set(wanted)
    if missing := due - given:
        yield f"{what}: {len(missing)} are missing, as {sorted(missing)[:_EXAMPLES]}"
    if surplus := given - due:
        yield f"{what}: {len(surplus)} too many, as {sorted(surplus)[:_EXAMPLES]}"


def _first(given: Sequence[Any], wanted: Sequence[Any]) -> str:
    for n, (one, other) in enumerate(zip(given, wanted, strict=False)):
        if one != other:
            return f"line {n + 1} is {one} instead of {other}"
    return f"{len(given)} lines instead of {len(wanted)}"
