"""Reading a mapping file, so that every complaint names its line."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from services.ingest.importing.mapping import Mapping, Place, misfits

_SHIPPED = files("services.ingest") / "mappings"


class MappingError(ValueError):
    """A mapping that cannot be used; the text names file, line and key."""


class LoadedMapping(NamedTuple):
    """A mapping, the name people know it by, and the line of each of its keys."""

    name: str
    mapping: Mapping
    lines: dict[Place, int]

    def where(self, place: Place) -> str:
        """Name a place of the file, such as "boston-311.yaml line 12 (events.0.time)"."""
        return _where(self.name, self.lines, place)


def shipped() -> list[str]:
    """Names of the mappings that come with the service."""
    names = (entry.name for entry in _SHIPPED.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def find_mapping(name_or_path: str) -> LoadedMapping:
    """Load a shipped mapping by name, or a file of one's own by path.

    Raises:
        MappingError: there is none, or it cannot be used.
    """
    if name_or_path in shipped():
        text = (_SHIPPED / f"{name_or_path}.yaml").read_text("utf-8")
        return load_mapping(text, f"{name_or_path}.yaml")
    path = Path(name_or_path)
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise MappingError(
            f"{path.name}: not UTF-8; save the mapping as UTF-8. 映射文件不是 UTF-8 编码。"
        ) from None
    except OSError as error:
        raise MappingError(
            f"no mapping at {name_or_path} ({error.strerror}). Write the path of a YAML file, "
            f"or the name of a shipped mapping: {', '.join(shipped())}. 没有这个映射。"
        ) from None
    return load_mapping(text, path.name)


def load_mapping(text: str, name: str) -> LoadedMapping:
    """Read a mapping.

    Raises:
        MappingError: listing every complaint with its line.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MappingError(f"{name} line {line}: not YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise MappingError(f"{name}: not YAML") from None
    if not isinstance(raw, dict) or root is None:
        raise MappingError(f"{name}: a mapping is a list of keys, such as source: urn:my:city")
    lines: dict[Place, int] = {}
    complaints = [f"{name} line {line}: the key stands twice" for line in _index(root, (), lines)]
    try:
        mapping = Mapping.model_validate(raw)
    except ValidationError as error:
        complaints += [
            f"{_where(name, lines, problem['loc'])}: {_sentence(problem)}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise MappingError("\n".join(complaints)) from None
    complaints += [f"{_where(name, lines, place)}: {why}" for place, why in misfits(mapping)]
    if complaints:
        raise MappingError("\n".join(complaints))
    return LoadedMapping(name, mapping, lines)


def _where(name: str, lines: dict[Place, int], place: Place) -> str:
    known = place
    while known not in lines:
        known = known[:-1]
    key = ".".join(str(part) for part in place)
    return f"{name} line {lines[known]}" + (f" ({key})" if key else "")


def _sentence(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "no such key in a mapping"
    if problem["type"] == "missing":
        return "this key is missing"
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    if problem["type"] == "string_type":
        return "not a text; YAML reads yes, no, null and numbers as other things: quote it"
    return str(problem["msg"])


def _index(node: yaml.Node, place: Place, lines: dict[Place, int]) -> list[int]:
    """Note the line of each key; give the lines of keys that stand twice."""
    lines.setdefault(place, node.start_mark.line + 1)
    twice: list[int] = []
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*place, str(key.value))
            line = key.start_mark.line + 1
            if below in lines:
                twice.append(line)
            lines[below] = line
            twice += _index(value, below, lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            twice += _index(item, (*place, number), lines)
    return twice
