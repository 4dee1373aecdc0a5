from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from services.domain.registry import parse_units_csv
from services.ingest.importing.document import (
    MappingError,
    find_mapping,
    load_mapping,
    shipped,
)
from services.ingest.importing.mapping import (
    Condition,
    EventRule,
    FieldRule,
    Mapping,
    TimeRule,
)
from tests.unit.importing.support import MAPPING, loaded


def complaint(text: str) -> str:
    with pytest.raises(MappingError) as caught:
        loaded(text)
    return str(caught.value)


def test_shipped_mappings_load() -> None:
    assert shipped() == ["boston-311", "nl-receipt"]
    for name in shipped():
        found = find_mapping(name)
        assert found.name == f"{name}.yaml"
        assert found.mapping.events


def test_a_mapping_of_ones_own_is_found_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(MAPPING, "utf-8-sig")
    assert find_mapping(str(path)).mapping.source == "urn:test:city"


def test_no_such_mapping_says_which_there_are() -> None:
    with pytest.raises(MappingError, match="boston-311, nl-receipt"):
        find_mapping("boston")


@pytest.mark.parametrize(
    ("old", "new", "line", "place", "why"),
    [
        (
            "time: opened\n    data:\n      demand",
            "tiem: opened\n    data:\n      demand",
            10,
            "events.0.tiem",
            "no such key",
        ),
        ("source: urn:test:city\n", "", 1, "source", "missing"),
        ("type: dispatched", "type: dispatch", 16, "events.1.type", "no such event type"),
        ("type: resolved", "type: corrected", 22, "events.2.type", "no such event type"),
        ("zone: Asia/Shanghai", "zone: Beijing", 5, "time.zone", "no time zone"),
        ("求助: help", "求助: halp", 14, "events.0.data.demand_type.values.求助", "does not take"),
        ("求助: help", "求助: no", 14, "events.0.data.demand_type.values.求助", "does not take"),
        ("resolve_due", "resolve_by", 21, "events.1.data.resolve_by", "no such field; it has unit"),
        ("{time: due}", "{time: due, column: due}", 21, "events.1.data.resolve_due", "exactly one"),
        ("{time: due}", "{time: due, default: x}", 21, "events.1.data.resolve_due", "`values`"),
        ("order: id\n", "order: id\norder: other\n", 3, "", "the key stands twice"),
        ('"{order}/resolved"', '"{order/resolved"', 23, "events.2.id", "a brace"),
        ("order: id\n", "order: id\nencoding: klingon\n", 3, "encoding", "no such encoding"),
        ("order: id\n", "order: no\n", 2, "order", "quote it"),
        ("order: id\n", "order: [\n", 4, "", "not YAML"),
    ],
)
def test_a_fault_is_told_with_its_line(old: str, new: str, line: int, place: str, why: str) -> None:
    assert MAPPING.count(old) >= 1
    text = complaint(MAPPING.replace(old, new, 1))
    assert f"test.yaml line {line}" in text
    assert place in text
    assert why in text


def test_all_faults_are_told_at_once() -> None:
    text = complaint(MAPPING.replace("resolve_due", "resolve_by").replace("help", "halp"))
    assert text.count("test.yaml line") == 2


def test_nothing_is_no_mapping() -> None:
    assert "a mapping is a list of keys" in complaint("")
    assert "a mapping is a list of keys" in complaint("- source: urn:x")


def test_the_examples_of_the_documentation_load() -> None:
    text = (Path(__file__).parents[3] / "docs" / "import.md").read_text("utf-8")
    blocks = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    whole = [block for block in blocks if "source:" in block]
    assert len(whole) >= 2, "one example in Chinese, one in English"
    for block in whole:
        assert load_mapping(block, "import.md").mapping.events


def test_every_key_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "import.md").read_text("utf-8")
    for model in (Mapping, TimeRule, FieldRule, EventRule, Condition):
        for name, field in model.model_fields.items():
            assert f"`{field.alias or name}`" in text, f"{model.__name__}.{name}"


def test_shipped_units_are_the_neighborhoods() -> None:
    units = find_units()
    assert len(units) == 23
    assert {kind for _, kind in units} == {"street"}


def find_units() -> set[tuple[str, str]]:
    text = (files("services.ingest") / "mappings" / "boston-311-units.csv").read_text("utf-8")
    return {(unit.code, unit.kind) for unit in parse_units_csv(text)}


def test_shipped_mappings_are_plain_yaml() -> None:
    for name in shipped():
        root = Path(__file__).parents[3] / "services" / "ingest" / "mappings" / f"{name}.yaml"
        assert yaml.safe_load(root.read_text("utf-8"))["source"].startswith("urn:")
