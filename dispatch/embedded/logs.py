"""Logs of what we start: one file a program, appended to, never larger than twice the limit on disk."""

import os
import shutil
from pathlib import Path
from typing import BinaryIO

LIMIT_BYTES = 5 * 1024 * 1024


def open_log(directory: Path, name: str) -> BinaryIO:
    """The log of one program, open for appending; the directory is for its owner alone."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    trim(directory / f"{name}.log")
    descriptor = os.open(directory / f"{name}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)


def trim(path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """
    Move a log that has grown too long to `.1`, leaving the file itself in place for its writers.

    A full disk takes no copy; then the log is emptied all the same, which makes room.
    """
    try:
        if path.stat().st_size <= limit_bytes:
            return
    except FileNotFoundError:
        return
    try:
        shutil.copyfile(path, path.with_suffix(".log.1"))
    except OSError:
        path.with_suffix(".log.1").unlink(missing_ok=True)
    os.truncate(path, 0)


def tail(path: Path, *, after: int = 0, longest: int = 2000) -> str:
    """The end of a log, at most what was written since the position `after`."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(min(after, size), size - longest, 0))
            return file.read(longest).decode(errors="replace").strip()
    except FileNotFoundError:
        return ""
