"""What a command may answer instead of doing its work: one sentence for a person, exit code 1."""

from __future__ import annotations

from typing import Final

from services.cli.local_broker import BrokerError
from services.cli.topics import TopicError
from services.domain.policy import PolicyError
from services.domain.registry import RegistryError
from services.settings import SettingsError
from services.storage.errors import StorageError, StorageUnavailable


class CommandError(RuntimeError):
    """The command cannot do, or go on with, its work. The text says why and how to mend it."""


EXPECTED: Final = (
    CommandError,
    BrokerError,
    TopicError,
    PolicyError,
    RegistryError,
    SettingsError,
    StorageError,
    StorageUnavailable,
)
