"""
Wiring: settings to ports, events to jobs, names to handlers.

Everything that a process needs before it can serve a request or a job happens in :func:`start`.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread

from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from dispatch import clock, db, events, logs, outbox, queue, travel
from dispatch.embedded import services
from dispatch.errors import DispatchError
from dispatch.outbox import Job, SimulatedClock
from dispatch.settings import Settings

MODELS = (
    "dispatch.outbox",
    "dispatch.feed",
    "dispatch.territories.model",
    "dispatch.access.model",
    "dispatch.customers.model",
    "dispatch.technicians.model",
    "dispatch.parts.model",
    "dispatch.tools.model",
    "dispatch.contracts.model",
    "dispatch.checklists.model",
    "dispatch.locations.model",
    "dispatch.work_orders.model",
    "dispatch.work_orders.on_site_model",
    "dispatch.calls.model",
    "dispatch.promises.model",
    "dispatch.planning.model",
    "dispatch.billing.model",
    "dispatch.hand_ins.model",
    "dispatch.loaners.model",
    "dispatch.intake.model",
    "dispatch.messages.model",
    "dispatch.performance.model",
    "dispatch.sync.model",
)


def load_models() -> None:
    """Import every mapped class, so that metadata and relationships are complete."""
    for module in MODELS:
        importlib.import_module(module)


QUEUES = ("default", "planning")
"""Each is served by worker processes of its own (decision 5)."""

ENGINE = "dispatch.planning.optimise:warm"

JOBS = (
    Job("planning.optimise_day", "dispatch.planning.jobs:optimise_day", "planning", 900, warm=ENGINE),
    Job("planning.optimise_part", "dispatch.planning.jobs:optimise_part", "planning", 900, warm=ENGINE),
    Job("planning.join_parts", "dispatch.planning.jobs:join_parts", "planning", 900, warm=ENGINE),
    Job("planning.replan", "dispatch.planning.jobs:replan", "planning", 900, warm=ENGINE),
    Job("planning.tidy_day", "dispatch.planning.jobs:tidy_day", "planning", 300, warm=ENGINE),
    Job("planning.what_if", "dispatch.planning.jobs:plan_what_if", "planning", 900, warm=ENGINE),
    Job("planning.repair_absence", "dispatch.planning.jobs:repair_absence", "default", timeout_seconds=60),
    Job("planning.repair_site", "dispatch.planning.jobs:repair_site", "default", timeout_seconds=60),
    Job("planning.place_visit", "dispatch.planning.jobs:place_visit", "default", timeout_seconds=60),
    Job("planning.watch_promises", "dispatch.planning.jobs:watch_promises", "default", timeout_seconds=120),
    Job("planning.check_readiness", "dispatch.planning.jobs:check_readiness", "default", timeout_seconds=120),
    Job("billing.settle", "dispatch.billing.jobs:settle", "default", timeout_seconds=60),
    Job("billing.issue_invoice", "dispatch.billing.jobs:issue_invoice", "default", timeout_seconds=60),
    Job(
        "billing.render_invoice",
        "dispatch.billing.jobs:render_invoice",
        "default",
        timeout_seconds=120,
        batch=True,
    ),
    Job(
        "billing.render_credit_note",
        "dispatch.billing.jobs:render_credit_note",
        "default",
        timeout_seconds=120,
    ),
    Job("billing.remind_of_help", "dispatch.billing.jobs:remind_of_help", "default", timeout_seconds=120),
    Job("loaners.lend", "dispatch.loaners.jobs:lend", "default", timeout_seconds=60),
    Job("loaners.follow", "dispatch.loaners.jobs:follow", "default", timeout_seconds=60),
    Job("loaners.chase", "dispatch.loaners.jobs:chase", "default", timeout_seconds=120),
    Job("locations.fade", "dispatch.locations.jobs:fade", "default", timeout_seconds=120),
    Job(
        "work_orders.release_seats", "dispatch.work_orders.jobs:release_seats", "default", timeout_seconds=60
    ),
    Job("work_orders.tell_phones", "dispatch.work_orders.jobs:tell_phones", "default", timeout_seconds=60),
    Job("hand_ins.chase", "dispatch.hand_ins.jobs:chase", "default", timeout_seconds=120),
    Job("intake.read_mailbox", "dispatch.intake.jobs:read_mailbox", "default", timeout_seconds=300),
    Job("intake.remind", "dispatch.intake.jobs:remind", "default", timeout_seconds=60),
    Job("intake.carry_files", "dispatch.intake.jobs:carry_files", "default", timeout_seconds=60),
    Job("doctor.look_at_files", "dispatch.doctor.jobs:look_at_files", "default", timeout_seconds=900),
    Job("sync.tidy_up", "dispatch.sync.jobs:tidy_up", "default", timeout_seconds=120),
    Job("sync.decide_held", "dispatch.sync.jobs:decide_held", "default", timeout_seconds=120),
    Job("messages.clocked", "dispatch.messages.jobs:write_clocked", "default", timeout_seconds=300),
    Job("promises.judge_again", "dispatch.promises.jobs:judge_again", "default", timeout_seconds=60),
    Job("promises.tell_declined", "dispatch.promises.jobs:tell_declined", "default", timeout_seconds=60),
    Job("promises.follow_no_show", "dispatch.promises.jobs:follow_no_show", "default", timeout_seconds=60),
    Job("messages.write", "dispatch.messages.jobs:write", "default", timeout_seconds=120, batch=True),
    Job(
        "messages.send",
        "dispatch.messages.jobs:send",
        "default",
        timeout_seconds=120,
        batch=True,
        max_attempts=12,
    ),
    Job(
        "work_orders.render_report",
        "dispatch.work_orders.jobs:render_report",
        "default",
        timeout_seconds=120,
        batch=True,
    ),
    Job(
        "performance.correct_logs",
        "dispatch.performance.jobs:correct_logs",
        "default",
        timeout_seconds=300,
    ),
    Job(
        "performance.write_daily_log",
        "dispatch.performance.jobs:write_daily_log",
        "default",
        timeout_seconds=300,
    ),
)

SUBSCRIPTIONS: dict[type[events.Event], tuple[str, ...]] = {
    events.CallRegistered: ("messages.write",),
    events.CallClosedRemotely: ("messages.write",),
    events.WorkOrderOpened: ("messages.write", "intake.carry_files"),
    events.VisitPromised: ("messages.write",),
    events.PromiseInDanger: ("messages.write",),
    events.TechnicianReleased: ("messages.write",),
    events.CompensationGranted: ("messages.write",),
    events.VisitScheduled: ("messages.write",),
    events.TechnicianOnTheWay: ("messages.write",),
    events.TechnicianArrived: ("messages.write",),
    events.VisitCompleted: ("messages.write", "work_orders.render_report", "loaners.follow"),
    events.VisitVerified: ("billing.settle", "loaners.follow"),
    events.VisitDeclined: ("promises.tell_declined",),
    events.VisitAdjusted: ("billing.settle",),
    events.VisitTimesChanged: (
        "promises.judge_again",
        "performance.correct_logs",
        "work_orders.render_report",
    ),
    events.SeatGivenUp: ("billing.settle",),
    events.VisitFailed: ("messages.write", "promises.follow_no_show"),
    events.VisitCancelled: ("messages.write", "loaners.follow"),
    events.SecondBookingOpened: ("messages.write",),
    events.ResolutionMissed: ("loaners.lend",),
    events.LoanerLent: ("messages.write",),
    events.LoanerOverdue: ("messages.write",),
    events.WaitingForPart: ("messages.write",),
    events.EmergencyRaised: ("planning.replan",),
    events.VisitHandedOver: ("planning.place_visit",),
    events.TechnicianAbsent: ("planning.repair_absence",),
    events.CustomerFileChanged: ("work_orders.tell_phones",),
    events.SiteLocated: ("planning.repair_site",),
    events.SettlementApproved: ("billing.issue_invoice",),
    events.InvoiceIssued: ("billing.render_invoice",),
    events.InvoiceRendered: ("messages.write",),
    events.CreditNoteIssued: ("billing.render_credit_note",),
    events.CreditNoteRendered: ("messages.write",),
    events.PaymentReceived: ("messages.write",),
}

_engine: Engine | None = None
_clock_engine: Engine | None = None


class ServicesNotRunning(DispatchError):
    """No database was named, and this home's embedded services are not up."""

    code = "SERVICES_NOT_RUNNING"
    kind = "unavailable"
    remedy = "Start them with `truckroll up`, or set DATABASE_URL and REDIS_URL."


def warm_web_workers() -> None:
    """Let every forked web worker load what offers are computed with, beside its first requests."""

    def load() -> None:
        importlib.import_module("dispatch.planning.open_days").warm()

    os.register_at_fork(after_in_child=lambda: Thread(target=load, name="warming", daemon=True).start())


def start(settings: Settings) -> None:
    """
    Make this process ready: database, models, queue, clock and jobs.

    Forked children get connections of their own. Without an address in the settings the embedded
    services of the same home are looked up; they must be up.
    """
    global _engine, _clock_engine  # noqa: PLW0603 - one database per process (decision 10)
    logs.configure()
    settings = located(settings)
    if settings.database_url is None:
        raise ServicesNotRunning("neither DATABASE_URL is set nor are embedded services running here")
    stop()
    _engine = db.connect(settings.database_url, pool_size=max(5, settings.web_threads))
    db.configure(db.sessions(_engine))
    load_models()
    queue.configure(settings.redis_url)
    if settings.simulated_clock:
        _clock_engine = db.connect_lean(settings.database_url, pool_size=max(5, settings.web_threads))
        clock.set_source(_moved_clock)
    travel.configure(settings)
    outbox.register(JOBS, SUBSCRIPTIONS)


def stop() -> None:
    """Close this process's connections."""
    global _engine, _clock_engine  # noqa: PLW0603 - see start()
    for engine in (_engine, _clock_engine):
        if engine is not None:
            engine.dispose()
    _engine = _clock_engine = None
    queue.configure(None)
    clock.set_source(None)


def located(settings: Settings) -> Settings:
    """Return the settings with the addresses of this home's embedded services filled in, if they are up."""
    if settings.database_url is not None and settings.redis_url is not None:
        return settings
    running = services.locate(settings)
    if running is None:
        return settings
    return replace(settings, database_url=running.database_url, redis_url=running.redis_url)


def _moved_clock() -> datetime:
    """
    Return the moment of the simulated clock's row, or the wall clock while there is none (decision 17).

    One question on a connection of its own, without a transaction around it, since every command asks.
    """
    if _clock_engine is None:
        return datetime.now(UTC)
    try:
        moment = _read_clock(_clock_engine)
    except OperationalError:
        _clock_engine.dispose()
        moment = _read_clock(_clock_engine)
    return moment or datetime.now(UTC)


def _read_clock(engine: Engine) -> datetime | None:
    with engine.connect() as connection:
        moment: datetime | None = connection.scalar(select(SimulatedClock.moment))
    return moment


def _forget_parents_connections() -> None:
    for engine in (_engine, _clock_engine):
        if engine is not None:
            engine.dispose(close=False)


os.register_at_fork(after_in_child=_forget_parents_connections)
