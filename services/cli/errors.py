"""What a command may answer instead of doing its work: one sentence for a person, exit code 1."""

from __future__ import annotations

import os
import sys
from typing import Final, NoReturn

from services.cli.local_broker import BrokerError
from services.cli.topics import TopicError
from services.domain.policy import PolicyError
from services.domain.registry import RegistryError
from services.settings import SettingsError
from services.storage.errors import StorageError, StorageUnavailable
from services.web.connection import AddressError


class CommandError(RuntimeError):
    """The command cannot do, or go on with, its work. The text says why and how to mend it."""


EXPECTED: Final = (
    CommandError,
    AddressError,
    BrokerError,
    TopicError,
    PolicyError,
    RegistryError,
    SettingsError,
    StorageError,
    StorageUnavailable,
)


def end_with(error: BaseException) -> NoReturn:
    """Say what went wrong and end the process at once.

    At once, because a thread may still wait for a broker that is gone. Nothing acknowledged is
    lost: it is stored.
    """
    sys.stderr.write(f"hotline: {error}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
