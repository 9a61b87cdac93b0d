"""Writing the daily log; the same facts write the same rows, however often (R-701)."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from dispatch import clock, db, outbox
from dispatch.access.rules import Principal
from dispatch.performance import facts, metrics
from dispatch.performance.metrics import AnswerFact, DutyFact, VisitFact
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
    """
    Write or correct the logs of a day: per technician, per territory, and the company's.

    A technician who helped out elsewhere has one log with the work of all territories; one of whom the day
    holds nothing any more, since a visit turned out to be of another day, has none. Who was on duty when the
    day was first logged was so, though they may have left since.
    """
    territories = session.scalars(select(Territory).order_by(Territory.code)).all()
    mine = select(DailyLog.scope_id).where(DailyLog.day == day, DailyLog.scope == "technician")
    logged = [uuid.UUID(scope_id) for scope_id in session.scalars(mine)]
    parts = [_read(session, territory, day, logged) for territory in territories]
    whole = _Part(
        "company",
        COMPANY,
        [visit for part in parts for visit in part.visits],
        [duty for part in parts for duty in part.duties],
        _together([part.money for part in parts]),
        [answer for part in parts for answer in part.answers],
    )
    people = _technicians(whole)
    session.execute(
        delete(DailyLog).where(
            DailyLog.day == day,
            DailyLog.scope == "technician",
            DailyLog.scope_id.not_in([part.scope_id for part in people]),
        )
    )
    logs = [_write(session, day, part) for part in people]
    return [*logs, *(_write(session, day, part) for part in [*parts, whole])]


def correct_logs(session: Session, *, change_id: uuid.UUID) -> Sequence[date]:
    """Write the logs anew of the days that a change of a visit's times concerns; return those days."""
    concerned = facts.days_of_change(session, change_id)
    statement = select(DailyLog.day).where(DailyLog.day.in_(concerned)).distinct().order_by(DailyLog.day)
    days = session.scalars(statement).all()
    for day in days:
        write_daily_log(session, day=day)
    return days


@dataclass(frozen=True, slots=True)
class _Part:
    """
    The facts of one log.

    ``money`` maps technician, or ``office``, to method to minor units; answers are the office's alone.
    """

    scope: str
    scope_id: str
    visits: Sequence[VisitFact]
    duties: Sequence[DutyFact]
    money: Mapping[str, Mapping[str, int]]
    answers: Sequence[AnswerFact] = ()


def _read(session: Session, territory: Territory, day: date, logged: Collection[uuid.UUID]) -> _Part:
    return _Part(
        "territory",
        str(territory.id),
        facts.visits_of(session, territory, day),
        facts.duties_of(session, territory, day, logged),
        facts.money_of(session, territory, day),
        facts.answers_of(session, territory, day),
    )


def _technicians(whole: _Part) -> list[_Part]:
    ids = {duty.technician_id for duty in whole.duties} | (whole.money.keys() - {facts.OFFICE})
    ids |= {visit.technician_id for visit in whole.visits if visit.technician_id}
    return [
        _Part(
            "technician",
            technician_id,
            [visit for visit in whole.visits if visit.technician_id == technician_id],
            [duty for duty in whole.duties if duty.technician_id == technician_id],
            {technician_id: whole.money.get(technician_id, {})},
        )
        for technician_id in sorted(ids)
    ]


def _together(moneys: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    keepers = sorted({keeper for money in moneys for keeper in money})
    return {keeper: _add(*(money.get(keeper, {}) for money in moneys)) for keeper in keepers}


def _add(*sums: Mapping[str, int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in sums:
        for method, amount in part.items():
            total[method] = total.get(method, 0) + amount
    return dict(sorted(total.items()))


def _write(session: Session, day: date, part: _Part) -> DailyLog:
    body = facts.summary(part.visits, part.duties, _add(*part.money.values()), part.answers)
    figures = metrics.indicators(part.visits, part.duties, part.answers)
    digest = _digest(body, figures)
    statement = select(DailyLog).where(
        DailyLog.day == day, DailyLog.scope == part.scope, DailyLog.scope_id == part.scope_id
    )
    log = session.scalars(statement.with_for_update()).one_or_none()
    if log is None:
        log = DailyLog(day=day, scope=part.scope, scope_id=part.scope_id)
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
