"""What a revoked phone is told, whatever it asks of the protocol (Identity 2, Revoked 1)."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response

from api import errors
from api.auth import bearer_token
from api.config import current_config
from api.resource import Resource
from api.session import current_session
from dispatch.access.rules import Unauthenticated
from dispatch.errors import DispatchError
from dispatch.sync import queries
from dispatch.sync.refusals import DeviceRevoked


def register(resource: Resource) -> None:
    """Tell revoked phones so, whether their login was dead already or died while they were answered."""
    for refusal in (Unauthenticated, DeviceRevoked):
        resource.register_error_handler(refusal, _tell_revoked)


def _tell_revoked(error: DispatchError) -> Response:
    """A revoked phone's tokens are dead; tell it why, so that it deletes what it holds."""
    token = bearer_token()
    secret = current_config().tokens.secret
    notice = queries.wipe_notice(current_session(), token, secret=secret) if token else None
    if notice is None:
        return errors.answer(error)
    return errors.answer(DeviceRevoked("this phone was revoked", **asdict(notice)))
