from __future__ import annotations

import random

from services.ingest.importing.spool import FileOrder, Spool, open_spool
from services.ingest.importing.tables import Cell
from tests.unit.importing.support import mapping, told

SOURCE = "urn:test:city"


def collected(rows: list[dict[str, Cell]], *, whole_orders: bool) -> tuple[Spool, list[bool]]:
    spool = Spool(SOURCE, whole_orders=whole_orders)
    found = [spool.add(number, told(cells)) is not None for number, cells in enumerate(rows, 2)]
    return spool, found


def test_orders_come_in_the_sequence_of_their_first_rows() -> None:
    with open_spool(mapping()) as spool:
        for row, order in ((2, "B"), (3, "A"), (4, "C")):
            assert spool.add(row, told({"id": order, "closed": None})) is None
        orders = list(spool.orders())
        assert [order.id for order in orders] == ["B", "A", "C"]
        assert spool.count() == 3
        expected = told({"id": "A", "closed": None})
        assert orders[1] == FileOrder(3, "A", 1, expected.events, expected.absent)


def test_equal_rows_collapse() -> None:
    spool, contradictions = collected([{}, {"id": "B"}, {}], whole_orders=True)
    assert contradictions == [False, False, False]
    assert [(order.id, order.rows) for order in spool.orders()] == [("A-1", 2), ("B", 1)]
    assert spool.repeated_rows == 1


def test_rows_that_contradict_each_other_leave_the_order_out() -> None:
    for whole_orders in (False, True):
        spool, contradictions = collected(
            [{}, {"id": "B"}, {"unit": "110101002"}], whole_orders=whole_orders
        )
        assert contradictions == [False, False, True]
        assert [order.id for order in spool.orders()] == ["B"]
        assert spool.count() == 1
        assert spool.names("A-1")


def test_the_contradiction_says_where() -> None:
    spool = Spool(SOURCE, whole_orders=True)
    spool.add(2, told({}))
    found = spool.add(9, told({"closed": None}))
    assert found is not None
    assert found.first_row == 2
    assert found.ours is None
    assert found.theirs == told({}).events[2]


def test_one_row_of_many_may_be_silent_about_an_event() -> None:
    rows: list[dict[str, Cell]] = [{"closed": None}, {}, {"closed": None}]
    for seed in range(6):
        shuffled = random.Random(seed).sample(rows, len(rows))
        spool, contradictions = collected(shuffled, whole_orders=False)
        assert not any(contradictions)
        (order,) = spool.orders()
        assert {event.type for event in order.events} == {"received", "dispatched", "resolved"}
        assert order.absent == ()
        assert order.rows == 3


def test_a_rejected_row_names_its_order_and_leaves_the_others_alone() -> None:
    spool, _ = collected([{}], whole_orders=False)
    spool.note_rejected("A-1")
    spool.note_rejected("Z")
    assert spool.names("A-1")
    assert spool.names("Z")
    assert not spool.names("Y")
    assert spool.count() == 1
