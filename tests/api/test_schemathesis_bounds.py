"""The API against its own description: every value at its bounds gets a described answer (S12)."""

from __future__ import annotations

import os
from zlib import crc32

import pytest
from flask import Flask

from dispatch.access.rules import Role
from tests.api.desk import Desk
from tests.api.generated import findings

SHARE = int(os.environ.get("TRUCKROLL_BOUNDS_SHARE", "12"))
"""One in so many addresses is tried; all of them take longer than a run of all tests may."""


def is_tried(path: str) -> bool:
    """The same addresses at each run."""
    return crc32(path.encode()) % SHARE == 0


@pytest.mark.slow
def test_a_share_of_the_addresses_is_tried_with_every_value_at_its_bounds(
    address: str, desk: Desk, app: Flask
) -> None:
    """S12."""
    told = findings(address, desk, app, Role.ADMIN, examples=1, phases=("coverage",), takes=is_tried)
    assert told.found == [], "\n".join(told.found)
    assert told.sent > 250
