"""The API against its own description: whatever a generator thinks of gets a described answer (S12)."""

from __future__ import annotations

from zlib import crc32

import pytest
from flask import Flask

from dispatch.access.rules import Role
from tests.api.desk import Desk
from tests.api.generated import findings, served_to

NARROW = (Role.DISPATCHER, Role.TECHNICIAN, Role.FINANCE)


def in_turn(app: Flask, path: str) -> Role | None:
    """The one role of several that an address is tried as, the same at each run."""
    served = [role for role in NARROW if any(path == one for one, _ in served_to(app, role))]
    return served[crc32(path.encode()) % len(served)] if served else None


@pytest.mark.slow
def test_a_generator_finds_no_answer_that_the_description_does_not_tell(
    address: str, desk: Desk, app: Flask
) -> None:
    """S12: no 5xx, nothing undescribed, no broken input accepted, no address open without a token."""
    told = findings(address, desk, app, Role.ADMIN, examples=2, phases=("fuzzing", "stateful"))
    assert told.found == [], "\n".join(told.found)
    assert len(told.served) > 60


@pytest.mark.slow
@pytest.mark.parametrize("role", NARROW)
def test_a_generator_finds_nothing_in_what_a_role_may_call(
    address: str, desk: Desk, app: Flask, role: Role
) -> None:
    """S12: the same as somebody who sees one territory, own visits, or the money; each address as one."""
    told = findings(
        address,
        desk,
        app,
        role,
        examples=2,
        phases=("fuzzing", "stateful"),
        takes=lambda path: in_turn(app, path) is role,
    )
    assert told.found == [], "\n".join(told.found)
    assert told.sent > 60
    assert len(told.served) > 8, told.served
