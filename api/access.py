"""Login, tokens, devices and users."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

from flask import request
from marshmallow import fields

from api.auth import EVERYBODY, bearer_token, current_identity, current_principal, policy
from api.config import current_config
from api.etags import changes, expected_version
from api.fields import Choice, Flag, Id, Moment, Notes, Text, Whole
from api.idempotency import creates, creates_secret
from api.resource import Resource
from api.schemas import ListOf, PageArgs, Schema, page_of
from api.session import current_session, keep_changes
from dispatch.access import commands, queries, signing_in
from dispatch.access.proof import LONGEST_KEY, Proof
from dispatch.access.rules import LONGEST_PASSWORD, Role
from dispatch.access.sealing import notice_key
from dispatch.access.signing_in import Issued

resource = Resource("access", description="Login, tokens, devices and users.")

LANGUAGE = r"^(en|zh)$"


class Password(Text):
    """A secret; any characters but control characters, never shown."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(LONGEST_PASSWORD, load_only=True, metadata={"format": "password"}, **kwargs)


class Login(Schema):
    """Who wants in; office roles add the code of their authenticator app."""

    username = Text(100, required=True)
    password = Password(required=True)
    code = Text(6, least=6, pattern=r"^[0-9]{6}$", allow_none=True, load_default=None)


class Tokens(Schema):
    """A pair of tokens, shown once."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    token_type = fields.Constant("Bearer")
    access_expires_at = Moment(required=True)
    refresh_expires_at = Moment(required=True)
    user_id = Id(required=True)


class ProofShape(Schema):
    """A device's signature: ECDSA P-256 over purpose, SHA-256 of the token and the time, one a line."""

    timestamp = Whole(0, 2**31 - 1, required=True, metadata={"description": "Unix seconds."})
    signature = Text(86, least=86, pattern=r"^[A-Za-z0-9_-]{86}$", required=True)


class Refresh(Schema):
    """A refresh token; a registered device adds its proof (purpose ``truckroll-refresh-v1``)."""

    refresh_token = Text(60, required=True)
    proof = fields.Nested(ProofShape, allow_none=True, load_default=None)


class NewDevice(Schema):
    """A phone's public key, and proof that it holds the private one (purpose ``truckroll-device-v1``)."""

    label = Text(100, required=True)
    public_key = Notes(LONGEST_KEY, least=1, required=True, metadata={"description": "PEM, P-256."})
    proof = fields.Nested(ProofShape, required=True)


class DeviceShape(Schema):
    """A technician's phone."""

    id = Id(required=True)
    version = Whole(required=True)
    user_id = Id(required=True)
    technician_id = Id(required=True)
    label = Text(required=True)
    registered_at = Moment(required=True)
    revoked_at = Moment(required=True, allow_none=True)


class RegisteredDevice(DeviceShape):
    """A phone that was just bound to its key; ``notice_key`` verifies what we sign for it (Ed25519)."""

    notice_key = fields.Function(
        lambda _: notice_key(current_config().tokens.secret), metadata={"type": "string"}
    )


class UserShape(Schema):
    """A person who signs in."""

    id = Id(required=True)
    version = Whole(required=True)
    username = Text(required=True)
    display_name = Text(required=True)
    role = Choice(Role, required=True)
    language = Text(2, pattern=LANGUAGE, required=True)
    technician_id = Id(required=True, allow_none=True)
    is_active = Flag(required=True)
    territory_ids = fields.Function(
        lambda user: [str(row.territory_id) for row in user.territories],
        metadata={"type": "array", "items": {"type": "string", "format": "uuid"}},
    )
    created_at = Moment(required=True)


class NewUser(Schema):
    """What an administrator gives to create a user."""

    username = Text(100, pattern=r"^[A-Za-z0-9._@-]{2,100}$", required=True)
    display_name = Text(required=True)
    password = Password(required=True)
    role = Choice(Role, required=True)
    language = Text(2, pattern=LANGUAGE, load_default="en")
    technician_id = Id(allow_none=True, load_default=None)
    territory_ids = ListOf(Id(), load_default=list)


class UserWithSecretShape(Schema):
    """A user with the secret of the one-time codes, shown this once."""

    version = Whole(required=True)
    user = fields.Nested(UserShape, required=True)
    code_secret = fields.String(required=True, allow_none=True)
    code_address = fields.String(required=True, allow_none=True, metadata={"description": "otpauth address."})


class UserChanges(Schema):
    """What may change of a user; what is left out stays."""

    display_name = Text()
    language = Text(2, pattern=LANGUAGE)
    is_active = Flag()
    territory_ids = ListOf(Id())


class NewPassword(Schema):
    """A new password."""

    password = Password(required=True)


class OwnPassword(Schema):
    """The present password and a new one."""

    current = Password(required=True)
    new = Password(required=True)


UserPage = page_of(UserShape)
DevicePage = page_of(DeviceShape)


@resource.post("/auth/login")
@policy.public
@resource.arguments(Login)
@resource.response(200, Tokens)
def log_in(body: dict[str, Any]) -> object:
    """Log in; the refusal is the same whatever was wrong."""
    config = current_config()
    outcome = signing_in.log_in(
        current_session(),
        **body,
        address=request.remote_addr or "",
        passwords=config.passwords,
        login=config.login,
        tokens=config.tokens,
    )
    return _issued(outcome)


@resource.post("/auth/refresh")
@policy.public
@resource.arguments(Refresh)
@resource.response(200, Tokens)
def refresh(body: dict[str, Any]) -> object:
    """Exchange a refresh token; repeat the call unchanged when the answer was lost."""
    outcome = signing_in.refresh(
        current_session(),
        refresh_token=body["refresh_token"],
        proof=Proof(**body["proof"]) if body["proof"] else None,
        address=request.remote_addr or "",
        rules=current_config().tokens,
    )
    return _issued(outcome)


@resource.post("/auth/logout")
@policy(*EVERYBODY)
@resource.response(204)
def log_out() -> None:
    """End this login."""
    identity = current_identity()
    signing_in.log_out(current_session(), family_id=identity.family_id, user_id=identity.principal.user_id)


@resource.post("/auth/logout-everywhere")
@policy(*EVERYBODY)
@resource.response(204)
def log_out_everywhere() -> None:
    """End every login of mine."""
    me = current_principal().user_id
    signing_in.log_out_everywhere(current_session(), user_id=me, by=me)


@resource.get("/auth/me")
@policy(*EVERYBODY)
@resource.response(200, UserShape)
def read_myself() -> object:
    """Who I am."""
    return queries.myself(current_session(), current_principal())


@resource.post("/auth/password")
@policy(*EVERYBODY)
@resource.arguments(OwnPassword)
@resource.response(204)
def change_own_password(body: dict[str, Any]) -> None:
    """Change my password; every login of mine ends."""
    session, me = current_session(), current_principal()
    user = queries.myself(session, me)
    commands.change_own_password(session, by=me, user=user, **body, passwords=current_config().passwords)


@resource.post("/auth/devices")
@policy(Role.TECHNICIAN)
@creates
@resource.arguments(NewDevice)
@resource.response(201, RegisteredDevice)
def register_device(body: dict[str, Any]) -> object:
    """Bind this login to my phone's key; refreshing then needs the key."""
    identity = current_identity()
    return commands.register_device(
        current_session(),
        by=identity.principal,
        family_id=identity.family_id,
        access_token=bearer_token() or "",
        label=body["label"],
        public_key=body["public_key"],
        proof=Proof(**body["proof"]),
        rules=current_config().tokens,
    )


@resource.get("/devices")
@policy(Role.ADMIN)
@resource.arguments(PageArgs, location="query")
@resource.response(200, DevicePage)
def list_devices(args: dict[str, Any]) -> object:
    """Technicians' phones, newest first."""
    return queries.devices(current_session(), current_principal(), **args)


@resource.post("/devices/<uuid:device_id>/revoke")
@policy(Role.ADMIN)
@changes
@resource.response(200, DeviceShape)
def revoke_device(device_id: uuid.UUID) -> object:
    """Shut a lost phone out at once."""
    session, me = current_session(), current_principal()
    device = queries.find_device(session, me, device_id)
    return commands.revoke_device(session, by=me, device=device, expected_version=expected_version())


@resource.get("/users")
@policy(Role.ADMIN)
@resource.arguments(PageArgs, location="query")
@resource.response(200, UserPage)
def list_users(args: dict[str, Any]) -> object:
    """Users, newest first."""
    return queries.users(current_session(), current_principal(), **args)


@resource.post("/users")
@policy(Role.ADMIN)
@creates_secret("code_secret", "code_address")
@resource.arguments(NewUser)
@resource.response(201, UserWithSecretShape)
def create_user(body: dict[str, Any]) -> object:
    """Create a user; the secret of the one-time codes is in this answer and in no other."""
    made = commands.create_user(
        current_session(), by=current_principal(), **body, passwords=current_config().passwords
    )
    return _with_secret(made)


@resource.get("/users/<uuid:user_id>")
@policy(Role.ADMIN)
@resource.response(200, UserShape)
def read_user(user_id: uuid.UUID) -> object:
    """One user."""
    return queries.find_user(current_session(), current_principal(), user_id)


@resource.patch("/users/<uuid:user_id>")
@policy(Role.ADMIN)
@changes
@resource.arguments(UserChanges)
@resource.response(200, UserShape)
def change_user(body: dict[str, Any], user_id: uuid.UUID) -> object:
    """Change a user; a deactivated one is logged out everywhere at once."""
    session, me = current_session(), current_principal()
    user = queries.find_user(session, me, user_id)
    return commands.change_user(session, by=me, user=user, expected_version=expected_version(), **body)


@resource.post("/users/<uuid:user_id>/reset")
@policy(Role.ADMIN)
@changes
@resource.arguments(NewPassword)
@resource.response(200, UserWithSecretShape)
def reset_user(body: dict[str, Any], user_id: uuid.UUID) -> object:
    """Give a user a new password and code secret, and end every login."""
    session, me = current_session(), current_principal()
    user = queries.find_user(session, me, user_id)
    made = commands.reset_user(
        session,
        by=me,
        user=user,
        expected_version=expected_version(),
        passwords=current_config().passwords,
        **body,
    )
    return _with_secret(made)


def _issued(outcome: object) -> object:
    """Return tokens, or raise the refusal while what it left behind is committed."""
    if isinstance(outcome, Exception):
        keep_changes()
        raise outcome
    if not isinstance(outcome, Issued):
        raise TypeError("neither tokens nor a refusal")
    return asdict(outcome)


def _with_secret(made: commands.UserWithSecret) -> dict[str, Any]:
    return {
        "version": made.user.version,
        "user": made.user,
        "code_secret": made.code_secret,
        "code_address": made.code_address,
    }
