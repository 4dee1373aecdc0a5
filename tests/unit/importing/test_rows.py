from __future__ import annotations

import pytest

from schemas.instants import parse_instant
from services.ingest.importing.rows import RowError, RowReader
from services.ingest.importing.tables import Cell, Row
from tests.unit.importing.support import CELLS, MAPPING, mapping, told


def rejected(cells: dict[str, Cell], text: str = MAPPING) -> tuple[str, str]:
    with pytest.raises(RowError) as caught:
        told(cells, text)
    return caught.value.column, caught.value.reason


def test_a_row_tells_its_events() -> None:
    row = told({})
    received, dispatched, resolved = row.events
    assert row.order == "A-1"
    assert row.absent == ()
    assert received.id == "A-1/received"
    assert received.source == "urn:test:city"
    assert received.occurred_at == parse_instant("2026-07-03T09:00:00+08:00")
    assert received.data == {"demand_type": "complaint", "category": ["环境", "噪声"]}
    assert dispatched.data == {
        "unit": "110101001",
        "round": 1,
        "resolve_due": "2026-07-10T01:00:00Z",
    }
    assert resolved.type == "resolved"


def test_empty_cells() -> None:
    row = told({"closed": " - ", "due": None, "area": ""})
    assert [event.type for event in row.events] == ["received", "dispatched"]
    assert row.absent == ("A-1/resolved",)
    assert row.events[0].data["category"] == ["噪声"]
    assert "resolve_due" not in row.events[1].data


def test_blanks_around_a_text_do_not_count() -> None:
    assert told({"unit": " 110101001\t"}).events == told({}).events


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        ({"id": ""}, ("id", "missing_value")),
        ({"opened": ""}, ("opened", "missing_value")),
        ({"opened": "2026-13-03 09:00"}, ("opened", "time_format")),
        ({"kind": "表扬"}, ("kind", "value_not_in_mapping")),
        ({"kind": ""}, ("kind", "missing_field")),
        ({"unit": ""}, ("unit", "missing_field")),
        ({"unit": "x" * 65}, ("unit", "invalid_field")),
        ({"topic": "x" * 65}, ("area, topic", "invalid_field")),
        ({"id": "x" * 129}, ("id", "invalid_field")),
        ({"id": "x" * 125}, ("id", "invalid_field")),
        ({"unit": ("a", "b")}, ("unit", "list_of_other_things")),
    ],
)
def test_a_bad_cell_rejects_the_row_and_names_the_column(
    cells: dict[str, Cell], place: tuple[str, str]
) -> None:
    assert rejected(cells) == place


def test_an_error_never_holds_the_value() -> None:
    phone = "13800138000"
    for column in CELLS:
        try:
            told({column: phone + " 张三"})
        except RowError as error:
            said = f"{error} {error.column} {error.detail} {error.detail_zh}"
            assert phone not in said
            assert "张三" not in said


RULES = """\
source: urn:test:city
order: id
time: {formats: [iso], zone: Asia/Shanghai}
events:
  - type: callback
    id: "{order}/{call no}"
    time: at
    when: {column: kind, in: [call, visit]}
    data:
      attempt: {column: call no, kind: integer}
      reached: {column: reached, values: {Y: true, N: false}}
      unreached_reason: {column: why}
      rater: {fixed: citizen}
      answers.solved: {column: solved, values: {已解决: "yes", 未解决: "no", 不清楚: null}}
  - type: received
    id: "{order}/received"
    time: at
    data:
      demand_type: {fixed: help}
      channel: {column: channel, values: {电话: phone}, default: other, missing: unknown}
      community: {first_of: [community, area]}
      tags: {column: tags, kind: list, separator: "|", values: {重复: repeat, 夜间: night}}
"""

CALL: dict[str, Cell] = {
    "id": "A-1",
    "at": "2026-07-12T10:00:00",
    "kind": "call",
    "call no": "2",
    "reached": "Y",
    "why": None,
    "solved": "已解决",
    "channel": "电话",
    "community": "",
    "area": "东华门",
    "tags": "重复 | 夜间",
}


def call(cells: dict[str, Cell]) -> list[dict[str, object]]:
    row = RowReader(mapping(RULES)).read(Row(2, CALL | cells))
    return [{"id": event.id, **event.data} for event in row.events]


def test_every_kind_of_rule() -> None:
    assert call({}) == [
        {
            "id": "A-1/2",
            "attempt": 2,
            "reached": True,
            "rater": "citizen",
            "answers": {"solved": "yes"},
        },
        {
            "id": "A-1/received",
            "demand_type": "help",
            "channel": "phone",
            "community": "东华门",
            "tags": ["repeat", "night"],
        },
    ]


def test_maps_defaults_and_missing_values() -> None:
    assert "answers" not in call({"solved": "不清楚"})[0]
    assert call({"channel": "飞鸽"})[1]["channel"] == "other"
    assert call({"channel": None})[1]["channel"] == "unknown"
    assert call({"community": "多福巷"})[1]["community"] == "多福巷"
    assert call({"tags": ("夜间",)})[1]["tags"] == ["night"]
    assert "tags" not in call({"tags": None})[1]
    unreached: dict[str, Cell] = {"reached": "N", "why": "no_answer", "solved": None}
    assert call(unreached)[0]["unreached_reason"] == "no_answer"
    assert [event["id"] for event in call({"kind": "其他"})] == ["A-1/received"]


@pytest.mark.parametrize(
    ("cells", "place"),
    [
        ({"call no": "two"}, ("call no", "not_an_integer")),
        ({"call no": "0"}, ("call no", "invalid_field")),
        ({"call no": None}, ("call no", "missing_value")),
        ({"reached": "N"}, ("why", "missing_field")),
        ({"tags": "重复|旧"}, ("tags", "value_not_in_mapping")),
        ({"solved": "大概"}, ("solved", "value_not_in_mapping")),
        ({"at": "2026-07-12T10:00:00", "id": ("A",)}, ("id", "list_of_other_things")),
    ],
)
def test_more_bad_cells(cells: dict[str, Cell], place: tuple[str, str]) -> None:
    with pytest.raises(RowError) as caught:
        call(cells)
    assert (caught.value.column, caught.value.reason) == place
