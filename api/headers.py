"""Security headers of every answer, and what is believed of a proxy's (S10, S11)."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from api import logs
from api.errors import MalformedRequest
from dispatch.settings import Settings
from dispatch.settings.strength import LOOPBACK_HOSTS

API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
SECURITY_HEADERS = {
    "Content-Security-Policy": API_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HSTS = "max-age=31536000; includeSubDomains"


def register(app: Flask, settings: Settings) -> None:
    """
    Set every Flask default that is open, and the headers of every answer.

    A proxy must set X-Forwarded-For and X-Forwarded-Proto itself and pass Host on; X-Forwarded-Host is
    never believed.
    """
    app.config.update(
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=min(settings.max_body_bytes, 500_000),
        MAX_FORM_PARTS=100,
        TRUSTED_HOSTS=trusted_hosts(settings),
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PROVIDE_AUTOMATIC_OPTIONS=False,
        PROPAGATE_EXCEPTIONS=False,
        DEBUG=False,
    )
    if settings.proxy_hops:
        hops = settings.proxy_hops
        fixed: Any = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_port=0, x_prefix=0)
        app.wsgi_app = fixed  # type: ignore[method-assign]
    app.before_request(_refuse_unreadable_address)
    app.after_request(_secure)


def trusted_hosts(settings: Settings) -> list[str]:
    """Return the host names the application answers to; loopback always, for probes of this machine."""
    own = {settings.host} - {"0.0.0.0", "::"}  # noqa: S104 - not bound here, only left out
    return sorted({*settings.trusted_hosts, *own, *(LOOPBACK_HOSTS - {"::1"}), "[::1]"})


def _refuse_unreadable_address() -> None:
    """No NUL and no broken UTF-8 in path or query: nothing behind here can store them."""
    raw = request.query_string.lower()
    if b"%00" in raw or b"\x00" in raw or "\x00" in request.path:
        raise MalformedRequest("the address contains a NUL character", reason="nul")
    if "\ufffd" in request.path:
        raise MalformedRequest("the address is not UTF-8", reason="encoding")


def _secure(response: Response) -> Response:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-ID"] = logs.request_id()
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = HSTS
    return response
