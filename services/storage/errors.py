"""What a caller of the storage room may have to handle.

Exception hierarchy::

    Exception
    ├── StorageUnavailable   the engine cannot answer now: wait and do the same again
    └── StorageError         the call is wrong and stays wrong: a bug, or a damaged set-up
        └── MigrationError   database and program disagree about the tables
"""

from __future__ import annotations

from typing import Final


class StorageUnavailable(Exception):  # noqa: N818  (a state of the engine, not a mistake)
    """The engine cannot answer now; every call is safe to repeat."""


class StorageError(Exception):
    """The engine refused for a reason that repeating does not mend."""


class MigrationError(StorageError):
    """Database and program disagree about the tables."""


# ClickHouse error codes that name a passing state of the server, not a mistake in the statement.
TRANSIENT_CODES: Final = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        164,  # READONLY (a replica that starts)
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        216,  # QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING (the first attempt still runs)
        225,  # NO_ZOOKEEPER
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        286,  # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
        289,  # REPLICA_IS_NOT_IN_QUORUM
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        439,  # CANNOT_SCHEDULE_TASK
        473,  # DEADLOCK_AVOIDED
        519,  # ALL_REPLICAS_LOST
        999,  # KEEPER_EXCEPTION
    }
)
