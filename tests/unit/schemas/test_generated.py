from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from jsonschema import Draft202012Validator

from schemas.codec import LIFE_CYCLE
from schemas.documents import asyncapi, documents, json_schema
from schemas.errors import REASONS
from schemas.events import DATA_TYPES
from schemas.events.correction import TARGETS, Corrected
from schemas.generate import drifted
from tests.unit.schemas.samples import cloud_event, cloud_events, with_data

ROOT = Path(__file__).parents[3]
VALIDATORS = {name: Draft202012Validator(json_schema(name)) for name in LIFE_CYCLE}


def test_nothing_generated_has_drifted() -> None:
    assert drifted() == []


def test_drift_is_noticed(tmp_path: Path) -> None:
    for path, text in documents().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    (tmp_path / "schemas/json/signed.json").write_text("{}", "utf-8")
    (tmp_path / "schemas/json/removed.json").write_text("{}", "utf-8")
    (tmp_path / "docs/events.md").unlink()
    assert drifted(tmp_path) == [
        "docs/events.md",
        "schemas/json/removed.json",
        "schemas/json/signed.json",
    ]


@pytest.mark.parametrize("name", LIFE_CYCLE)
def test_json_schemas_are_sound_and_take_their_example(name: str) -> None:
    Draft202012Validator.check_schema(json_schema(name))
    VALIDATORS[name].validate(cloud_event(name))


@given(cloud_events())
def test_json_schemas_take_what_the_codec_takes(raw: dict[str, Any]) -> None:
    VALIDATORS[raw["type"].removeprefix("workorder.")].validate(raw)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("dispatched", {"unit": ...}),
        ("dispatched", {"round": 0}),
        ("received", {"demand_type": "other"}),
        ("received", {"channel": "a\nb"}),
        ("callback", {"unreached_reason": "no_answer"}),
        ("callback", {"reached": False, "answers": ...}),
        ("callback", {"reached": False, "unreached_reason": "silent"}),
        ("extended", {"resolve_due": None}),
    ],
)
def test_json_schemas_refuse_what_the_codec_refuses(name: str, changes: dict[str, Any]) -> None:
    assert not VALIDATORS[name].is_valid(with_data(name, **changes))


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    text = (ROOT / "schemas/asyncapi.yaml").read_text("utf-8")
    document = yaml.safe_load(text)
    assert document == asyncapi()
    references = re.findall(r"\$ref: '?([^'\s]+)", text)
    assert len(references) > 2 * len(LIFE_CYCLE)
    for reference in references:
        if reference.startswith("./"):
            assert (ROOT / "schemas" / reference).is_file()
            continue
        node: Any = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def test_the_page_names_every_type_field_and_reason() -> None:
    page = documents()["docs/events.md"]
    for name, data in DATA_TYPES.items():
        section = page.partition(f"### workorder.{name}\n")[2].partition("\n### ")[0]
        for field in data.model_fields:
            assert f"| `{field}` |" in section
    for reason in REASONS:
        assert f"| `{reason}` |" in page


def test_a_correction_may_name_fields_of_every_other_type() -> None:
    assert set(TARGETS) == set(DATA_TYPES.values()) - {Corrected}


def test_every_field_is_described() -> None:
    for data in DATA_TYPES.values():
        assert data.example or data.__name__ == "Data"
        for field in data.model_fields.values():
            assert field.description
