"""Runs a command and ends it when its parent goes, however the parent goes.

``python -I -S guardian.py COMMAND...`` with a pipe as standard input, whose other end only the
parent holds: the kernel closes it even after ``kill -9``, so no broker is ever left behind. The
first line of standard output is the command's process id; what the command writes goes to
standard error. Imports nothing of ours, so that it starts in milliseconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

GRACE_SECONDS = 5


def _end_with_parent(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    child.terminate()
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


def main() -> None:
    """Run until the command has ended; exit with its code."""
    try:
        child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=2)
    except OSError as error:
        sys.exit(f"cannot be started: {error.strerror}")
    os.write(1, b"%d\n" % child.pid)
    threading.Thread(target=_end_with_parent, args=(child,), daemon=True).start()
    os._exit(child.wait() & 0xFF)


if __name__ == "__main__":
    main()
