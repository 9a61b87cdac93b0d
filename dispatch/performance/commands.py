"""Writing the daily log; the same facts write the same rows, however often (R-701)."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, outbox
from dispatch.access.rules import Principal
from dispatch.performance import facts, metrics
from dispatch.performance.metrics import DutyFact, VisitFact
from dispatch.performance.model import DailyLog, Indicator
from dispatch.territories.model import Territory

COMPANY = "company"


def request_daily_log(session: Session, *, by: Principal | None, day: date) -> uuid.UUID:
    """Ask for a day's log to be written anew; the answer is the job's run."""
    run_id = outbox.request(
        session,
        "performance.write_daily_log",
        key=f"{day.isoformat()}:{db.new_id()}",
        payload={"day": day.isoformat(), "days_back": "0"},
    )
    assert run_id is not None  # noqa: S101 - the key is fresh, so the row is always written
    return run_id


def write_daily_log(session: Session, *, day: date) -> list[DailyLog]:
    """Write or correct the logs of a day: per technician, per territory, and the company's."""
    territories = session.scalars(select(Territory).order_by(Territory.code)).all()
    logs: list[DailyLog] = []
    all_visits: list[VisitFact] = []
    all_duties: list[DutyFact] = []
    all_money: dict[str, int] = {}
    for territory in territories:
        visits = facts.visits_of(session, territory, day)
        duties = facts.duties_of(session, territory, day)
        money = facts.money_of(session, territory, day)
        logs += _technicians(session, day, visits, duties, money)
        sums = _add({}, *money.values())
        logs.append(_write(session, day, "territory", str(territory.id), visits, duties, sums))
        all_visits += visits
        all_duties += duties
        all_money = _add(all_money, sums)
    logs.append(_write(session, day, "company", COMPANY, all_visits, all_duties, all_money))
    return logs


def _technicians(
    session: Session,
    day: date,
    visits: Sequence[VisitFact],
    duties: Sequence[DutyFact],
    money: dict[str, dict[str, int]],
) -> list[DailyLog]:
    ids = {duty.technician_id for duty in duties} | {v.technician_id for v in visits if v.technician_id}
    return [
        _write(
            session,
            day,
            "technician",
            technician_id,
            [visit for visit in visits if visit.technician_id == technician_id],
            [duty for duty in duties if duty.technician_id == technician_id],
            money.get(technician_id, {}),
        )
        for technician_id in sorted(ids)
    ]


def _add(*sums: dict[str, int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in sums:
        for method, amount in part.items():
            total[method] = total.get(method, 0) + amount
    return dict(sorted(total.items()))


def _write(  # noqa: PLR0917 - one row of a table, in the order of its columns
    session: Session,
    day: date,
    scope: str,
    scope_id: str,
    visits: Sequence[VisitFact],
    duties: Sequence[DutyFact],
    money: dict[str, int],
) -> DailyLog:
    body = facts.summary(visits, money)
    figures = metrics.indicators(visits, duties)
    digest = _digest(body, figures)
    statement = select(DailyLog).where(
        DailyLog.day == day, DailyLog.scope == scope, DailyLog.scope_id == scope_id
    )
    log = session.scalars(statement.with_for_update()).one_or_none()
    if log is None:
        log = DailyLog(day=day, scope=scope, scope_id=scope_id)
        session.add(log)
    elif log.facts_sha256 == digest:
        return log
    log.facts, log.facts_sha256, log.written_at = body, digest, clock.now()
    known = {indicator.name: indicator for indicator in log.indicators}
    for name, ratio in figures.items():
        if name in known:
            known[name].numerator, known[name].denominator = ratio.numerator, ratio.denominator
        else:
            log.indicators.append(
                Indicator(name=name, numerator=ratio.numerator, denominator=ratio.denominator)
            )
    session.flush()
    return log


def _digest(body: dict[str, Any], figures: dict[str, metrics.Ratio]) -> str:
    rows = {name: [_plain(ratio.numerator), _plain(ratio.denominator)] for name, ratio in figures.items()}
    text = json.dumps({"facts": body, "indicators": rows}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(number: Decimal) -> str:
    return f"{number:f}"
