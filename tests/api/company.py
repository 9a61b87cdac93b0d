"""A small company for tests of the API: two territories, a user of every role in each, clients logged in."""

from __future__ import annotations

import atexit
import itertools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dispatch import db
from dispatch.access import commands
from dispatch.access.hashing import Passwords
from dispatch.access.rules import Role
from dispatch.settings import Settings
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from tests.services import remove_home, short_home

PASSWORD = "correct horse battery"
NORTH, SOUTH = "north", "south"
_serial = itertools.count(1)
HOME = short_home()
"""What the applications under test keep on disk; removed when the tests end."""
atexit.register(remove_home, HOME)


def variables_of_tests(**variables: str) -> dict[str, str]:
    """Environment of an application under test: quick hashes, no second factor, limits out of the way."""
    generous = dict.fromkeys(
        (
            "TRUCKROLL_REQUESTS_PER_MINUTE_USER",
            "TRUCKROLL_REQUESTS_PER_MINUTE_DEVICE",
            "TRUCKROLL_REQUESTS_PER_MINUTE_ADDRESS",
        ),
        "1000000",
    )
    quick = {
        "TRUCKROLL_ENV": "test",
        "TRUCKROLL_HOME": str(HOME),
        "TRUCKROLL_HASH_COST": "quick",
        "TRUCKROLL_MFA": "off",
        "TRUCKROLL_SECRET": "a secret of tests alone, 0123456789",
        "TRUCKROLL_LOGIN_ATTEMPTS_PER_ADDRESS": "100000",
    }
    return generous | quick | variables


def settings_of_tests(**variables: str) -> Settings:
    """Settings of an application under test; see ``variables_of_tests``."""
    return Settings.from_environment(variables_of_tests(**variables))


def key() -> dict[str, str]:
    """A header Idempotency-Key that was not used before."""
    return {"Idempotency-Key": f"key-{next(_serial)}-{uuid.uuid4().hex}"}


class Client(FlaskClient):
    """A test client that sends an access token with every request."""

    access_token: str = ""
    refresh_token: str = ""
    user_id: str = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request as the client's user, unless it carries an Authorization of its own."""
        headers: Mapping[str, str] = dict(kwargs.pop("headers", None) or {})
        if self.access_token and "Authorization" not in headers:
            headers = {**headers, "Authorization": f"Bearer {self.access_token}"}
        return super().open(*args, headers=headers, **kwargs)

    def take(self, tokens: Mapping[str, Any]) -> None:
        """Keep the tokens of an answer."""
        self.access_token = tokens["access_token"]
        self.refresh_token = tokens["refresh_token"]
        self.user_id = tokens["user_id"]


class ClientFor(Protocol):
    """Makes a client that is logged in as a new user of a role."""

    def __call__(self, role: Role, *territories: str) -> Client:
        """Return the client; without territories the user sees the north, an administrator everything."""
        ...


@dataclass
class Company:
    """Ids of what every test finds in its database."""

    app: Flask
    settings: Settings
    territories: dict[str, uuid.UUID] = field(default_factory=dict)
    technicians: dict[str, uuid.UUID] = field(default_factory=dict)

    @classmethod
    def founded(cls, app: Flask, settings: Settings) -> Company:
        """Write the territories and one technician in each."""
        company = cls(app, settings)
        with db.transaction() as session:
            for code in (NORTH, SOUTH):
                ring = [[43.0, 7.0], [43.0, 8.0], [44.0, 8.0], [44.0, 7.0]]
                territory = Territory(code=code, name=code.title(), timezone="Europe/Monaco", boundary=ring)
                session.add(territory)
                session.flush()
                technician = Technician(
                    number=f"T-{code}",
                    name=f"Technician {code.title()}",
                    territory_id=territory.id,
                    home_latitude=43.7,
                    home_longitude=7.4,
                )
                session.add(technician)
                session.flush()
                company.territories[code] = territory.id
                company.technicians[code] = technician.id
        return company

    def user(self, role: Role, *territories: str) -> str:
        """Write a user with ``PASSWORD`` and return the user name."""
        name = f"{role.value.replace('_', '.')}-{next(_serial)}"
        seen = territories or (() if role is Role.ADMIN else (NORTH,))
        with db.transaction() as session:
            commands.create_user(
                session,
                by=None,
                username=name,
                display_name=name.title(),
                password=PASSWORD,
                role=role,
                technician_id=self.technicians[seen[0]] if role is Role.TECHNICIAN else None,
                territory_ids=[self.territories[code] for code in seen],
                passwords=Passwords("quick"),
            )
        return name

    def client(self, username: str, password: str = PASSWORD) -> Client:
        """Log in and return the client."""
        client = self.anybody()
        answer = client.post("/v1/auth/login", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        client.take(answer.get_json())
        return client

    def anybody(self) -> Client:
        """A client without login."""
        return Client(self.app, self.app.response_class)

    def with_settings(self, app: Flask, **changes: Any) -> Company:
        """The same company served by another application."""
        return replace(self, app=app, settings=replace(self.settings, **changes))
