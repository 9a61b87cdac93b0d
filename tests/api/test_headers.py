"""Headers of every answer, forged ones of the request, and settings that do not start (S10)."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from flask import Flask, request, request_started
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response

from api import create_app
from api.config import ConfigurationWeak
from dispatch.access.rules import Role
from dispatch.settings import Settings
from tests.api.company import Client, ClientFor, settings_of_tests

GOLDEN = {
    "Content-Security-Policy": (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SECRET = "kT9-xv4QzL0a_WfEy7uJ2bNdR8sHcM5pGiO1"


def production(**variables: str) -> Settings:
    return Settings.from_environment(
        {
            "TRUCKROLL_ENV": "production",
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
            "TRUCKROLL_SECRET": SECRET,
            "TRUCKROLL_HOST": "192.0.2.7",
            "TRUCKROLL_TRUSTED_HOSTS": "dispatch.example.org",
        }
        | variables
    )


@cache
def served(**variables: str) -> Flask:
    return create_app(production(**variables))


def asked(app: Flask, path: str = "/healthz", **options: Any) -> Response:
    """Send a raw request, as a proxy or an attacker would, and return the answer."""
    environ = EnvironBuilder(path, **options).get_environ()
    return Response(*_in_order(run_wsgi_app(app.wsgi_app, environ)))


def _in_order(answer: Any) -> tuple[Any, Any, Any]:
    body, status, headers = answer
    return b"".join(body), status, headers


def test_every_answer_carries_exactly_these_headers(client_for: ClientFor, anybody: Client) -> None:
    admin = client_for(Role.ADMIN)
    answers = {
        200: admin.get("/v1/users"),
        401: anybody.get("/v1/users"),
        404: anybody.get("/nothing"),
        405: anybody.put("/v1/users"),
        428: admin.patch(f"/v1/users/{admin.user_id}", json={}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        shown = dict(answer.headers)
        assert {name: shown.get(name) for name in GOLDEN} == GOLDEN
        others = set(shown) - set(GOLDEN)
        assert others <= {"Content-Type", "Content-Length", "X-Request-ID", "WWW-Authenticate", "Allow"}


def test_hsts_is_sent_behind_tls_only(app: Flask) -> None:
    assert "Strict-Transport-Security" not in asked(app).headers
    answer = asked(app, base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "dispatch.example.org.evil.example",
        "evil.example:443",
        "dispatch.example.org@evil.example",
        "192.0.2.1",
        "",
        "a b",
        "localhost.evil.example",
    ],
)
def test_a_forged_host_is_refused(host: str) -> None:
    assert asked(served(), headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    "host", ["dispatch.example.org", "dispatch.example.org:8443", "localhost", "127.0.0.1:80"]
)
def test_the_own_hosts_are_served(host: str) -> None:
    assert asked(served(), headers={"Host": host}).status_code == 200


def _seen_by(hops: int, forwarded: str | None) -> str:
    application = served(TRUCKROLL_PROXY_HOPS=str(hops))
    seen: list[str] = []

    def look(sender: Flask, **_: Any) -> None:
        seen.append(request.remote_addr or "")

    headers = {"Host": "dispatch.example.org"} | ({"X-Forwarded-For": forwarded} if forwarded else {})
    with request_started.connected_to(look, application):
        answer = asked(application, headers=headers, environ_base={"REMOTE_ADDR": "10.0.0.1"})
    assert answer.status_code == 200
    return seen[0]


@pytest.mark.parametrize(
    ("hops", "forwarded", "believed"),
    [
        (0, "1.1.1.1", "10.0.0.1"),
        (0, None, "10.0.0.1"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        (2, "6.6.6.6", "10.0.0.1"),
    ],
)
def test_forwarded_addresses_are_believed_for_exactly_the_known_hops(
    hops: int, forwarded: str | None, believed: str
) -> None:
    assert _seen_by(hops, forwarded) == believed


def test_a_forwarded_host_is_never_believed() -> None:
    app = served(TRUCKROLL_PROXY_HOPS="1")
    headers = {"Host": "evil.example", "X-Forwarded-Host": "dispatch.example.org"}
    assert asked(app, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "weakness",
    [
        {"TRUCKROLL_MFA": "off"},
        {"TRUCKROLL_SECRET": "secret"},
        {"TRUCKROLL_SECRET": ""},
        {"TRUCKROLL_TRUSTED_HOSTS": ""},
        {"TRUCKROLL_TRUSTED_HOSTS": "*"},
        {"TRUCKROLL_HASH_COST": "quick"},
        {"TRUCKROLL_CLOCK": "simulated"},
        {"TRUCKROLL_FSYNC": "off"},
    ],
)
def test_weak_production_settings_do_not_start(weakness: dict[str, str]) -> None:
    with pytest.raises(ConfigurationWeak):
        create_app(production(**weakness))


def test_the_open_defaults_of_flask_are_shut() -> None:
    settings = settings_of_tests()
    config = create_app(settings).config
    assert config["MAX_CONTENT_LENGTH"] == settings.max_body_bytes
    assert config["TRUSTED_HOSTS"] == ["127.0.0.1", "[::1]", "localhost"]
    assert config["SESSION_COOKIE_SECURE"] is config["SESSION_COOKIE_HTTPONLY"] is True
    assert config["SESSION_COOKIE_SAMESITE"] == "Strict"
    assert config["DEBUG"] is config["PROPAGATE_EXCEPTIONS"] is False
