"""
How many requests one caller may send (S9).

Buckets: a device, an office user, or the network address of a caller without login. Counted in Valkey; while
Valkey is away each process counts by itself, so a limit is then loose by the number of processes.
"""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, Response, g, request
from flask_limiter import Limiter
from limits.storage import Storage

from dispatch.settings import Settings

STRATEGY = "sliding-window-counter"
UNCOUNTED = frozenset({"health"})
_EXTENSION = "truckroll-limiter"
_WAIT_SECONDS = 0.5


def register(app: Flask, settings: Settings) -> Limiter:
    """Count every request of the application; must be called between identifying and refusing callers."""
    limiter = Limiter(
        key_func=_bucket,
        application_limits=[lambda: _allowance(settings)],
        storage_uri=storage_uri(settings.redis_url),
        storage_options=_options(settings.redis_url),
        strategy=STRATEGY,
        in_memory_fallback_enabled=True,
        swallow_errors=True,
        key_prefix="truckroll-limits",
    )
    limiter.init_app(app)
    limiter.request_filter(lambda: request.blueprint in UNCOUNTED)
    app.extensions[_EXTENSION] = limiter

    @app.after_request
    def say_when(response: Response) -> Response:
        """Tell a caller who was too fast when the next request is welcome."""
        breached = limiter.current_limit
        if response.status_code == 429 and breached is not None:
            response.headers["Retry-After"] = str(max(1, breached.reset_at - int(time.time())))
        return response

    return limiter


def limit_failed_logins(app: Flask, limiter: Limiter, endpoint: str, settings: Settings) -> None:
    """Refuse an address that failed to log in too often, whatever accounts it tried (S6)."""
    limited: Any = limiter.limit(
        f"{settings.login_attempts_per_address} per {settings.login_window_minutes} minutes",
        key_func=_address,
        deduct_when=_is_refused_login,
        override_defaults=False,
    )
    app.view_functions[endpoint] = limited(app.view_functions[endpoint])


def storage_answers(app: Flask) -> bool:
    """Tell whether the place where requests are counted answers."""
    limiter: Limiter = app.extensions[_EXTENSION]
    storage: Storage = limiter.storage
    return bool(storage.check())


def storage_uri(redis_url: str | None) -> str:
    """Return the address of the counters; without Valkey each process counts by itself."""
    if redis_url is None:
        return "memory://"
    return f"redis+{redis_url}" if redis_url.startswith("unix://") else redis_url


def _options(redis_url: str | None) -> dict[str, Any]:
    if redis_url is None:
        return {}
    return {"socket_connect_timeout": _WAIT_SECONDS, "socket_timeout": _WAIT_SECONDS}


def _bucket() -> str:
    identity = g.get("identity")
    if identity is None:
        return _address()
    principal = identity.principal
    return f"device:{principal.device_id}" if principal.device_id else f"user:{principal.user_id}"


def _allowance(settings: Settings) -> str:
    identity = g.get("identity")
    if identity is None:
        return f"{settings.requests_per_minute_address} per minute"
    if identity.principal.device_id:
        return f"{settings.requests_per_minute_device} per minute"
    return f"{settings.requests_per_minute_user} per minute"


def _address() -> str:
    return f"address:{request.remote_addr or 'unknown'}"


def _is_refused_login(response: Response) -> bool:
    return response.status_code == 401
