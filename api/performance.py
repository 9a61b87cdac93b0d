"""The daily log and its indicators, each as numerator and denominator (R-701, R-704)."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.fields import Day, Exact, Id, Moment, Word
from api.idempotency import creates
from api.resource import Resource
from api.schemas import DaysArgs, Schema, list_of
from api.session import current_session
from dispatch.performance import commands, queries

resource = Resource("performance", description="Daily logs per technician, territory and company.")

SCOPES = ("technician", "territory", "company")


class IndicatorShape(Schema):
    """A figure; the value is null, not zero, where nothing could be measured."""

    name = fields.String(required=True)
    numerator = Exact(required=True)
    denominator = Exact(required=True)
    value = Exact(required=True, allow_none=True)


class DailyLogShape(Schema):
    """One day of a technician, a territory or the company."""

    id = Id(required=True)
    day = Day(required=True)
    scope = Word(SCOPES, required=True)
    scope_id = fields.String(required=True)
    facts = fields.Dict(required=True)
    written_at = Moment(required=True)
    indicators = fields.List(fields.Nested(IndicatorShape), required=True)


class DailyLogArgs(DaysArgs):
    """Which days, and whose."""

    scope = Word(SCOPES, load_default=None)


class NewDailyLog(Schema):
    """Which day is to be written anew."""

    day = Day(required=True)


class DailyLogRunShape(Schema):
    """The job that writes the log."""

    run_id = Id(required=True)
    state = Word(["ready"], required=True)


DailyLogList = list_of(DailyLogShape)


@resource.get("/daily-logs")
@policy(*roles.LOG_READERS)
@resource.arguments(DailyLogArgs, location="query")
@resource.response(200, DailyLogList)
def list_daily_logs(args: dict[str, Any]) -> object:
    """Logs of at most 31 days, oldest first; technicians see their own."""
    logs = queries.daily_logs(
        current_session(),
        current_principal(),
        first=args["first_day"],
        last=args["last_day"],
        scope=args["scope"],
    )
    return {"items": logs}


@resource.post("/daily-logs")
@policy(*roles.LOG_WRITERS)
@creates
@resource.arguments(NewDailyLog)
@resource.response(202, DailyLogRunShape)
def request_daily_log(body: dict[str, Any]) -> object:
    """Have a day's log written anew from the facts as they are now known."""
    run_id = commands.request_daily_log(current_session(), by=current_principal(), **body)
    return {"run_id": run_id, "state": "ready"}
