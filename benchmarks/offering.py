"""
Windows asked for at the API: ``python -m benchmarks.offering [--visits 500] [--technicians 50] [--days 5]``.

Writes a company whose days are planned and published into a real PostgreSQL, and asks the application for
offers for sites all over it, as a call taker would: the whole request, from the header to the answer. Asks
for all days at once, and for one day; the travel to the sites is known from the straight line. Then reads the
forecast of a whole day. Writes one row each.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from sqlalchemy import select

from api import create_app
from benchmarks.company import fill
from benchmarks.runs import Row, tail, write
from benchmarks.scale import empty_company, working
from dispatch import db
from dispatch.access import commands as access
from dispatch.access.hashing import Passwords
from dispatch.access.rules import Role
from dispatch.customers.model import Site
from dispatch.outbox import JobRun
from dispatch.planning.commands import request_optimise
from dispatch.planning.model import DayPlan
from dispatch.planning.publishing import publish
from dispatch.settings import Settings

RESULTS = Path(__file__).parent / "results" / "offering.jsonl"
PASSWORD = "a measured pass phrase"  # noqa: S105  # of a database that lives for minutes
PATIENCE, LOOK_SECONDS = 300.0, 0.2
ALONE = {
    "TRUCKROLL_MFA": "off",
    "TRUCKROLL_REQUESTS_PER_MINUTE_USER": "1000000",
    "TRUCKROLL_REQUESTS_PER_MINUTE_ADDRESS": "1000000",
}
"""One user asks as fast as the answers come."""
WARM_UP = 10
"""Questions before the clock counts: the first of a day opens it."""


def planned(region: uuid.UUID, days: Sequence[date], seconds: float, environment: dict[str, str]) -> int:
    """Plan and publish each day by a worker; how many visits are on routes."""
    with working(1, environment):
        for day in days:
            with db.transaction() as session:
                request_optimise(session, by=None, territory_id=region, day=day, seed=1, seconds=seconds)
            plan_id = _proposed(day)
            with db.transaction() as session:
                plan = session.get_one(DayPlan, plan_id)
                publish(session, by=None, plan=plan, expected_version=plan.base_version)
    with db.transaction() as session:
        plans = session.scalars(select(DayPlan).where(DayPlan.state == "published"))
        return sum(len(plan.stops) for plan in plans)


def _proposed(day: date) -> uuid.UUID:
    """Wait for the proposal for a day."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with db.transaction() as session:
            asked = select(DayPlan.id).where(DayPlan.state == "proposed", DayPlan.day == day)
            if (found := session.scalar(asked)) is not None:
                return found
            parked = session.scalar(select(JobRun.error).where(JobRun.state == "parked"))
        if parked is not None:
            raise SystemExit(f"a run was parked: {parked}")
        time.sleep(LOOK_SECONDS)
    raise SystemExit(f"no proposal within {PATIENCE:.0f} s")


def call_taker(region: uuid.UUID, environment: dict[str, str]) -> FlaskClient:
    """A client of the application, logged in."""
    settings = Settings.from_environment({**environment, **ALONE})
    client = create_app(settings).test_client()
    with db.transaction() as session:
        access.create_user(
            session,
            by=None,
            username="measurer",
            display_name="Measurer",
            password=PASSWORD,
            role=Role.CALL_TAKER,
            territory_ids=[region],
            passwords=Passwords(settings.hash_cost),
        )
    answer = client.post("/v1/auth/login", json={"username": "measurer", "password": PASSWORD})
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {answer.get_json()['access_token']}"
    return client


def asked(client: FlaskClient, first_day: date, days: int, *, count: int) -> Row:
    """Ask for offers for sites in turn; how long the answers took."""
    with db.transaction() as session:
        sites = session.scalars(select(Site.id).order_by(Site.id).limit(count + WARM_UP)).all()
    spent, windows = [], 0
    for number, site in enumerate(sites):
        body = {"site_id": str(site), "work": {"duration_minutes": 45}, "first_day": first_day.isoformat()}
        began = time.perf_counter()
        answer = client.post("/v1/booking/offers", json={**body, "days": days})
        took = time.perf_counter() - began
        if answer.status_code != 200:
            raise SystemExit(answer.get_data(as_text=True))
        if number >= WARM_UP:
            spent.append(1e6 * took)
            windows += len(answer.get_json()["windows"])
    p50, p95, p99 = np.percentile(spent, (50, 95, 99))
    return {
        "asked": len(spent),
        "windows_offered": windows,
        "median_us": round(float(p50)),
        "p95_us": round(float(p95)),
        "p99_us": round(float(p99)),
    }


def forecasts(client: FlaskClient, region: uuid.UUID, day: date, *, count: int) -> Iterator[Row]:
    """Read the forecast of a whole day, and of one route after the other; how long the answers took."""
    path = f"/v1/territories/{region}/days/{day.isoformat()}/forecast"
    told = _read(client, path)
    people = [route["technician_id"] for route in told["routes"]]
    whole = [path] * (count + WARM_UP)
    yield {"measure": "forecasts at the API", "routes": len(people), **_timed(client, whole)}
    single = [f"{path}/{people[number % len(people)]}" for number in range(6 * count + WARM_UP)]
    yield {"measure": "forecasts of one route at the API", "routes": 1, **_timed(client, single)}


def _read(client: FlaskClient, path: str) -> Any:
    answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(answer.get_data(as_text=True))
    return answer.get_json()


def _timed(client: FlaskClient, paths: Sequence[str]) -> Row:
    spent = []
    for path in paths:
        began = time.perf_counter()
        _read(client, path)
        spent.append(1e6 * (time.perf_counter() - began))
    p50, p95, p99 = np.percentile(spent[WARM_UP:], (50, 95, 99))
    return {
        "asked": len(spent) - WARM_UP,
        "median_us": round(float(p50)),
        "p95_us": round(float(p95)),
        "p99_us": round(float(p99)),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure each kind of question."""
    parser = argparse.ArgumentParser(description="offers of windows at the API")
    parser.add_argument("--visits", type=int, default=500, help="of each day")
    parser.add_argument("--technicians", type=int, default=50)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of planning, for each day")
    parser.add_argument("--asked", type=int, default=300)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args(arguments)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    days = [(midnight + timedelta(days=number)).date() for number in range(args.days)]
    head = {"size": args.visits, "technicians": args.technicians}
    with empty_company() as environment:
        with db.transaction() as session:
            region = fill(
                session,
                midnight,
                visits=args.visits,
                technicians=args.technicians,
                seed=1,
                days=args.days,
                minutes=(15, 45),
            )
        head["planned"] = planned(region, days, args.seconds, environment)
        client = call_taker(region, environment)
        for measure, count in (("offers at the API", args.days), ("quotes at the API", 1)):
            found = asked(client, days[0], count, count=args.asked)
            load = round(os.getloadavg()[0], 1)
            row = {"measure": measure, **head, "days": count, **found, "load_after": load, **tail()}
            write(args.out, row)
            print(json.dumps(row))
        for found in forecasts(client, region, days[0], count=args.asked // 6):
            row = {**head, "days": 1, **found, **tail()}
            write(args.out, row)
            print(json.dumps(row))


if __name__ == "__main__":
    main()
