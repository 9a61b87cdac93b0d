"""Files and database are compared both ways every night (reliability §2.6: orphan sweep both ways daily)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from dispatch import clock, db, outbox
from dispatch.access.model import AuditEntry
from dispatch.bootstrap import JOBS, SUBSCRIPTIONS
from dispatch.doctor import examine
from dispatch.doctor.damage import damage_found
from dispatch.doctor.orphans import FEW, SHARE, YOUNG, remind_of_gone
from dispatch.outbox import JobRun, Schedule
from dispatch.promises.reminding import open_reminders
from dispatch.settings import Settings
from dispatch.work_orders.attachments import keep_bytes
from dispatch.work_orders.model import Attachment
from tests.builders import a_visit, at
from tests.dispatch.test_damage import a_file


@dataclass
class Nights:
    """A directory of attachments, and the job that looks at it."""

    directory: Path
    visit_id: Any
    territory_id: Any
    number: int = 0

    def kept(self, content: bytes) -> Path:
        """A file with its row, as old as a photograph of last week."""
        with db.transaction() as session:
            name = a_file(session, self.directory, self.visit_id, content)
        return aged(self.directory / name)

    def left(self, *, days: float = 2) -> Path:
        """A file that nothing points to: its row was rolled back."""
        name, _ = keep_bytes(self.directory, b"left behind", "image/jpeg")
        return aged(self.directory / name, days)

    def night(self) -> dict[str, Any]:
        """One run of the job."""
        self.number += 1
        clock.set_source(lambda: at(1, days=self.number))
        with db.transaction() as session:
            run_id = outbox.request(session, "doctor.look_at_files", key=f"night {self.number}", payload={})
        outbox.perform(str(run_id))
        with db.transaction() as session:
            run = session.get_one(JobRun, run_id)
            assert run.state == "done", run.error
            return dict(run.result or {})

    def reminders(self) -> list[tuple[str, str]]:
        """What the administrators are reminded of."""
        with db.transaction() as session:
            found = open_reminders(session, self.territory_id)
            return [(row.role, row.subject) for row in found if row.kind == "file_gone"]

    def alerts(self) -> list[str]:
        """Codes of the alerts in the trail of access, the oldest first."""
        with db.transaction() as session:
            found = select(AuditEntry).where(AuditEntry.outcome == "alert").order_by(AuditEntry.id)
            return [row.detail["code"] for row in session.scalars(found)]

    def doctor(self) -> set[str]:
        """Codes that the quick doctor says."""
        with db.transaction() as session:
            return {one.code for one in examine(session)}


def aged(path: Path, days: float = 7) -> Path:
    """A file that was written so long ago."""
    moment = time.time() - days * 86_400
    os.utime(path, (moment, moment))
    return path


@pytest.fixture
def nights(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nights]:
    """An installation of its own with a visit."""
    monkeypatch.setenv("TRUCKROLL_HOME", str(tmp_path))
    engine = db.connect(database_url)
    db.configure(db.sessions(engine))
    outbox.register(JOBS, SUBSCRIPTIONS)
    with db.transaction() as session:
        visit = a_visit(session)
        made = Nights(Settings.from_environment().attachments, visit.id, visit.work_order.territory_id)
    made.directory.mkdir(parents=True)
    yield made
    clock.set_source(None)
    outbox.register((), {})
    engine.dispose()


def test_attachment_clause_9_a_file_that_nothing_points_to_goes_after_a_day(nights: Nights) -> None:
    """§2.6: old files of rows that were rolled back, and what a death left half written; nothing else."""
    kept, young, old = nights.kept(b"photograph"), nights.left(days=0.9), nights.left()
    half = nights.directory / f".{'a' * 32}.jpg.part"
    half.write_bytes(b"half")
    other = nights.directory / "README"
    other.write_bytes(b"somebody's own")
    folder = nights.directory / "arriving"
    folder.mkdir()
    for path in (half, other, folder):
        aged(path)
    assert [one.code for one in damage_found(nights.directory)] == ["FILES_LEFT"]
    assert nights.night() == {"damaged": 0, "gone": 0, "removed": 2}
    assert (old.exists(), half.exists()) == (False, False)
    assert all(path.exists() for path in (kept, young, other, folder))
    assert nights.night()["removed"] == 0
    aged(young, days=YOUNG.days + 0.1)
    assert nights.night()["removed"] == 1
    assert (nights.alerts(), kept.read_bytes()) == ([], b"photograph")


def test_attachment_clause_9_a_row_whose_file_is_gone_stays_and_is_told_until_it_is_back(
    nights: Nights,
) -> None:
    """Row 26, §2.6: in the first night, once in the trail, to the administrators, and by the doctor."""
    whole, gone = nights.kept(b"whole"), nights.kept(b"gone")
    content = gone.read_bytes()
    gone.unlink()
    assert "FILES_GONE" not in nights.doctor()
    for _ in range(2):
        assert nights.night()["gone"] == 1
        assert nights.reminders() == [("admin", gone.name)]
        assert (nights.alerts(), "FILES_GONE" in nights.doctor()) == (["FILE_GONE"], True)
    with db.transaction() as session:
        names = set(session.scalars(select(Attachment.stored_name)))
    assert names == {whole.name, gone.name}, "a row is never deleted by the sweep"
    gone.write_bytes(content)
    assert nights.night() == {"damaged": 0, "gone": 0, "removed": 0}
    assert (nights.reminders(), "FILES_GONE" in nights.doctor()) == ([], False)
    gone.unlink()
    nights.night()
    assert (nights.reminders(), nights.alerts()) == ([("admin", gone.name)], ["FILE_GONE"] * 2)


def test_a_disk_that_is_away_is_one_reminder_and_one_alert(nights: Nights) -> None:
    """Row 26: not one for each of a hundred thousand photographs, which are told once the disk is back."""
    kept = [nights.kept(bytes([number])) for number in range(FEW + 2)]
    away = nights.directory.rename(nights.directory.with_name("away"))
    for _ in range(2):
        assert nights.night()["gone"] == FEW + 2
        ((role, subject),) = nights.reminders()
        assert (role, subject.startswith(f"more than {FEW} files of ")) == ("admin", True)
        assert (nights.alerts(), "FILES_GONE" in nights.doctor()) == (["FILE_GONE"], True)
    away.rename(nights.directory)
    kept[0].unlink()
    nights.night()
    assert nights.reminders() == [("admin", kept[0].name)]
    assert nights.alerts() == ["FILE_GONE"] * 2


def test_more_files_than_a_statement_has_parameters_are_looked_up(nights: Nights) -> None:
    """PostgreSQL takes 65,535 parameters."""
    names = [f"{number:032x}.jpg" for number in range(70_000)]
    with db.transaction() as session:
        (told,) = remind_of_gone(session, names)
    assert told.startswith(f"more than {FEW} files of ")


def test_files_that_hardly_belong_to_this_database_are_left_alone(nights: Nights) -> None:
    """A database that was restored from before does not cost the photographs since."""
    kept = [nights.kept(bytes([number])) for number in range(3)]
    left = [nights.left() for _ in range(FEW + 1)]
    assert len(left) > (len(left) + len(kept)) // SHARE
    assert nights.night()["removed"] == 0
    assert all(path.exists() for path in left)
    assert nights.alerts() == ["FILES_UNKNOWN"]
    left[0].unlink()
    assert nights.night()["removed"] == FEW


def test_a_digest_that_differs_is_found_within_a_week(nights: Nights) -> None:
    """§2.6: each night a part of the files is read and compared."""
    turned = nights.kept(b"as it was")
    aged(turned).write_bytes(b"as it is")
    assert sorted(nights.night()["damaged"] for _ in range(7)) == [0] * 6 + [1]
    assert nights.alerts() == ["FILE_DAMAGED"]


def test_the_sweep_runs_every_night(nights: Nights) -> None:
    """§2.6: daily."""
    with db.transaction() as session:
        row = session.scalars(select(Schedule).where(Schedule.kind == "doctor.look_at_files")).one()
        assert (row.is_active, row.weekday, row.every_minutes) == (True, None, None)
        assert (
            session.execute(text("select weekday from schedule where kind = 'sync.tidy_up'")).scalar() is None
        )
