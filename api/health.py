"""Is the process alive, and can it serve?"""

from __future__ import annotations

from flask import current_app
from marshmallow import fields, validate

from api import limits
from api.auth import policy
from api.config import current_settings
from api.resource import Resource
from api.schemas import Schema
from api.session import current_session
from dispatch import db
from dispatch.sync import upkeep

resource = Resource("health", description="Probes for a supervisor or a load balancer.", prefix="")


class Health(Schema):
    """The process answers."""

    status = fields.String(required=True, validate=validate.OneOf(["ok"]))


class Readiness(Schema):
    """Whether requests can be served; without the queue jobs run late, nothing is lost."""

    status = fields.String(required=True, validate=validate.OneOf(["ready", "degraded", "unavailable"]))
    database = fields.String(required=True, validate=validate.OneOf(["up", "down"]))
    queue = fields.String(required=True, validate=validate.OneOf(["up", "down", "not configured"]))
    phones = fields.String(
        validate=validate.OneOf(["on time", "late"]),
        metadata={"description": "Late: a transaction that stays open keeps what is new from every phone."},
    )


@resource.get("/healthz")
@policy.public
@resource.response(200, Health)
def read_health() -> object:
    """Whether the process is alive."""
    return {"status": "ok"}


@resource.get("/readyz")
@policy.public
@resource.response(200, Readiness)
@resource.alt_response(503, schema=Readiness, description="The database does not answer.")
def read_readiness() -> object:
    """Whether requests can be served."""
    database = "up" if db.answers(current_session()) else "down"
    queue = "not configured"
    if current_settings().redis_url is not None:
        queue = "up" if limits.storage_answers(current_app) else "down"
    if database == "down":
        return {"status": "unavailable", "database": database, "queue": queue}, 503, {"Retry-After": "5"}
    is_late = upkeep.delayed_seconds(current_session()) > upkeep.LATE_SECONDS
    return {
        "status": "degraded" if queue == "down" or is_late else "ready",
        "database": database,
        "queue": queue,
        "phones": "late" if is_late else "on time",
    }
