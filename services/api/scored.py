"""How a window is scored: by the version in force at its end, which every answer names."""

from __future__ import annotations

from typing import Any, NamedTuple

from services.api.snapshot import Snapshot
from services.domain.policy import Policy, Rules
from services.domain.scorings import Scoring
from services.domain.windows import Window


class Scored(NamedTuple):
    """The version that scores a window, its scoring of one list, and all that the window spans."""

    window: Window
    kind: str
    group: str
    rules: Rules
    scoring: Scoring
    versions: list[str]

    def head(self, snapshot: Snapshot) -> dict[str, Any]:
        """The fields of an answer that say by what it is scored."""
        head = snapshot.head()
        named = head["policy"].model_copy(update={"version": self.rules.version})
        return head | {
            "policy": named,
            "window": snapshot.window_text(self.window),
            "versions": self.versions,
            "basis": self.scoring.basis,
        }


def scored_by(policy: Policy, window: Window, kind: str, group: str) -> Scored:
    """How units of a kind, or of one of its peer groups, are scored in a window."""
    rules = policy.at(window.ends_at - 1)
    spanned = policy.within(window.begins_at, window.ends_at)
    return Scored(
        window,
        kind,
        group,
        rules,
        rules.scorings.of(kind, group),
        list(dict.fromkeys(each.version for each in spanned)),
    )
