"""A worker with the real billing jobs and quick leases; only settlement and invoicing follow events."""

from __future__ import annotations

import sys
from dataclasses import replace

import structlog

from dispatch import bootstrap, events, outbox
from dispatch.cli import work
from dispatch.settings import Settings
from dispatch.sweeping import Sweeper
from tests.job_handlers import QUICK

FOLLOWERS: dict[type[events.Event], tuple[str, ...]] = {
    events.VisitVerified: ("billing.settle",),
    events.SettlementApproved: ("billing.issue_invoice",),
}


def load() -> None:
    """Load what the worker works with."""
    bootstrap.load_models()
    outbox.register(bootstrap.JOBS, {}, timing=QUICK)
    outbox.load_handlers("default")


def main() -> int:
    """Start like the command line and serve the queue of short jobs."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    settings = Settings.from_environment()
    bootstrap.start(settings)
    # Patience without end: under fire one run may lose five work-horses in a row and is still no poison.
    patient = [replace(job, max_attempts=1000) for job in bootstrap.JOBS]
    outbox.register(patient, FOLLOWERS, timing=QUICK)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    return work.work(settings, "default", Sweeper(every_seconds=0.5, grace_seconds=0.5))
