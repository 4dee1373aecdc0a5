"""How two policies differ: by version and path, and whether orders count otherwise.

Policies are compared as they are understood: a key that is left out is equal to one that says the
default.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from schemas.instants import FOREVER, Instant
from services.domain.policy import Policy, Rules

Kind = Literal["added", "removed", "changed"]


class Change(NamedTuple):
    """One difference. ``version`` is "" for what all versions share.

    ``path`` is that of the key, as ``score.weights.response``; before and after are JSON texts,
    None where the key is not there.
    """

    kind: Kind
    version: str
    path: str
    before: str | None
    after: str | None


def differences(before: Policy, after: Policy) -> list[Change]:
    """Everything that differs, in the order of the document. Texts and comments do not count.

    Versions of one name are compared with each other; where both policies have but one, these.
    """
    found = list(_changes("", "", _plain(before.header), _plain(after.header)))
    old, new = _written(before), _written(after)
    if len(old) == len(new) == 1:
        ((_, only),), ((name, other),) = old.items(), new.items()
        return found + list(_changes(name, "", only, other))
    for name in [*old, *(name for name in new if name not in old)]:
        if name in old and name in new:
            found += _changes(name, "", old[name], new[name])
        elif name in new:
            found.append(Change("added", name, "", None, _json(new[name])))
        else:
            found.append(Change("removed", name, "", _json(old[name]), None))
    return found


def counts_alike(before: Policy, after: Policy, until: Instant = FOREVER) -> bool:
    """Whether all orders add the same to everything that is attributed to times before ``until``.

    They do where the two differ only in what happens after counting: scores, rankings, names; or
    in versions that begin later. A False may be too careful, a True never is.
    """
    return _counting(before, until) == _counting(after, until)


# What `services.domain.outcome` never reads.
_AFTER_COUNTING = frozenset(
    {
        "version", "effective", "appeals", "score", "ranking", "rankings", "classes", "annual",
        "alerts",
    }
)  # fmt: skip


def _counting(policy: Policy, until: Instant) -> list[Any]:
    """What decides how orders count, and from when on; a version that changes none of it is none.

    Earlier versions have a part in it, too: what one of them counts no later one counts again.
    """
    found: list[Any] = []
    for rules in policy.versions:
        content = _content(policy, rules)
        if rules.begins_at < until and (not found or found[-1][1] != content):
            found.append((rules.begins_at, content))
    return found


def _content(policy: Policy, rules: Rules) -> Any:
    document = rules.document.model_dump(mode="json", exclude=set(_AFTER_COUNTING))
    indicators = {
        code: {key: value for key, value in found.items() if key not in {"names", "floor"}}
        for code, found in document.pop("indicators").items()
        if found["parts"] is None
    }
    return (
        policy.time_zone.key,
        policy.header.unit_groups,
        policy.working_days.fingerprint(),
        document,
        list(indicators.items()),  # `all_of` and exclusions go by their order
        rules.assessed_types,  # of a time without a version, none
        # The best of several callbacks is found by the weights of the score.
        rules.weighed if rules.document.callbacks.basis == "best" else (),
    )


def _written(policy: Policy) -> dict[str, Any]:
    """The versions that stand in the document; a time without one is none."""
    documents = {id(rules.document): rules.document for rules in policy.versions}
    return {document.version: _plain(document) for document in documents.values()}


def _plain(part: BaseModel) -> Any:
    return part.model_dump(by_alias=True, exclude_none=True)


def _changes(version: str, path: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            inner = f"{path}.{key}" if path else str(key)
            yield from _one(version, inner, before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _entries(version, path, before, after)
    else:
        yield Change("changed", version, path, _json(before), _json(after))


def _entries(
    version: str, path: str, before: Sequence[Any], after: Sequence[Any]
) -> Iterator[Change]:
    """Changes of a list. An entry put in or taken out does not change those behind it."""
    matcher = SequenceMatcher(
        None, [_json(entry) for entry in before], [_json(entry) for entry in after], autojunk=False
    )
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        if tag != "equal":
            old = enumerate(before[first:last], first)
            new = enumerate(after[new_first:new_last], new_first)
            for left, right in zip_longest(old, new):
                place, _ = right or left
                inner = f"{path}.{place}"
                yield from _one(version, inner, left and left[1], right and right[1])


def _one(version: str, path: str, before: Any, after: Any) -> Iterator[Change]:
    if before is None:
        yield Change("added", version, path, None, _json(after))
    elif after is None:
        yield Change("removed", version, path, _json(before), None)
    else:
        yield from _changes(version, path, before, after)


def _json(value: Any) -> str:
    """JSON with decimals as they are written."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_json(str(k))}: {_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value.isoformat() if isinstance(value, date) else value, ensure_ascii=False)
