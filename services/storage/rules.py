"""The policies that count now, read from the database and compiled once each."""

from __future__ import annotations

import logging
import threading
from typing import NamedTuple

from services.domain.policy import Policy, PolicyError, load_policy
from services.storage import rulesets
from services.storage.database import Database

logger = logging.getLogger(__name__)


class NoRulesError(RuntimeError):
    """No policy was ever activated in this database, or none that this program can read."""


class ActivePolicy(NamedTuple):
    """A policy under its number. Never one without the other: answers name both."""

    ruleset: int
    policy: Policy


class InForce(NamedTuple):
    """``current`` is what readers answer under; ``newest`` is being built, or the same."""

    current: ActivePolicy
    newest: ActivePolicy


class RuleBook:
    """Reads rules for one process. Safe to share between threads.

    A document that this program cannot read was written for another version of it. As the newest
    one it is left to processes that can; as the current one it gives way to the newest.
    """

    def __init__(self, database: Database, partitions: int) -> None:
        self._database = database
        self._partitions = partitions
        self._compiled: dict[int, Policy | None] = {}
        self._lock = threading.Lock()
        self._last: InForce | None = None

    @property
    def last(self) -> InForce:
        """What `read` gave last; it was called once."""
        if self._last is None:
            raise NoRulesError("no policy was read yet")
        return self._last

    def read(self) -> InForce:
        """Ask the database (blocking).

        Raises:
            NoRulesError: see the class.
            StorageUnavailable: ask again.
        """
        numbers = rulesets.numbers(self._database, self._partitions)
        if numbers is None:
            raise NoRulesError("no policy is in force")
        newest = self.get(numbers.newest)
        current = self.get(numbers.current) or newest
        if current is None:
            raise NoRulesError("the policy in force cannot be read by this version of the program")
        return self._take(InForce(current, newest or current))

    def get(self, ruleset: int) -> ActivePolicy | None:
        """One policy by number; None if it cannot be read."""
        with self._lock:
            if ruleset not in self._compiled:
                stored = rulesets.get(self._database, ruleset)
                if stored is None:
                    return None
                self._compiled[ruleset] = self._compile(stored)
            policy = self._compiled[ruleset]
        return None if policy is None else ActivePolicy(ruleset, policy)

    def _take(self, found: InForce) -> InForce:
        """Keep the later of two answers: threads may get theirs in another order."""
        with self._lock:
            last = self._last
            if last is None or _numbers(found) > _numbers(last):
                self._last = last = found
            return last

    @staticmethod
    def _compile(stored: rulesets.Ruleset) -> Policy | None:
        try:
            return load_policy(stored.document)
        except PolicyError:
            logger.error("this program cannot read the policy of ruleset %d", stored.ruleset)  # noqa: TRY400
            return None


def _numbers(rules: InForce) -> tuple[int, int]:
    return rules.newest.ruleset, rules.current.ruleset
