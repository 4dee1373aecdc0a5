"""The guide to writing a policy (docs/policies.md) tells every key, and its examples work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from schemas.policy import Header, Rules
from schemas.policy.parts import Part
from services.domain.policy import PolicyError, load_policy, preset

GUIDE = (Path(__file__).parents[3] / "docs" / "policies.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", GUIDE, flags=re.MULTILINE | re.DOTALL)


def keys(text: str) -> dict[str, str]:
    """The keys at the top of a policy with their text."""
    parts = re.split(r"^(?=[a-z_]+:)", text, flags=re.MULTILINE)
    return {part.split(":", 1)[0]: part for part in parts if not part.startswith("#")}


def within_a_policy(example: str) -> str:
    """The preset beijing-district with the example's keys; its indicators are added."""
    base, own = keys(preset("beijing-district")), keys(example)
    if "indicators" in own:
        own["indicators"] = base["indicators"] + own["indicators"].split("\n", 1)[1]
    if "versions" in own:
        del base["version"]
    return "".join((base | own).values())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split(":", 1)[0])
def test_every_example_fits_into_a_policy(example: str) -> None:
    assert load_policy(within_a_policy(example)).id == "beijing-district"


def test_an_example_with_a_mistake_would_be_found() -> None:
    with pytest.raises(PolicyError, match=r"ranking\.tie: there is no such key"):
        load_policy(within_a_policy("ranking: {tie: shared, bottom: 5, minimum_sample: 10}\n"))


def test_every_key_has_a_section_of_its_own() -> None:
    sections = re.findall(r"^### (\w+)$", GUIDE, flags=re.MULTILINE)
    assert sections == [*Header.model_fields, *Rules.model_fields]


def test_every_key_of_every_part_is_told() -> None:
    found = {
        field.alias or name
        for model in models(Header) | models(Rules)
        for name, field in model.model_fields.items()
    }
    assert len(found) > 60
    assert {
        key for key in found if not re.search(rf"[`{{\s]{key}([`:]|$)", GUIDE, re.MULTILINE)
    } == set()


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The model and all that its fields hold."""
    found = {model}
    for field in model.model_fields.values():
        for inner in held(field.annotation):
            found |= models(inner)
    return found


def held(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    for inner in get_args(annotation):
        yield from held(inner)
