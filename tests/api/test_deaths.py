"""The web server is killed while it serves a phone: the state is that of before or of after (P15)."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from dispatch.access.rules import Role
from dispatch.simulation.phone import PhoneClient
from dispatch.simulation.phone_answers import NothingDecided
from dispatch.simulation.photos import a_photo
from tests.api.company import NORTH, Company
from tests.api.in_the_field import Login, a_part, a_visit, asked, results, work
from tests.api.live import CRASH_POINTS, Dying

DONE = 11
"""Operations of a visit with a photograph."""
MOST_TRIES = 12


def written() -> tuple[int, ...]:
    """How many operations, steps, parts, payments and files the server holds."""
    tables = ("sync_operation", "visit_event where op_id is not null", "part_use", "payment", "declared_file")
    return tuple(asked(f"select count(*) from {table}")[0][0] for table in tables)


@pytest.mark.kill
def test_a_server_killed_at_each_crash_point_leaves_before_or_after_and_the_phone_goes_on(
    company: Company, dying: Dying, tmp_path: Path
) -> None:
    """Row 17: kill -9 at every point of push and upload; nothing in between, nothing lost, nothing twice."""
    login = Login(company.user(Role.TECHNICIAN, NORTH))
    phone = PhoneClient(dying.address, login, tmp_path / "phone.sqlite", patience_seconds=0)
    phone.sign_in()
    visit_id, sku = a_visit(company), a_part()
    phone.pull()
    phone.attach(visit_id, a_photo(random.Random(17)), "image/jpeg", purpose="before")
    work(phone, visit_id, sku)
    seen, whole = [], (DONE, 5, 1, 1, 1)
    for _ in range(MOST_TRIES):
        deaths = dying.died_at()
        with suppress(NothingDecided):
            phone.push()
            phone.send_files()
            phone.pull()
        if dying.died_at() == deaths:
            break
        seen.append(written())
        assert seen[-1] in {(0, 0, 0, 0, 0), whole}, dying.died_at() - deaths
    assert dying.died_at() == set(CRASH_POINTS)
    assert seen == [(0, 0, 0, 0, 0)] * 2 + [whole] * 2
    assert results(phone) == ["applied"] * DONE
    assert phone.store.files_to_send() == []
    assert written() == whole
    assert asked("select count(*), count(attachment_id) from declared_file") == [(1, 1)]
    assert [visit["state"] for visit in phone.visits()] == ["verified"]
    phone.close()
