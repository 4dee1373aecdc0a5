from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode_event, event_from_archive
from schemas.errors import EventError
from schemas.instants import SECOND, Instant, format_instant, parse_instant
from schemas.records import Event
from services.domain.corrections import CORRECTED, in_order
from services.ingest.importing.difference import Difference, difference
from services.ingest.importing.spool import FileOrder
from services.ingest.importing.tables import Cell
from tests.unit.importing.support import told

FIRST = parse_instant("2026-08-01T00:00:00+08:00")


def order(cells: dict[str, Cell]) -> FileOrder:
    row = told(cells)
    return FileOrder(2, row.order, 1, row.events, row.absent)


class Store:
    """What a service would hold: every event once."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def take(self, cells: dict[str, Cell], at: Instant = FIRST) -> Difference:
        found = difference(order(cells), list(self.events.values()), at)
        for event in found.to_send:
            assert event.id not in self.events, "an id is never used again"
            self.events[event.id] = event
        return found

    def effective(self) -> dict[str, tuple[Instant, object]]:
        return {
            event.id: (event.occurred_at, event.data)
            for event in in_order(self.events.values())
            if event.type != CORRECTED
        }


def expected(cells: dict[str, Cell]) -> dict[str, tuple[Instant, object]]:
    return {event.id: (event.occurred_at, event.data) for event in order(cells).events}


def summary(found: Difference) -> list[tuple[str, object, object]]:
    return [(event.id, event.data.get("old"), event.data.get("new")) for event in found.corrections]


def test_a_first_import_sends_all() -> None:
    store = Store()
    found = store.take({})
    assert [event.type for event in found.new] == ["received", "dispatched", "resolved"]
    assert found.corrections == ()
    assert store.effective() == expected({})


def test_the_same_again_sends_nothing() -> None:
    store = Store()
    store.take({})
    found = store.take({}, FIRST + SECOND)
    assert found.to_send == ()
    assert found.unchanged == 3


def test_a_cell_that_is_filled_later_is_a_new_event() -> None:
    store = Store()
    store.take({"closed": None})
    found = store.take({})
    assert [event.id for event in found.new] == ["A-1/resolved"]
    assert found.corrections == ()


def test_changed_cells_become_corrections() -> None:
    store = Store()
    store.take({})
    later: dict[str, Cell] = {"closed": "2026-07-06 10:30", "due": None, "unit": "110101002"}
    found = store.take(later, FIRST + SECOND)
    assert summary(found) == [
        ("A-1/resolved/time/1", "2026-07-05T02:30:00Z", "2026-07-06T02:30:00Z"),
        ("A-1/dispatched/resolve_due/1", "2026-07-10T01:00:00Z", None),
        ("A-1/dispatched/unit/1", "110101001", "110101002"),
        ("A-1/resolved/unit/1", "110101001", "110101002"),
    ]
    assert {event.occurred_at for event in found.corrections} == {FIRST + SECOND}
    assert found.new == ()
    assert found.unchanged == 1
    assert store.effective() == expected(later)


def test_an_emptied_time_withdraws_and_a_filled_one_brings_back() -> None:
    store = Store()
    store.take({})
    assert summary(store.take({"closed": None}, FIRST + 1)) == [
        ("A-1/resolved/time/1", "2026-07-05T02:30:00Z", None)
    ]
    assert store.effective() == expected({"closed": None})
    assert store.take({"closed": None}, FIRST + 2).to_send == ()
    back = store.take({"unit": "110101002"}, FIRST + 3)
    assert [name for name, _, _ in summary(back)] == [
        "A-1/resolved/time/2",
        "A-1/dispatched/unit/1",
        "A-1/resolved/unit/1",
    ]
    assert store.effective() == expected({"unit": "110101002"})


def test_an_older_export_after_a_newer_one_is_dated_behind_it() -> None:
    store = Store()
    store.take({})
    store.take({"unit": "110101002"}, FIRST + SECOND)
    found = store.take({"unit": "110101003"}, FIRST)
    assert {event.occurred_at for event in found.corrections} == {FIRST + SECOND + 1}
    assert found.late == 2
    assert store.effective() == expected({"unit": "110101003"})


def test_more_than_nine_corrections_of_one_field() -> None:
    store = Store()
    for unit in range(12):
        store.take({"unit": str(unit)})
    assert store.effective() == expected({"unit": "11"})


def test_an_interrupted_import_repeats_the_same_events() -> None:
    store = Store()
    store.take({})
    before = list(store.events.values())
    later = order({"unit": "110101002", "closed": None})
    found = difference(later, before, FIRST + 1)
    for held in range(len(found.to_send)):
        again = difference(later, [*before, *found.to_send[:held]], FIRST + 1)
        assert set(map(bytes, (event.digest for event in again.to_send))) <= {
            event.digest for event in found.to_send
        }
        assert {event.id for event in again.to_send} == {event.id for event in found.to_send[held:]}


def test_an_event_that_changed_its_type_is_told() -> None:
    store = Store()
    store.take({})
    other = decode_event(
        {
            "specversion": "1.0",
            "type": "workorder.signed",
            "source": "urn:test:city",
            "id": "A-1/resolved",
            "subject": "A-1",
            "time": "2026-07-05T02:30:00Z",
            "data": {"unit": "110101001"},
        }
    ).event
    stored = [*(event for event in store.events.values() if event.type != "resolved"), other]
    found = difference(order({}), stored, FIRST)
    assert [event.id for event in found.other_type] == ["A-1/resolved"]
    assert found.to_send == ()


def test_a_correction_of_the_platform_itself_is_respected() -> None:
    store = Store()
    store.take({})
    correction = decode_event(
        {
            "specversion": "1.0",
            "type": "workorder.corrected",
            "source": "urn:test:city",
            "id": "A-1/dispatched/unit/1",
            "subject": "A-1",
            "time": format_instant(FIRST),
            "data": {"event": "A-1/received", "field": "channel", "new": "web"},
        }
    ).event
    store.events[correction.id] = correction
    store.take({"unit": "110101002"}, FIRST + 1)
    assert "A-1/dispatched/unit/2" in store.events
    assert store.effective() == expected({"unit": "110101002"})


def test_an_id_that_grows_too_long_is_told() -> None:
    name = "x" * 114
    long = order({"id": name})
    with pytest.raises(EventError) as caught:
        difference(order({"id": name, "due": None}), long.events, FIRST)
    assert caught.value.path == "/id"


def test_stored_events_come_back_as_they_were() -> None:
    store = Store()
    store.take({})
    rebuilt = [
        event_from_archive(
            subject=event.subject,
            source=event.source,
            id=event.id,
            type=event.type,
            occurred_at=event.occurred_at,
            data="{}" if event.type == "resolved" else '{"unit":"110101001"}',
            digest=event.digest,
        )
        for event in store.events.values()
        if event.type != "received"
    ]
    found = difference(order({}), rebuilt, FIRST)
    assert [event.type for event in found.new] == ["received"]
    assert [(event.data["field"], event.data["new"]) for event in found.corrections] == [
        ("resolve_due", "2026-07-10T01:00:00Z"),
        ("round", 1),
        ("unit", "110101001"),
    ]


EXPORT = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["投诉", "求助"]),
        "area": st.sampled_from(["环境", "交通", ""]),
        "topic": st.sampled_from(["噪声", ""]),
        "unit": st.sampled_from(["110101001", "110101002"]),
        "opened": st.sampled_from(["2026-07-03 09:00", "2026-07-03 09:01"]),
        "due": st.sampled_from(["2026-07-10 09:00", "2026-07-11 09:00", ""]),
        "closed": st.sampled_from(["2026-07-05 10:30", "2026-07-02 10:30", ""]),
    }
)


@given(exports=st.lists(st.tuples(EXPORT, st.integers(0, 3)), min_size=1, max_size=8))
def test_after_any_exports_the_store_holds_the_last(
    exports: list[tuple[dict[str, Cell], int]],
) -> None:
    store = Store()
    for cells, at in exports:
        store.take(cells, FIRST + at)
        assert store.effective() == expected(cells)
        assert store.take(cells, FIRST + at).to_send == ()
