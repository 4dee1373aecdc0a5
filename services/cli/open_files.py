"""How many files and connections this process may have open."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

_ENOUGH: Final = 65_536


def allow_open_files() -> None:
    """Raise the soft limit to the hard one, to 65 536 at most.

    A shell's usual 1 024 would end at some 900 listeners of `/v1/stream`, since the engine keeps
    files open too. Where the system refuses, the process runs with what it has.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = _ENOUGH if hard == unlimited else min(hard, _ENOUGH)
    if soft != unlimited and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
