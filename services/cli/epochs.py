"""Which epoch this start belongs to: positions of two logs must never be mixed up.

The greatest epoch used is in the database (a shard's fence carries it). To which log an epoch
belongs is kept beside it in the data directory, as the id of the topic work-order-events.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from services.cli.errors import CommandError
from services.storage.database import Database

_FILE: Final = "log.json"
_EPOCH_SHIFT: Final = 44  # as in schemas.records.Fence.number


def next_epoch(database: Database) -> int:
    """Return the epoch of a new, empty log: one more than any that was used."""
    return _greatest(database) + 1


def checked_epoch(database: Database, epoch: int, topic_id: str, data_dir: Path) -> int:
    """Return ``epoch`` when it belongs to this log, or is new; remember that it does.

    Args:
        database: of the service.
        epoch: as set.
        topic_id: of work-order-events at the broker; another one is another log.
        data_dir: where it is remembered.

    Raises:
        CommandError: the epoch is older than the stored ones, or was used with another log.
    """
    greatest = _greatest(database)
    file = data_dir / _FILE
    known, wanted = _remembered(file), {"epoch": epoch, "topic": topic_id}
    if epoch < greatest or (epoch == greatest and known != wanted):
        raise CommandError(
            f"The stored results go up to epoch {greatest} of another log: if this topic "
            f"continues them, set HOTLINE_EPOCH={greatest + 1}; if not, choose another data "
            "directory. 日志已更换，请设置新的 HOTLINE_EPOCH 或另选数据目录。"
        )
    if known != wanted:
        # Replaced as a whole: killed in between, the next start still reads one of the two.
        new = file.with_suffix(".new")
        new.write_text(json.dumps(wanted))
        new.replace(file)
    return epoch


def _remembered(file: Path) -> object:
    """What the last start wrote; None when there is nothing, or nothing whole."""
    try:
        return json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _greatest(database: Database) -> int:
    ((greatest,),) = database.query("SELECT max(fence) FROM shard_claims")
    return int(greatest) >> _EPOCH_SHIFT
