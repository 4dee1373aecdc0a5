"""A server may have as many connections as the system lets it."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from services.cli.open_files import allow_open_files

SHELL = 1024


@pytest.fixture(autouse=True)
def hard() -> Iterator[int]:
    """The hard limit; the soft one is put back afterwards."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_soft_limit_is_raised_and_the_hard_one_stays(hard: int) -> None:
    if hard != resource.RLIM_INFINITY and hard <= SHELL:
        pytest.skip("this system allows no more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (SHELL, hard))
    allow_open_files()
    soft, after = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert (soft > SHELL, after) == (True, hard)


def test_a_limit_that_is_high_enough_is_left_alone() -> None:
    allow_open_files()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_open_files()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
