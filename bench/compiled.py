"""The project with compiled rules (decision record 0005), in a directory of its own."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]


def missing() -> str | None:
    """What is missing to compile here; None if nothing is."""
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    compiler = shlex.split(command)[0]
    if shutil.which(compiler) is None:
        return f"no C compiler ({compiler})"
    return None if find_spec("hatch_mypyc") else "hatch-mypyc is not installed"


def build_tree(directory: Path) -> Path:
    """Build source archive and wheel as `make wheel` does, and lay both out as one tree.

    The tree holds all sources, tests too, and beside them the compiled modules of the wheel, which
    Python prefers. To import from it, it must come first on the path.

    Raises:
        RuntimeError: the build failed, with its output.
    """
    _build("hatchling", "build", "-t", "sdist", "-d", str(directory))
    (archive,) = directory.glob("*.tar.gz")
    _build(
        "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--no-build-isolation", "--wheel-dir", str(directory), str(archive),
    )  # fmt: skip
    (wheel,) = directory.glob("*.whl")
    tree = directory / archive.name.removesuffix(".tar.gz")
    shutil.unpack_archive(archive, directory, filter="data")
    shutil.unpack_archive(wheel, tree, "zip")
    return tree


def measured(module: str, *arguments: str) -> Any:
    """What a module of ours writes as JSON when it is run with compiled rules.

    Raises:
        RuntimeError: it failed, with its output.
    """
    with TemporaryDirectory() as directory:
        done = run_in(build_tree(Path(directory)), "-m", module, *arguments)
    if done.returncode:
        raise RuntimeError(done.stdout)
    return json.loads(done.stdout)


def run_in(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the modules of a tree and of nothing else of ours; both outputs as one text."""
    # What the whole suite must use (a broker) is not asked of the part of it that runs here.
    environ = {name: value for name, value in os.environ.items() if name != "HOTLINE_REQUIRE_KAFKA"}
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=tree,
        env={**environ, "PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _build(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, "HATCH_BUILD_HOOK_ENABLE_MYPYC": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout)
