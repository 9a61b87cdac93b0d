"""Technicians who can sign in on a phone, in databases that live for minutes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from dispatch.access import commands as access
from dispatch.access.hashing import Passwords
from dispatch.access.model import User
from dispatch.access.rules import Role

PASSWORD = "a measured pass phrase"


@dataclass(frozen=True, slots=True)
class Login:
    """What a technician signs in with."""

    username: str
    password: str = PASSWORD


def sign_up(session: Session, name: str, technician_id: uuid.UUID, territory_id: uuid.UUID) -> User:
    """Give a technician an account of a name."""
    made = access.create_user(
        session,
        by=None,
        username=name,
        display_name=name,
        password=PASSWORD,
        role=Role.TECHNICIAN,
        technician_id=technician_id,
        territory_ids=[territory_id],
        passwords=Passwords("quick"),
    )
    return made.user
