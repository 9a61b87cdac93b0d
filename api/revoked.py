"""What a revoked phone is told, whatever it asks of the protocol (Identity 2, Revoked 1)."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response

from api import errors
from api.auth import bearer_token
from api.config import current_config
from api.session import current_session
from dispatch.access.rules import Unauthenticated
from dispatch.sync import queries
from dispatch.sync.refusals import DeviceRevoked


def tell_revoked(error: Unauthenticated) -> Response:
    """A revoked phone's tokens are dead; tell it why, so that it deletes what it holds."""
    token = bearer_token()
    secret = current_config().tokens.secret
    notice = queries.wipe_notice(current_session(), token, secret=secret) if token else None
    if notice is None:
        return errors.answer(error)
    return errors.answer(DeviceRevoked("this phone was revoked", **asdict(notice)))
