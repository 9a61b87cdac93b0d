"""
Do the sync protocol's tests bite? Seeded bugs, each put into a copy of the sources and hunted by them.

    python -m benchmarks.mutants_sync [--only NAME] [--minutes M] [--anew]

A bug is killed when a test fails that passes in the copy without any bug; where one fails there, nothing is
hunted and nothing counts. The sources of this checkout are never touched. What was hunted is kept in
a state file: when time is over, the next call goes on where this one stopped, unless sources changed since.
Succeeds when every bug that was wanted was hunted and killed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.runs import tail, tested, write

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
    "tests/api/test_mobile.py",
    "tests/api/test_uploads.py",
    "tests/api/test_quarantine.py",
)
EXAMPLES, STEPS = "25", "40"
MOST_SECONDS = 1_800
RESULTS = Path(__file__).parent / "results" / "mutants-sync.jsonl"
FOLDER = Path("build/mutants-sync")
MEASURE = "seeded bugs of the protocol"
JUDGED = ("api", "dispatch", "migrations", "tests")
"""Where a change makes what was hunted before worthless."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug: where it is, what stands there, and what somebody might have written instead."""

    name: str
    path: str
    was: str
    now: str


MUTANTS = (
    Mutant(
        "dedupe after effect",
        "dispatch/sync/push.py",
        "            answers[_identity(operation)] = _again(session, by, operation, stored)\n",
        "            from dispatch.sync.clock_repair import Corrected\n"
        "            from dispatch.sync.conflicts import Reported\n"
        "            from dispatch.sync.deciding import attempt\n"
        "            at = Corrected(clock.now(), 'mono')\n"
        "            attempt(session, Reported(by, operation, at, operation.op_id, 'EUR'))\n"
        "            answers[_identity(operation)] = _again(session, by, operation, stored)\n",
    ),
    Mutant(
        "ack before commit",
        "api/session.py",
        "            _settle(commit=response.status_code < 400)\n            return response",
        "            session = g.pop('session', None)\n"
        "            if session is not None:\n"
        "                response.call_on_close(session.commit)\n"
        "            return response",
    ),
    Mutant(
        "phones are told another state than the office has",
        "dispatch/sync/visit_view.py",
        '        "state": visit.state,',
        '        "state": "working" if visit.state == "paused" else visit.state,',
    ),
    Mutant(
        "a fact that was taken back is still told",
        "dispatch/work_orders/shown.py",
        "        if gone[words]:",
        "        if False:",
    ),
    Mutant(
        "an older app's advice becomes a danger",
        "dispatch/sync/upcasting.py",
        '{"text": entry, "is_danger": False}',
        '{"text": entry, "is_danger": True}',
    ),
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
        '"horizon": str(horizon)',
        '"horizon": str(horizon + 1_000_000)',
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
        'FeedRow.entity == "ack", ~_AFTER)',
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
        "dispatch/work_orders/privacy.py",
        "    return now >= evening_before",
        "    return True",
    ),
    Mutant(
        "a masked visit keeps what the customer answered",
        "dispatch/sync/visit_view.py",
        "facts.recorded.standing[visit.id] if is_full else ()",
        "facts.recorded.standing[visit.id]",
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


def hunters_say(root: Path) -> tuple[int | None, str]:
    """Run the hunters in a copy until a test fails; pytest's code, None when too late, and which it was."""
    room = {
        "TRUCKROLL_SYNC_EXAMPLES": EXAMPLES,
        "TRUCKROLL_SYNC_PARTS": "1",
        "TRUCKROLL_SYNC_STEPS": STEPS,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = tested(root, ["-x", *HUNTERS], room, seconds=MOST_SECONDS)
    if done is None:
        return None, "no answer in time"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode, failed[0][:160] if failed else done.stdout[-160:]


def is_sound(root: Path, state: dict[str, Any], path: Path) -> bool:
    """Tell whether the hunters pass in the copy without a bug; asked once for each version of the sources."""
    if not state.get("is_sound", False):
        began, (code, by) = time.monotonic(), hunters_say(root)
        state["is_sound"] = code == 0
        state["seconds"] += time.monotonic() - began
        path.write_text(json.dumps(state), encoding="utf-8")
        print(f"{'sound   ' if code == 0 else 'UNSOUND '}  without a bug: {by.strip()}", flush=True)
    return bool(state["is_sound"])


def version() -> str:
    """Name the state of the sources, of the tests that hunt and of the bugs."""
    content = sha256(repr(MUTANTS).encode())
    for folder in JUDGED:
        for path in sorted((ROOT / folder).rglob("*.py")):
            content.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:8]


def state_at(path: Path, *, of: str) -> dict[str, Any]:
    """Return what was hunted of this version; nothing where the sources are others."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return kept if kept.get("version") == of else {"version": of, "hunted": {}, "seconds": 0.0}


def hunt(wanted: Sequence[Mutant], state: dict[str, Any], path: Path, *, until: float) -> None:
    """Hunt the bugs that were not hunted yet, until time is up; keep each at once."""
    with tempfile.TemporaryDirectory(prefix="truckroll-mutants-") as room:
        root = Path(room)
        for name in COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, root / name)  # type: ignore[operator]
        if time.monotonic() >= until or not is_sound(root, state, path):
            return
        for mutant in wanted:
            if time.monotonic() >= until:
                return
            began, sound = time.monotonic(), applied(root, mutant)
            code, by = hunters_say(root)
            dead = code == 1
            (root / mutant.path).write_text(sound, encoding="utf-8")
            state["hunted"][mutant.name] = {"killed": dead, "by": by}
            state["seconds"] += time.monotonic() - began
            path.write_text(json.dumps(state), encoding="utf-8")
            print(f"{'killed  ' if dead else 'SURVIVES'}  {mutant.name}: {by}", flush=True)


def row_of(wanted: Sequence[Mutant], state: dict[str, Any]) -> dict[str, Any]:
    """Return what became of the bugs that were wanted."""
    hunted = {one.name: state["hunted"][one.name] for one in wanted if one.name in state["hunted"]}
    return {
        "measure": MEASURE,
        "version": state["version"],
        "is_sound": state.get("is_sound", False),
        "wanted": len(wanted),
        "killed": sum(bool(found["killed"]) for found in hunted.values()),
        "survived": [name for name, found in hunted.items() if not found["killed"]],
        "not_hunted": [one.name for one in wanted if one.name not in hunted],
        "hunting_seconds": round(state["seconds"], 1),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Hunt every bug, print who killed it, and write one row; 1 unless all were hunted and killed."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--only", default="", help="bugs with this in their names")
    reader.add_argument("--minutes", type=float, default=60.0, help="stop after so long; run again to go on")
    reader.add_argument("--anew", action="store_true", help="forget what was hunted before")
    reader.add_argument("--folder", type=Path, default=FOLDER, help="where the state is kept")
    reader.add_argument("--out", type=Path, default=RESULTS, help="file of rows, one for each call")
    told = reader.parse_args(argv)
    until = time.monotonic() + 60 * told.minutes
    told.folder.mkdir(parents=True, exist_ok=True)
    path = told.folder / "state.json"
    if told.anew:
        path.unlink(missing_ok=True)
    state = state_at(path, of=version())
    wanted = [mutant for mutant in MUTANTS if told.only in mutant.name]
    left = [mutant for mutant in wanted if mutant.name not in state["hunted"]]
    if left:
        hunt(left, state, path, until=until)
    row = row_of(wanted, state)
    write(told.out, row | tail())
    open_ones = len(row["not_hunted"])
    unfinished = f"; UNFINISHED: {open_ones} not hunted, run again to go on" if open_ones else ""
    print(f"{row['killed']} of {row['wanted']} killed{unfinished}")
    return 0 if wanted and row["killed"] == row["wanted"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
