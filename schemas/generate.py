"""``python -m schemas.generate``: write what is generated; ``--check`` only compares.

Run from anywhere; files lie in the repository that holds this package.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from schemas.documents import documents

_ROOT: Final = Path(__file__).parent.parent


def drifted(root: Path = _ROOT) -> list[str]:
    """Paths of generated files that are absent or differ from what the models say."""
    expected = documents()
    stale = {str(path.relative_to(root)) for path in (root / "schemas/json").glob("*.json")}
    wrong = {
        path
        for path, text in expected.items()
        if not (root / path).is_file() or (root / path).read_text("utf-8") != text
    }
    return sorted(wrong | stale - expected.keys())


def main(arguments: list[str]) -> int:
    """Write the files, or with --check name those that drifted. Returns the exit status."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m schemas.generate [--check]\n")
        return 2
    wrong = drifted()
    if arguments:
        for path in wrong:
            sys.stderr.write(f"{path} differs from the models: run python -m schemas.generate\n")
        return 1 if wrong else 0
    expected = documents()
    for path in wrong:
        if path not in expected:
            (_ROOT / path).unlink()
            continue
        (_ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (_ROOT / path).write_text(expected[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
