"""Lists of orders by what they are like, and sums by what they have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random
from typing import get_args

import pytest

from schemas.instants import DAY, HOUR, Instant
from schemas.records import OrderRow, Sums
from services.storage.database import Database
from services.storage.order_reader import Common
from services.storage.readers import Number, Place, Readers, Sort, Traits
from services.storage.shard_store import ShardStore
from tests.integration.storage.made import FENCE, START, SUMMARY, flush, mark, order, owned, span

NOW = START + 10 * DAY
UNITS = ("甲", "乙", "")
STATES = ("valid", "unreachable", "excluded:不合理", "excluded:重复", "suspended")
CATEGORIES = ((), ("环境",), ("环境", "噪声"), ("噪声", "环境", "施工"), ("环境", "噪声", "施工"))
ALL = Number("lead", "volume", START, START + DAY)


def some_orders(random: Random) -> list[OrderRow]:
    """Orders of all kinds; every tenth is incomplete. Some spans are over, or still to come."""
    found = []
    for number in range(60):
        received = None if number % 10 == 9 else START + random.randrange(24) * HOUR
        at = START + HOUR if received is None else received
        unit, state = random.choice(UNITS), random.choice(STATES)
        names = ["incomplete"] if received is None else ["volume", f"state:{state}"]
        names += [name for name in ("open", "overdue") if random.random() < 0.5]
        spans = [span(unit, name, attributed_at=at) for name in names]
        spans.append(span(unit, "open", attributed_at=at, begins_at=NOW + 1))
        spans.append(span(unit, "overdue", attributed_at=at, ends_at=NOW))
        summary = SUMMARY._replace(
            unit=unit,
            received_at=received,
            channel=random.choice(("phone", "web", "")),
            urgency=random.choice(("normal", "")),
            demand_type=random.choice(("complaint", "help")),
            community=random.choice(("东一社区", "")),
            category=random.choice(CATEGORIES),
        )
        found.append(order(f"单-{number:03d}", spans, summary=summary))
    return found


@pytest.fixture
def city(db: Database) -> tuple[Readers, list[OrderRow]]:
    rows = some_orders(Random(11))
    for shard in (0, 3):
        store = owned(ShardStore(db, shard, 1), FENCE)
        flush(
            store, mark(clock=NOW), orders=[r for r in rows if int(r.subject[-1]) % 2 == shard % 2]
        )
    return Readers(db), rows


def in_force(row: OrderRow) -> dict[str, str]:
    """Units by count."""
    return {s.indicator: s.unit for s in row.outcome.spans if s.begins_at <= NOW < s.ends_at}


def fits(row: OrderRow, number: Number, traits: Traits) -> bool:
    """The same rule, said slowly."""
    counts, summary = in_force(row), row.outcome.summary
    at: Instant = -1 if summary.received_at is None else summary.received_at
    states = [name.removeprefix("state:") for name in counts if name.startswith("state:")]
    path = "/".join(summary.category[: traits.level])
    return all(
        [
            number.indicator in counts,
            number.units is None or counts.get(number.indicator) in number.units,
            any(
                s.indicator == number.indicator
                and number.begins_at <= s.attributed_at < number.ends_at
                for s in row.outcome.spans
            ),
            traits.state is None
            or any(traits.state in (state, state.partition(":")[0]) for state in states),
            traits.is_open in (None, "open" in counts),
            traits.is_overdue in (None, "overdue" in counts),
            traits.channel in (None, summary.channel),
            traits.urgency in (None, summary.urgency),
            traits.demand_type in (None, summary.demand_type),
            traits.community in (None, summary.community),
            traits.category in (None, *([path] if traits.level else summary.category)),
            traits.received_from is None or at >= traits.received_from,
            traits.received_to is None or -1 < at < traits.received_to,
        ]
    )


def sorted_rows(rows: Iterable[OrderRow], sort: Sort) -> list[str]:
    def key(row: OrderRow) -> tuple[bool, int, str]:
        at = row.outcome.summary.received_at
        return (False, 0, row.subject) if sort == "id" else (at is None, -(at or 0), row.subject)

    return [row.subject for row in sorted(rows, key=key)]


def all_pages(
    readers: Readers, number: Number, traits: Traits, sort: Sort, as_of: Instant | None
) -> list[str]:
    found: list[str] = []
    after: Place | None = None
    while page := readers.orders(
        1, number, traits=traits, sort=sort, as_of=as_of, after=after, limit=25
    ):
        assert len(page) <= 25
        after = Place(page[-1].summary.received_at, page[-1].subject)
        found += [each.subject for each in page]
    return found


QUESTIONS: list[tuple[Number, Traits]] = [
    (ALL, Traits()),
    (ALL._replace(units=["甲"]), Traits()),
    (ALL._replace(units=["甲", ""]), Traits(channel="phone")),
    (ALL._replace(units=[]), Traits()),
    (ALL._replace(indicator="incomplete"), Traits()),
    (ALL._replace(indicator="incomplete"), Traits(is_open=True)),
    (ALL._replace(indicator="open"), Traits(state="valid")),
    (ALL, Traits(state="excluded")),
    (ALL, Traits(state="excluded:重复")),
    (ALL, Traits(state="excluded:重", is_open=False)),
    (ALL, Traits(is_open=False, is_overdue=True)),
    (ALL, Traits(urgency="", demand_type="help", community="东一社区")),
    (ALL, Traits(category="环境")),
    (ALL, Traits(category="环境/噪声", level=2)),
    (ALL, Traits(category="", level=1)),
    (ALL, Traits(received_from=START + 5 * HOUR, received_to=START + 9 * HOUR)),
    (ALL._replace(begins_at=START + 2 * HOUR), Traits(state="suspended")),
]


def test_a_list_holds_what_fits_and_nothing_else(city: tuple[Readers, list[OrderRow]]) -> None:
    readers, rows = city
    sorts: tuple[Sort, Sort] = ("id", "received")
    for place, (number, traits) in enumerate(QUESTIONS):
        expected = [row for row in rows if fits(row, number, traits)]
        assert bool(expected) is (number.units != [] and traits.state != "excluded:重"), place
        sort, as_of = sorts[place % 2], (None, NOW)[place // 2 % 2]
        found = all_pages(readers, number, traits, sort, as_of)
        assert found == sorted_rows(expected, sort), (place, sort, as_of)


def test_sums_by_what_orders_have_in_common(city: tuple[Readers, list[OrderRow]]) -> None:
    readers, rows = city
    for common in get_args(Common):
        for units in (None, ("甲",), ("乙", "")):
            number = ALL._replace(units=units)
            expected: Counter[tuple[str, str]] = Counter()
            for row in rows:
                summary = row.outcome.summary
                path = "/".join(summary.category[:2])
                value = path if common == "category" else getattr(summary, common)
                for name, unit in in_force(row).items():
                    expected[value, name] += units is None or unit in units
            found = readers.common_sums(
                1, number, common, level=2, as_of=NOW if common == "urgency" else None
            )
            assert found == {key: Sums(count, 0) for key, count in expected.items() if count}
            assert whole(found) == whole(
                {
                    (unit, name): sums
                    for (unit, name), sums in readers.window_sums(
                        1, "lead", START, START + DAY, NOW
                    ).items()
                    if units is None or unit in units
                }
            )


def whole(sums: Mapping[tuple[str, str], Sums]) -> Counter[str]:
    """The same by indicator alone."""
    found: Counter[str] = Counter()
    for (_, name), each in sums.items():
        found[name] += each.denominator
    return found


def test_nothing_is_listed_before_the_first_flush(db: Database) -> None:
    readers = Readers(db)
    assert readers.orders(1, ALL) == []
    assert readers.common_sums(1, ALL, "channel") == {}
    assert readers.order_versions(1) == {}


def test_the_versions_of_orders(city: tuple[Readers, list[OrderRow]]) -> None:
    readers, _ = city
    assert readers.order_versions(1) == {0: mark().version(), 3: mark().version()}
