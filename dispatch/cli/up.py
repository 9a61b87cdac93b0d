"""`truckroll up`: everything of one installation in the foreground, until Ctrl-C."""

import argparse
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from dispatch.bootstrap import QUEUES
from dispatch.embedded import services
from dispatch.embedded.processes import LOOK_SECONDS, Child, ProcessGroup
from dispatch.embedded.services import Running
from dispatch.errors import DispatchError
from dispatch.settings import Settings
from dispatch.settings.strength import weaknesses

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def add_parsers(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Describe the command `up` to the main parser."""
    parser = subparsers.add_parser("up", help="start everything and serve the API until Ctrl-C")
    parser.add_argument("--host", help="address to listen on (TRUCKROLL_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on (TRUCKROLL_PORT)")
    parser.set_defaults(run=run_up)


def run_up(args: argparse.Namespace) -> int:
    """Start the services, bring the schema up to date, serve, and stop all in order."""
    try:
        settings = Settings.from_environment()
        given = {name: getattr(args, name, None) for name in ("host", "port")}
        settings = replace(settings, **{name: value for name, value in given.items() if value is not None})
        if settings.environment == "production" and (found := weaknesses(settings)):
            return _refuse("these settings are too weak for production:", *found)
        return supervise(settings, children_of(settings), tell=_say, prepare=_migrate)
    except DispatchError as error:
        return _refuse(error.message, error.remedy)


def supervise(
    settings: Settings,
    children: Sequence[Child],
    *,
    tell: Callable[[str], None],
    prepare: Callable[[Running], None],
) -> int:
    """Keep services and children running until a stop signal; a second signal makes it hurry."""
    with _stop_signals() as stopping, services.start(settings, tell) as running:
        prepare(running)
        logs = settings.home / "logs"
        with ProcessGroup(children, logs=logs, running=running, tell=tell) as group:
            stopping.hurry = group.hurry
            group.start()
            tell(f"logs are in {logs}")
            _announce(settings, group, stopping.asked, tell)
            group.watch(stopping.asked)
            tell("stopping")
    tell("stopped")
    return 0


def children_of(settings: Settings) -> list[Child]:
    """
    The programs of an installation: web server, scheduler, and one worker for each queue.

    They stop together, before the services: a ring that finds no worker any more waits for the next one, and
    a worker that still had time would only begin more.
    """
    python = sys.executable
    address = f"[{settings.host}]" if ":" in settings.host else settings.host
    web = [python, "-m", "gunicorn", "wsgi:app", "--worker-class", "gthread"]
    web += ["--preload", "--workers", str(settings.web_workers), "--threads", str(settings.web_threads)]
    web += ["--bind", f"{address}:{settings.port}", "--graceful-timeout", "10", "--no-control-socket"]
    listening = {"TRUCKROLL_HOST": settings.host, "TRUCKROLL_PORT": str(settings.port)}
    return [
        Child("web", tuple(web), env=listening),
        Child("scheduler", (python, "-m", "dispatch", "scheduler")),
        *(Child(f"worker-{queue}", (python, "-m", "dispatch", "worker", queue)) for queue in QUEUES),
    ]


class _Stopping:
    """What the signals have asked for so far."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.hurry = threading.Event()

    def signalled(self, _number: int, _frame: object) -> None:
        if self.asked.is_set():
            self.hurry.set()
        self.asked.set()


@contextmanager
def _stop_signals() -> Iterator[_Stopping]:
    """Turn the stop signals into events while the block runs."""
    stopping = _Stopping()
    before = {number: signal.signal(number, stopping.signalled) for number in STOP_SIGNALS}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _announce(
    settings: Settings, group: ProcessGroup, asked: threading.Event, tell: Callable[[str], None]
) -> None:
    """Say where the API is once it accepts connections."""
    while not asked.wait(LOOK_SECONDS):
        group.tick()
        try:
            socket.create_connection((settings.host, settings.port), timeout=1).close()
        except OSError:
            continue
        tell(f"serving on http://{settings.host}:{settings.port} - Ctrl-C stops")
        return


def _migrate(running: Running) -> None:
    from dispatch import migrating

    migrating.upgrade(running.database_url)


def _say(line: str) -> None:
    print(line, flush=True)


def _refuse(*lines: str) -> int:
    for line in lines:
        print(f"truckroll up: {line}", file=sys.stderr)
    return 1
