"""`truckroll worker`, `truckroll scheduler` and `truckroll jobs`: the programs behind the web server."""

import argparse
import signal
import sys
import threading
import uuid
from collections.abc import Callable

import structlog
from sqlalchemy import func, select

from dispatch import bootstrap, db, outbox, queue, scheduling, sweeping
from dispatch.errors import DispatchError
from dispatch.outbox import JobRun
from dispatch.settings import Settings
from dispatch.sweeping import Sweeper

log = structlog.get_logger(__name__)

TICK_SECONDS = 2.0


def add_parsers(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the commands `worker`, `scheduler` and `jobs` to the main parser."""
    worker = subparsers.add_parser("worker", help="do the jobs of one queue until SIGTERM")
    worker.add_argument("name", nargs="?", choices=bootstrap.QUEUES, help="the queue")
    worker.add_argument("--queue", choices=bootstrap.QUEUES, default="default", help="the same, as an option")
    worker.set_defaults(run=run_worker)

    scheduler = subparsers.add_parser("scheduler", help="write what is due and ring for what was missed")
    scheduler.set_defaults(run=run_scheduler)

    jobs = subparsers.add_parser("jobs", help="show how the jobs stand; repeat a parked one")
    jobs.add_argument("--parked", action="store_true", help="list the runs that wait for a person")
    jobs.add_argument("action", nargs="?", choices=("retry",), help="give a parked run its attempts back")
    jobs.add_argument("run_id", nargs="?", type=uuid.UUID, help="id of the run")
    jobs.set_defaults(run=run_jobs)


def run_worker(args: argparse.Namespace) -> int:
    """Answer the rings of one queue, sweeping in between."""
    name = args.name or args.queue
    return _started(lambda settings: work(settings, name))


def run_scheduler(_args: argparse.Namespace) -> int:
    """Tick until SIGTERM."""
    return _started(schedule)


def run_jobs(args: argparse.Namespace) -> int:
    """Print how many runs are in which state, list the parked ones, or repeat one."""
    if args.action == "retry":
        return _started(lambda _: _retry(args.run_id))
    return _started(lambda _: _list_parked() if args.parked else _count())


def work(settings: Settings, name: str, sweeper: Sweeper | None = None) -> int:
    """Serve one queue; without any queue server the sweeper alone does the work (decision 11)."""
    sweeper = sweeper or Sweeper()
    outbox.load_handlers(name)
    settings = bootstrap.located(settings)
    if settings.redis_url is None:
        _repeat(sweeper.pulse, 1.0)
        return 0
    queue.work(
        name,
        url=settings.redis_url,
        pulse=sweeper.pulse,
        vanished=outbox.abandon,
        is_over=outbox.is_over,
        pulse_seconds=sweeper.every_seconds,
    )
    return 0


def schedule(_settings: Settings) -> int:
    """Every two seconds write what is due and ring for runs whose moment has come; and sweep."""
    sweeper = Sweeper()

    def step() -> None:
        try:
            scheduling.tick()
            sweeping.ring_delayed()
        except Exception as error:  # noqa: BLE001 - the database may be away for a while; days are caught up
            log.warning("tick_failed", error=type(error).__name__)
        sweeper.pulse()

    _repeat(step, TICK_SECONDS)
    return 0


def _started(command: Callable[[Settings], int]) -> int:
    try:
        settings = Settings.from_environment()
        bootstrap.start(settings)
        return command(settings)
    except DispatchError as error:
        print(f"truckroll: {error.message}\n{error.remedy}", file=sys.stderr)
        return 1


def _repeat(step: Callable[[], None], seconds: float) -> None:
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    while not asked_to_stop.is_set():
        step()
        asked_to_stop.wait(seconds)


def _count() -> int:
    with db.transaction() as session:
        count = select(JobRun.kind, JobRun.state, func.count()).group_by(JobRun.kind, JobRun.state)
        for kind, state, number in session.execute(count.order_by(JobRun.kind, JobRun.state)):
            print(f"{kind:30} {state:10} {number}")
    for name, waiting in queue.queue_depths(bootstrap.QUEUES).items():
        print(f"queue {name}: {waiting} waiting")
    return 0


def _list_parked() -> int:
    with db.transaction() as session:
        parked = select(JobRun).where(JobRun.state == "parked").order_by(JobRun.finished_at)
        for run in session.scalars(parked):
            first_line = (run.error or "").partition("\n")[0]
            print(f"{run.id} {run.kind} attempts={run.attempt} {first_line}")
    return 0


def _retry(run_id: uuid.UUID | None) -> int:
    if run_id is None:
        print(
            "truckroll jobs retry: name the run's id; `truckroll jobs --parked` lists them", file=sys.stderr
        )
        return 2
    with db.transaction() as session:
        known = outbox.retry_parked(session, run_id)
    print("ready again" if known else "no parked run has this id")
    return 0 if known else 1
