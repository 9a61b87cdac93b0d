"""
The demo's day while its processes are killed: workers, scheduler, web, Valkey and PostgreSQL, by SIGKILL.

Run: ``python -m benchmarks.demo_under_fire [--seed N] [--kills N] [--every SECONDS]``. Kills only processes
that carry this run's data folder, stops by itself, and exits with the demo's verdict (0: every step of the
chain is in the database and the books balance).
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MARKS = {
    "worker": "-m dispatch worker",
    "scheduler": "-m dispatch scheduler",
    "web": "-m gunicorn wsgi:app",
    "valkey": "valkey-server",
    "postgres": "/postgres -D",
}
ODDS = ("worker", "worker", "web", "valkey", "postgres", "scheduler")
CALM_SECONDS, MOST_SECONDS = 14.0, 480.0


def victims(room: str, kind: str) -> list[int]:
    """Return the processes of a kind that belong to this run's data folder."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            surroundings = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if MARKS[kind] in line and (room in line or room in surroundings):
            found.append(int(folder.name))
    return sorted(found)


def main() -> int:
    """Run one demo under fire and say what was killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--kills", type=int, default=22)
    parser.add_argument("--every", type=float, default=7.0)
    args = parser.parse_args()
    chance = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="fire") as room:
        Path(room).chmod(0o711)
        demo = subprocess.Popen(
            [sys.executable, "-m", "dispatch", "demo", "--out", f"{room}/out"],
            env={**os.environ, "TRUCKROLL_HOME": f"{room}/home"},
        )
        began, done = time.monotonic(), 0
        time.sleep(CALM_SECONDS)
        while demo.poll() is None and time.monotonic() - began < MOST_SECONDS:
            kind = chance.choice(ODDS)
            pids = victims(room, kind)
            if pids and done < args.kills:
                os.kill(chance.choice(pids), signal.SIGKILL)
                done += 1
                print(f"-- killed {kind} at {time.monotonic() - began:.0f} s", flush=True)
            _wait(demo, args.every)
        if demo.poll() is None:
            demo.send_signal(signal.SIGTERM)
        code = demo.wait(timeout=60)
        print(f"{done} kills, exit {code}, {time.monotonic() - began:.0f} s", flush=True)
    return code


def _wait(demo: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        demo.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return


if __name__ == "__main__":
    sys.exit(main())
