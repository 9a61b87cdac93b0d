"""``truckroll demo``: a whole day of a repair company on real streets, from first call to daily log."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from dispatch import bootstrap, db, migrating
from dispatch.cli.up import children_of
from dispatch.embedded import place, services
from dispatch.embedded.processes import ProcessGroup
from dispatch.errors import Conflict, DispatchError
from dispatch.settings import Settings

if TYPE_CHECKING:
    from dispatch.simulation import seeding

DAY = date(2026, 3, 3)
READY_SECONDS = 60.0
LOGINS = "logins.json"
SURROUNDINGS = {
    "TRUCKROLL_ENV": "demo",
    "TRUCKROLL_CLOCK": "simulated",
    "TRUCKROLL_TRAVEL": "district",
    "TRUCKROLL_GEOCODER": "gazetteer",
    "TRUCKROLL_TIMEZONE": "Europe/Helsinki",
    "TRUCKROLL_COMPANY_NAME": "Truckroll Demo Repairs",
    "TRUCKROLL_COMPANY_ADDRESS": "Helsinki (generated demo company)",
    "TRUCKROLL_HASH_COST": "quick",
    "TRUCKROLL_REPLAN_SECONDS": "0.4",
    "TRUCKROLL_REQUESTS_PER_MINUTE_USER": "100000",
    "TRUCKROLL_REQUESTS_PER_MINUTE_DEVICE": "100000",
    "TRUCKROLL_REQUESTS_PER_MINUTE_ADDRESS": "100000",
}
"""Settings of the demo; one program plays everybody, so the request limits are lifted and
its random passwords, which nobody else knows, are hashed quickly."""


class DatabaseNotEmpty(Conflict):
    """The demo writes a whole company and refuses a database that already holds something."""

    code = "DATABASE_NOT_EMPTY"
    remedy = "Point DATABASE_URL to an empty database, or leave it unset for the embedded one."


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command to the main parser."""
    parser = subparsers.add_parser("demo", help="run a repair company's whole day on real streets")
    parser.add_argument(
        "--out", type=Path, default=Path("demo-out"), metavar="DIR", help="folder for the files"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another day")
    parser.add_argument("--serve", action="store_true", help="keep serving afterwards, until Ctrl-C")
    parser.set_defaults(run=run_demo)


def run_demo(args: argparse.Namespace) -> int:
    """Start everything on a fresh database, let the day happen, report, and stop in order."""
    began = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # a stop from outside ends in order, as Ctrl-C does
    try:
        settings = _settings(args.serve)
        with _installation(settings) as base_url:
            faults = _run_day(args, settings, base_url, began)
            if args.serve:
                _serve(base_url, settings.home / LOGINS)
    except DispatchError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n-> {error.remedy}\n")
        return 1
    return 1 if faults else 0


def _settings(is_serving: bool) -> Settings:
    home = Settings.from_environment().home / "demo"
    os.environ.update(SURROUNDINGS)
    os.environ["TRUCKROLL_HOME"] = str(home)
    if is_serving:
        os.environ.setdefault("TRUCKROLL_MFA", "off")  # so that a person can log in with curl
    else:
        os.environ["TRUCKROLL_PORT"] = str(_free_port())
    return Settings.from_environment()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _installation(settings: Settings) -> Iterator[str]:
    """Run services, schema, API, workers and scheduler for as long as the block lasts."""
    with services.start(settings, _say) as running:
        os.environ.update(running.environment())
        _empty(running.database_url, is_ours=settings.database_url is None)
        migrating.upgrade(running.database_url)
        bootstrap.start(Settings.from_environment())
        children = children_of(settings)
        with ProcessGroup(children, logs=settings.logs, running=running, tell=_say) as group:
            group.start()
            group.watch_in_background()
            yield f"http://{settings.host}:{settings.port}"
        bootstrap.stop()


def _empty(url: str, *, is_ours: bool) -> None:
    """Start from nothing; an earlier demo's embedded database is thrown away, anybody else's is not."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        found = connection.execute(
            text("select count(*) from information_schema.tables where table_schema = 'public'")
        ).scalar_one()
        if found and not is_ours:
            raise DatabaseNotEmpty(f"the database holds {found} tables")
        if found:
            connection.execute(text("drop schema public cascade"))
            connection.execute(text("create schema public"))
    engine.dispose()


def _await_ready(base_url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{base_url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"the API did not answer within {READY_SECONDS:.0f} s; see the logs folder")


def _run_day(args: argparse.Namespace, settings: Settings, base_url: str, began: float) -> list[str]:
    from dispatch.simulation import judging, papers, reporting, seeding, traffic
    from dispatch.simulation.day import generate_day
    from dispatch.simulation.mishaps import seed_loaners
    from dispatch.simulation.running import DemoDay, Pace

    day = generate_day(args.seed, DAY)
    with db.transaction() as session:
        world = seeding.seed(session, day)
        seed_loaners(session, day, world)
        seeding.write_templates(session, day)
    _say(f"[{time.monotonic() - began:5.1f} s] company, catalogue and customer files are in place")
    _await_ready(base_url)
    _say(f"[{time.monotonic() - began:5.1f} s] services, workers and API are up")
    phones = settings.home / "phones"
    shutil.rmtree(phones, ignore_errors=True)
    phones.mkdir(parents=True)
    if args.serve:
        _keep_logins(world.logins, settings.home / LOGINS)
    demo = DemoDay(day=day, world=world, base_url=base_url, phones=phones, pace=Pace(), tell=_teller(began))
    try:
        demo.run()
        summary = reporting.summarise(demo, time.monotonic() - began)
        written = papers.write_all(demo, summary, args.out)
    finally:
        demo.close()
    _say(reporting.as_text(summary))
    files = ", ".join(f"{count} {name}" for name, count in written.items())
    _say(f"\nWritten to {args.out}: summary.json, plan.json, journal.csv, {files}")
    with db.transaction() as session:
        faults = [*judging.faults(session, day), *traffic.faults(summary["sync"])]
    verdict = "; ".join(faults) if faults else "every step of the chain is in the database, the books balance"
    _say(f"Judged afterwards: {verdict}.")
    _say(f"Done in {time.monotonic() - began:.1f} s.")
    return faults


def _teller(began: float) -> Callable[[str], None]:
    return lambda line: _say(f"[{time.monotonic() - began:5.1f} s] {line}")


def _keep_logins(logins: Mapping[str, seeding.Login], path: Path) -> None:
    """Write names and passwords of the demo's people where only the owner of the home reads them."""
    place.keep(
        path, json.dumps({login.username: login.password for login in logins.values()}, indent=2) + "\n"
    )


def _serve(base_url: str, logins: Path) -> None:
    """Keep the installation up until a signal comes."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    _say(f"Serving on {base_url} (API description at /v1/docs). Ctrl-C stops.")
    _say(f"Names and passwords to log in with: {logins}")
    while not over.wait(1):
        pass


def _say(line: str) -> None:
    print(line, flush=True)
