"""The wheel with compiled rules obeys the same tests as the sources (decision record 0005)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bench.compiled import ROOT, build_tree, missing, run_in

_HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
    "wheel"
]["hooks"]["mypyc"]
_COMPILED = [path.removeprefix("/") for path in _HOOK["include"]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if lack := missing():
        pytest.skip(f"THE COMPILED RULES ARE NOT TESTED: {lack}")
    return build_tree(tmp_path_factory.mktemp("wheel"))


def test_nothing_is_compiled_unless_asked_for() -> None:
    assert _HOOK["enable-by-default"] is False
    assert not [path for path in _COMPILED if list((ROOT / path).parent.glob("*.so"))]


def test_the_modules_that_run_are_the_compiled_ones(tree: Path) -> None:
    names = [path.removesuffix(".py").replace("/", ".") for path in _COMPILED]
    done = run_in(
        tree,
        "-c",
        "import importlib, sys; "
        "print(*(importlib.import_module(name).__file__ for name in sys.argv[1:]), sep='\\n')",
        *names,
    )
    assert done.returncode == 0, done.stdout
    for name, file in zip(names, done.stdout.split(), strict=True):
        assert file.startswith(f"{tree}/{name.replace('.', '/')}.")
        assert not file.endswith(".py")


def test_the_rules_hold(tree: Path) -> None:
    done = run_in(tree, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/unit/domain")
    assert done.returncode == 0, done.stdout


def test_the_oracle_agrees(tree: Path) -> None:
    done = run_in(tree, "-m", "tests.oracle", "--orders", "200")
    assert done.returncode == 0, done.stdout
