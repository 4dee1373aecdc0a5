"""From the text of a policy to what the rules read: checked, named by line, compiled.

`PolicyDocument` says what may stand in the text. `Policy` holds the same as ints, sets and
tuples, so that evaluating an order looks nothing up twice. The full policy engine (points,
items, working-day calendars, several denominators) grows here and in `outcome`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml
from pydantic import ValidationError

from schemas.instants import DAY, HOUR, Instant
from schemas.policy import Deadline, PolicyDocument


class PolicyError(ValueError):
    """The text is no policy. One line of the message for each mistake: ``line 12, path: why``."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One rate. ``grades`` maps what ``source`` can say to thousandths."""

    code: str
    name_zh: str
    name_en: str
    attribution: str
    source: str
    grades: Mapping[str, int]
    weight: int


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as the rules read it. Equal checksums mean equal results.

    ``assessed_types`` is None when all types are assessed. ``counts_callbacks`` is True when the
    denominators are the valid callbacks, False when they are the settled orders.
    ``weighted`` are the indicators with a weight, which make the score; ``codes`` those of all.
    """

    id: str
    version: str
    name_zh: str
    name_en: str
    checksum: str
    document: str
    time_zone: ZoneInfo
    cycle_start_day: int
    assessed_types: frozenset[str] | None
    basis: str
    attempts: int
    attempt_days: int
    unanswered_leaves: bool
    deadlines: tuple[Deadline, ...]
    counts_callbacks: bool
    indicators: tuple[Indicator, ...]
    weighted: tuple[Indicator, ...]
    codes: tuple[str, ...]
    no_rates: tuple[None, ...]
    decimals: int
    ties: str
    bottom: int
    minimum_sample: int

    def resolve_deadline(
        self, received: Mapping[str, Any], dispatched_at: Instant
    ) -> Instant | None:
        """When an order with this `received` data is due, by the policy's own list."""
        for deadline in self.deadlines:
            match = deadline.match
            if (
                match.urgency in (None, received.get("urgency"))
                and match.channel in (None, received.get("channel"))
                and match.demand_type in (None, received.get("demand_type"))
            ):
                return dispatched_at + deadline.resolve.hours * HOUR + deadline.resolve.days * DAY
        return None


def preset(name: str) -> str:
    """The text of a policy that ships with the project: ``beijing-district`` or ``on-time``.

    Raises:
        PolicyError: there is no such policy.
    """
    known = presets()
    if name not in known:
        raise PolicyError(f"no such policy; there are {', '.join(known)}")
    return (files("schemas") / "policies" / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def presets() -> tuple[str, ...]:
    """The names that `preset` knows."""
    entries = (entry.name for entry in (files("schemas") / "policies").iterdir())
    return tuple(sorted(name[:-5] for name in entries if name.endswith(".yaml")))


def load_policy(text: str, *, time_zone: str | None = None) -> Policy:
    """Read a policy; ``time_zone`` replaces the document's own, in `Policy.document` too.

    Raises:
        PolicyError: naming line and path of every mistake.
    """
    node = _compose(text)
    if time_zone is not None and (own := _child(node, "time_zone")):
        start, end = own[1].start_mark.index, own[1].end_mark.index
        return load_policy(f"{text[:start]}{json.dumps(time_zone)}{text[end:]}")
    raw = _construct(node)
    try:
        document = PolicyDocument.model_validate(raw)
    except ValidationError as error:
        raise PolicyError(
            "\n".join(_where(node, found["loc"]) + _reason(found) for found in error.errors())
        ) from None
    return _compile(document, text)


def _compile(document: PolicyDocument, text: str) -> Policy:
    indicators = tuple(
        Indicator(
            code=code,
            name_zh=indicator.names.zh,
            name_en=indicator.names.en,
            attribution=indicator.attribution,
            source=indicator.numerator.source,
            grades=dict(indicator.numerator.grades),
            weight=document.score.weights.get(code, 0),
        )
        for code, indicator in document.indicators.items()
    )
    denominators = {indicator.denominator for indicator in document.indicators.values()}
    types = document.assessed_types
    return Policy(
        id=document.id,
        version=document.version,
        name_zh=document.names.zh,
        name_en=document.names.en,
        checksum=hashlib.sha256(document.model_dump_json().encode()).hexdigest(),
        document=text,
        time_zone=ZoneInfo(document.time_zone),
        cycle_start_day=document.cycle.start_day,
        assessed_types=None if types == "all" else frozenset(types),
        basis=document.callbacks.basis,
        attempts=document.callbacks.attempts,
        attempt_days=document.callbacks.days,
        unanswered_leaves=document.callbacks.unanswered == "leaves",
        deadlines=tuple(document.deadlines),
        counts_callbacks=denominators == {"valid_callbacks"},
        indicators=indicators,
        weighted=tuple(indicator for indicator in indicators if indicator.weight),
        codes=tuple(indicator.code for indicator in indicators),
        no_rates=(None,) * len(indicators),
        decimals=document.score.decimals,
        ties=document.ranking.ties,
        bottom=document.ranking.bottom,
        minimum_sample=document.ranking.minimum_sample,
    )


class _Loader(yaml.SafeLoader):
    """Reads ``yes`` and ``no`` as texts: they are answers here, and a policy holds no booleans."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_MERGE: Final = "tag:yaml.org,2002:merge"


def _compose(text: str) -> yaml.Node:
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise PolicyError(f"{line}not valid YAML") from None
    if node is None:
        raise PolicyError("line 1: the policy is empty")
    return node


def _construct(node: yaml.Node) -> Any:
    """The plain value of a node. Aliases, merges and repeated keys have no place in a policy."""
    _check(node, set())
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise PolicyError(f"{line}not valid YAML") from None
    finally:
        loader.dispose()


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


def _where(root: yaml.Node, path: tuple[int | str, ...]) -> str:
    """``line 12, indicators.response.source: `` — the deepest place of the path in the text."""
    node, line, steps = root, root.start_mark.line, []
    for step in path:
        found = _child(node, step)
        if found is None:
            if isinstance(node, yaml.MappingNode) and step not in _UNION_TAGS:
                steps.append(str(step))
            continue
        line, node = found
        steps.append(str(step))
    return f"line {line + 1}, {'.'.join(steps)}: " if steps else f"line {line + 1}: "


# pydantic puts the name of the union's branch into the path; the text has no such step.
_UNION_TAGS: Final = frozenset({"literal['all']", "list[literal]"})


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
    if found["type"] == "extra_forbidden":
        return "there is no such key"
    if found["type"] == "missing":
        return "is missing"
    return str(found["msg"]).removeprefix("Value error, ")
