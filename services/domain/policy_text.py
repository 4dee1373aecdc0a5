"""From the text of a policy to checked documents; every mistake is named by line and path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, NamedTuple

import yaml
from pydantic import ValidationError

from schemas.policy.document import Header, Path, Rules, contradictions

_HEADER_KEYS: Final = frozenset(Header.model_fields)
_VERSIONS: Final = "versions"
_DATED: Final = ("version", "effective")


class PolicyError(ValueError):
    """The text is no policy. One line of the message for each mistake: ``line 12, path: why``."""


class Document(NamedTuple):
    """A checked policy: ``versions`` in their order of time, none overlapping another."""

    header: Header
    versions: tuple[Rules, ...]


class Span(NamedTuple):
    """Where a value stands in the text: [start, end) in characters."""

    start: int
    end: int


def read_document(text: str) -> tuple[Document, Text]:
    """Check a policy; also returns its text, to name the lines of what is found later.

    Raises:
        PolicyError: naming line and path of every mistake.
    """
    source = Text(text)
    raw = source.value()
    if not isinstance(raw, dict):
        raise source.error([((), "a policy is a mapping of keys")])
    mistakes: list[tuple[Path, str]] = []
    header = _header(raw, mistakes)
    versions = _versions(raw, mistakes)
    if mistakes or header is None:
        raise source.error(mistakes)
    for rules, locate in versions:
        mistakes += [(locate(path), why) for path, why in contradictions(header, rules)]
    mistakes += _overlaps([rules for rules, _ in versions])
    if mistakes:
        raise source.error(mistakes)
    return Document(header, tuple(rules for rules, _ in versions)), source


class Text:
    """A YAML text whose values know their lines."""

    def __init__(self, text: str) -> None:
        self._root = _compose(text)

    def value(self) -> Any:
        """The plain value. Aliases, merges and repeated keys have no place in a policy."""
        _check(self._root, set())
        loader = _Loader("")
        try:
            return loader.construct_document(self._root)
        except yaml.YAMLError as error:
            why = getattr(error, "note", None) or "not valid YAML"
            raise PolicyError(f"{_line_of(error)}{why}") from None
        finally:
            loader.dispose()

    def span(self, key: str) -> Span | None:
        """Where the value of a key at the top stands."""
        found = _child(self._root, key)
        return found and Span(found[1].start_mark.index, found[1].end_mark.index)

    def error(self, mistakes: list[tuple[Path, str]]) -> PolicyError:
        """Name the line of every mistake, once."""
        lines = dict.fromkeys(self.where(path) + why for path, why in mistakes)
        return PolicyError("\n".join(lines))

    def where(self, path: Path) -> str:
        """``line 12, indicators.response.source: `` — the deepest place of the path that is there."""
        node, line, steps = self._root, self._root.start_mark.line, []
        for step in path:
            found = _child(node, step)
            if found is None:
                if isinstance(node, yaml.MappingNode) and not _is_branch(step):
                    steps.append(str(step))
                continue
            line, node = found
            steps.append(str(step))
        return f"line {line + 1}, {'.'.join(steps)}: " if steps else f"line {line + 1}: "


def _header(raw: Mapping[str, Any], mistakes: list[tuple[Path, str]]) -> Header | None:
    try:
        return Header.model_validate({k: v for k, v in raw.items() if k in _HEADER_KEYS})
    except ValidationError as error:
        mistakes += [(found["loc"], _reason(found)) for found in error.errors()]
        return None


class _Locator(NamedTuple):
    """Where a key of one version stands: in its own entry, or at the top."""

    prefix: Path
    own: frozenset[str]

    def __call__(self, path: Path) -> Path:
        return (*self.prefix, *path) if not path or path[0] in self.own else path


def _versions(
    raw: Mapping[str, Any], mistakes: list[tuple[Path, str]]
) -> list[tuple[Rules, _Locator]]:
    base = {k: v for k, v in raw.items() if k not in _HEADER_KEYS and k != _VERSIONS}
    if _VERSIONS not in raw:
        return _checked(base, _Locator((), frozenset()), mistakes)
    entries = raw[_VERSIONS]
    if not isinstance(entries, list) or not entries:
        mistakes.append(((_VERSIONS,), "a list of versions"))
        return []
    mistakes += [((key,), "belongs to each of the versions") for key in _DATED if key in base]
    found: list[tuple[Rules, _Locator]] = []
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict):
            mistakes.append(((_VERSIONS, place), "a version is a mapping of keys"))
            continue
        common = {k: v for k, v in base.items() if k not in _DATED}
        locate = _Locator((_VERSIONS, place), frozenset({*entry, *_DATED}))
        found += _checked({**common, **entry}, locate, mistakes)
    return found


def _checked(
    raw: Mapping[str, Any], locate: _Locator, mistakes: list[tuple[Path, str]]
) -> list[tuple[Rules, _Locator]]:
    try:
        return [(Rules.model_validate(raw), locate)]
    except ValidationError as error:
        mistakes += [(locate(found["loc"]), _reason(found)) for found in error.errors()]
        return []


def _overlaps(versions: list[Rules]) -> Iterator[tuple[Path, str]]:
    """Each version begins after the one before it, and no earlier than that one's end."""
    names = [rules.version for rules in versions]
    for place, (before, rules) in enumerate(pairwise(versions), start=1):
        path: Path = (_VERSIONS, place, "effective")
        if rules.version in names[:place]:
            yield (_VERSIONS, place, "version"), "is the name of an earlier version, too"
        begins, ended = rules.effective.from_, before.effective.to
        if begins is None:
            yield path, "only the first version may begin without a day (from)"
        elif begins <= (before.effective.from_ or date.min):
            yield path, "begins no later than the version before it"
        elif ended is not None and ended > begins:
            yield path, "overlaps the version before it"


class _Loader(yaml.SafeLoader):
    """Reads ``yes`` and ``no`` as texts: they are answers here, and a policy holds no booleans.

    Numbers with a point are read as Decimal, exactly as they are written.
    """

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Read one value; what looks like a date or a number and is none is named by its line."""
        try:
            return super().construct_object(node, deep)
        except ValueError:
            raise yaml.MarkedYAMLError(
                problem_mark=node.start_mark, note="no date of the calendar, or no such number"
            ) from None


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> object:
    text = loader.construct_scalar(node)
    try:
        return Decimal(str(text).replace("_", ""))
    except ArithmeticError:
        return text  # .inf, .nan, 1:30.5: no number in a policy


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_MERGE: Final = "tag:yaml.org,2002:merge"


def _compose(text: str) -> yaml.Node:
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise PolicyError(f"{_line_of(error)}not valid YAML{_hint(error)}") from None
    except RecursionError:
        raise PolicyError("line 1: nested too deeply") from None
    if node is None:
        raise PolicyError("line 1: the policy is empty")
    return node


def _line_of(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: " if mark else ""


def _hint(error: yaml.YAMLError) -> str:
    """What to look for; the parser's own words may quote the text."""
    problem = str(getattr(error, "problem", ""))
    return next((hint for sign, hint in _HINTS.items() if sign in problem), "")


_HINTS: Final[Mapping[str, str]] = {
    "\\t": ": lines begin with spaces, not with a tab",
    "another document": ": there is one document, without a line ---",
    "mapping values": ": a second colon on a line, or a line indented otherwise than its neighbours",
    "expected ':'": ": a key is followed by a colon and a space",
    "block end": ": a line indented otherwise than its neighbours, or a bracket too many",
    "expected ','": ": a bracket or a comma is missing",
    "cannot start": ": a value that begins with this sign goes in quotes",
}


def _check(node: yaml.Node, seen: set[int]) -> None:
    line = node.start_mark.line + 1
    if id(node) in seen:
        raise PolicyError(f"line {line}: anchors and aliases are not allowed")
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check(item, seen)
    elif isinstance(node, yaml.MappingNode):
        names = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                raise PolicyError(f"line {line}: a key must be a word")
            if key.value in names:
                raise PolicyError(f"line {line}: the key {key.value} is there twice")
            names.add(key.value)
            _check(value, seen)


def _is_branch(step: int | str) -> bool:
    """Whether pydantic put a step into the path that the text does not have: a union's branch."""
    return isinstance(step, str) and ("[" in step or step in _TYPES)


_TYPES: Final = frozenset({"str", "int", "date", "Duration", "WallClock", "WorkingDays"})


def _child(node: yaml.Node, step: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item.start_mark.line, item
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line, value
    return None


def _reason(found: Any) -> str:
    return _REASONS.get(found["type"]) or str(found["msg"]).removeprefix("Value error, ")


# Mistakes that people make, by their type; the others are told as they are found.
_REASONS: Final[Mapping[str, str]] = {
    "extra_forbidden": "there is no such key",
    "missing": "is missing",
    "string_type": "a text is needed; what looks like a number or a date goes in quotes",
    "string_pattern_mismatch": "a code is needed: a to z, digits, - and _, with a letter first",
    "int_type": "a whole number is needed",
    "is_instance_of": "a number is needed, without quotes",
    "list_type": "a list is needed, such as [a, b]",
    "dict_type": "keys with their values are needed",
    "model_type": "keys with their values are needed",
    "too_short": "there are too few entries",
}
