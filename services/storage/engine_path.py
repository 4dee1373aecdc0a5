"""One process for one chDB directory: a lock file that the operating system frees at any death."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from services.storage.errors import StorageError

LOCK_NAME: Final = "hotline.lock"


class EnginePath:
    """The exclusive right to a directory, from construction to `release`.

    Raises:
        StorageError: another `Database`, in this or another process, holds the directory, or the
            directory cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = os.open(
                directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
            )
        except OSError as error:
            raise StorageError(
                f"The data directory {directory} cannot be written ({error.strerror}): choose"
                " another one, or give this user the right to write it. 数据目录不可写。"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StorageError(
                f"The data directory {directory} is in use by process {holder}: stop that process,"
                " or choose another directory. Several processes share one engine only through a"
                " ClickHouse server (http://host:8123). 数据目录正被另一进程使用。"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Give the directory free; the file stays."""
        os.close(self._file)
