"""
Do the sync protocol's tests bite? Seeded bugs, each put into a copy of the sources and hunted by them.

    python -m benchmarks.mutants_sync [--only NAME] [--first N] [--minutes M]

A bug is killed when a test fails. The sources of this checkout are never touched.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.runs import tested

ROOT = Path(__file__).parent.parent
COPIED = (
    "api",
    "benchmarks",
    "dispatch",
    "docs",
    "migrations",
    "optimizer",
    "tests",
    "pyproject.toml",
    "wsgi.py",
)
HUNTERS = (
    "tests/dispatch/checklists",
    "tests/dispatch/sync",
    "tests/phone",
    "tests/api/test_uploads.py",
    "tests/api/test_quarantine.py",
)
EXAMPLES, STEPS = "25", "40"
MOST_SECONDS = 1_800


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug: where it is, what stands there, and what somebody might have written instead."""

    name: str
    path: str
    was: str
    now: str


MUTANTS = (
    Mutant(
        "an op_id may come back with another content",
        "dispatch/sync/push.py",
        "    if stored.sha256 == operation.sha256 and stored.technician_id == by.technician_id:",
        "    if True:",
    ),
    Mutant(
        "a seq may be used twice",
        "dispatch/sync/push.py",
        "        if taken.setdefault(place, operation.op_id) != operation.op_id:",
        "        if False:",
    ),
    Mutant(
        "a gap is not waited for",
        "dispatch/sync/push.py",
        "        is_due = seq <= acked + 1 or is_forced",
        "        is_due = True",
    ),
    Mutant(
        "acknowledged although it waits",
        "dispatch/sync/push.py",
        "        if is_due:\n            acked = ",
        "        if True:\n            acked = ",
    ),
    Mutant(
        "decided in the order of arrival",
        "dispatch/sync/push.py",
        "    for seq in sorted({*waiting, *arrived}):",
        "    for seq in sorted({*waiting, *arrived}, reverse=True):",
    ),
    Mutant(
        "waited for for ever",
        "dispatch/sync/push.py",
        "HOLD_FOR = timedelta(hours=72)",
        "HOLD_FOR = timedelta(hours=72_000)",
    ),
    Mutant(
        "a revoked phone is listened to",
        "dispatch/sync/push.py",
        "    if admitted_at is None:\n        require_device",
        "    if False:\n        require_device",
    ),
    Mutant(
        "the cursor is a plain number",
        "dispatch/sync/pull.py",
        "FeedRow.xid < _xid(horizon)",
        "FeedRow.xid < _xid(horizon + 1_000_000)",
    ),
    Mutant(
        "no visit is ever withdrawn",
        "dispatch/sync/pull.py",
        "    return [_put(held[one]) if one in held else _evict(one) for one in wanted]",
        "    return [_put(held[one]) for one in wanted if one in held]",
    ),
    Mutant(
        "a page swallows the first row of the next",
        "dispatch/sync/pull.py",
        "xid=int(rows[page - 1][0]), seq=rows[page - 1][1])",
        "xid=int(rows[page][0]), seq=rows[page][1])",
    ),
    Mutant(
        "acknowledged beyond the data that is given",
        "dispatch/sync/pull.py",
        'FeedRow.entity == "ack", ~_after(until))',
        'FeedRow.entity == "ack")',
    ),
    Mutant(
        "time moves nothing",
        "dispatch/sync/pull.py",
        "    moved = visit_view.whose_exposure_changed(session, principal, start.scope_moment, now)",
        "    moved: list[uuid.UUID] = []",
    ),
    Mutant(
        "a forged cursor is believed",
        "dispatch/sync/cursor.py",
        "    if not hmac.compare_digest(mac, _mac(raw, key, technician_id)):",
        "    if len(mac) != _MAC_BYTES:",
    ),
    Mutant(
        "what follows a refused operation is applied",
        "dispatch/sync/deciding.py",
        "        blocker = self._blocker_of(op)",
        "        blocker = None",
    ),
    Mutant(
        "a refused operation is dropped",
        "dispatch/sync/deciding.py",
        "        if decision.state != REJECTED:",
        "        if decision.state != HELD:",
    ),
    Mutant(
        "a refused operation leaves half of its effect",
        "dispatch/sync/deciding.py",
        "            with session.begin_nested():",
        "            with session.no_autoflush:",
    ),
    Mutant(
        "a batch with a refused operation leaves half of its effects",
        "dispatch/sync/push.py",
        "            with session.begin_nested():",
        "            with session.no_autoflush:",
    ),
    Mutant(
        "a visit of somebody else is changed in a batch",
        "dispatch/work_orders/queries.py",
        "    return select(Visit).where(mine | took_part(principal.technician_id))",
        "    return select(Visit).where((Visit.id == Visit.id) | mine)",
    ),
    Mutant(
        "what happened is refused where the table does not know it",
        "dispatch/sync/applying.py",
        "        if not move.is_physical:\n            raise",
        "        if move.target:\n            raise",
    ),
    Mutant(
        "the phone overrules the desk",
        "dispatch/sync/conflicts.py",
        "kind != DOUBLE_ATTENDANCE and S(visit.state) in {*NOT_STARTED, S.CANCELLED}:",
        "S(visit.state) in {*NOT_STARTED, S.CANCELLED, *S}:",
    ),
    Mutant(
        "the phone's clock is believed",
        "dispatch/sync/clock_repair.py",
        "    elapsed = _elapsed_ms(_whole(op_mono_ms), _short(op_boot_id), device)",
        "    elapsed = None",
    ),
    Mutant(
        "customers are shown in full at any time",
        "dispatch/sync/privacy.py",
        "    return now >= evening_before",
        "    return True",
    ),
    Mutant(
        "what an older app says is not understood",
        "dispatch/sync/upcasting.py",
        "{1: {protocol.FINDING: _mark_advice}}",
        "{1: {}}",
    ),
    Mutant(
        "an older answer overwrites a newer one",
        "dispatch/checklists/rules.py",
        "        if not is_older:",
        "        if True:",
    ),
    Mutant(
        "any bytes pass for the announced file",
        "dispatch/sync/uploads.py",
        "    if hashlib.sha256(content).hexdigest() != declared.sha256:",
        "    if len(content) != declared.size_bytes:",
    ),
    Mutant(
        "any phone hands its work to the desk instead of pushing it",
        "dispatch/sync/quarantine.py",
        "    if device.revoked_at is None:",
        "    if device is None:",
    ),
)


def applied(root: Path, mutant: Mutant) -> str:
    """Put a bug into a copy; return the file as it was."""
    file = root / mutant.path
    sound = file.read_text(encoding="utf-8")
    if sound.count(mutant.was) != 1:
        raise SystemExit(f"{mutant.path} does not hold what {mutant.name!r} replaces exactly once")
    file.write_text(sound.replace(mutant.was, mutant.now), encoding="utf-8")
    return sound


def is_killed(root: Path) -> tuple[bool, str]:
    """Run the hunters in a copy until the first test fails; return which one it was."""
    room = {
        "TRUCKROLL_SYNC_EXAMPLES": EXAMPLES,
        "TRUCKROLL_SYNC_STEPS": STEPS,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = tested(root, ["-x", *HUNTERS], room, seconds=MOST_SECONDS)
    if done is None:
        return False, "no answer in time"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode == 1, failed[0][:160] if failed else done.stdout[-160:]


def main() -> int:
    """Hunt every bug; print who killed it."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--only", default="")
    reader.add_argument("--first", type=int, default=0)
    reader.add_argument("--minutes", type=float, default=60.0)
    told = reader.parse_args()
    wanted = [mutant for mutant in MUTANTS if told.only in mutant.name][told.first :]
    until, killed, hunted = time.monotonic() + 60 * told.minutes, 0, 0
    with tempfile.TemporaryDirectory(prefix="truckroll-mutants-") as room:
        root = Path(room)
        for name in COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, root / name)  # type: ignore[operator]
        for mutant in wanted:
            if time.monotonic() > until:
                print(f"time is over; go on with --first {told.first + hunted}")
                break
            sound = applied(root, mutant)
            dead, by = is_killed(root)
            (root / mutant.path).write_text(sound, encoding="utf-8")
            killed, hunted = killed + dead, hunted + 1
            print(f"{'killed  ' if dead else 'SURVIVES'}  {mutant.name}: {by}", flush=True)
    print(f"{killed} of {hunted} killed")
    return 0 if killed == hunted else 1


if __name__ == "__main__":
    raise SystemExit(main())
