"""A disk that is full takes log lines away, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import structlog

from api import logs as request_logs
from dispatch import logs
from dispatch.embedded.logs import trim

FULL = Path("/dev/full")


def test_a_line_that_a_full_disk_does_not_take_is_lost_and_nothing_more() -> None:
    with pytest.raises(OSError, match="No space left"), FULL.open("w") as proof:
        proof.write("x")
    file = FULL.open("w")
    logger = structlog.wrap_logger(logs.Lines(file), processors=[structlog.processors.JSONRenderer()])
    logger.warning("job_failed", kind="billing.settle")
    assert not file.closed
    with pytest.raises(OSError, match="No space left"):
        file.close()


def test_a_request_is_answered_although_its_line_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 24: the answer of work that is done never becomes an error afterwards."""
    file = FULL.open("w")
    monkeypatch.setattr(sys, "stderr", file)
    request_logs.note("request")
    with pytest.raises(OSError, match="No space left"):
        file.close()


def test_a_log_that_is_too_long_is_emptied_on_a_full_disk(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("old\n" * 10)
    log.with_suffix(".log.1").symlink_to(FULL)
    trim(log, limit_bytes=20)
    assert [path.name for path in tmp_path.iterdir()] == ["web.log"]
    assert log.read_text() == ""
