from __future__ import annotations

import crc32c
from kafka.record import util


def test_checksums_are_computed_in_c() -> None:
    """In Python they cost more than all the rest of the gateway together."""
    assert util._crc32c is crc32c.crc32c  # noqa: SLF001
