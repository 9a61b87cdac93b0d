"""
The office of the demo: people who use the HTTP API as a screen would.

A request that meets a dead or restarting service is repeated with the same key until it is answered, so a
killed server costs time and nothing else.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
import pyotp

from dispatch.errors import DispatchError
from dispatch.simulation.seeding import Login

PATIENCE_SECONDS = 90.0
RETRIED = frozenset({429, 502, 503, 504})


class OfficeRefused(DispatchError):
    """The API refused a request of the demo's office."""

    code = "OFFICE_REFUSED"

    def __init__(self, response: httpx.Response) -> None:
        body = _problem(response)
        self.status = response.status_code
        self.problem: Mapping[str, Any] = body
        wanted = f"{response.request.method} {response.request.url.path}"
        super().__init__(f"{wanted}: {self.status} {body.get('code')} {body.get('detail')}")


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {"detail": response.text[:300]}
    return body if isinstance(body, dict) else {"detail": str(body)[:300]}


class Person:
    """One signed-in user; tokens are renewed when the server asks for it."""

    def __init__(self, base_url: str, login: Login) -> None:
        self._login = login
        self._http = httpx.Client(base_url=base_url, timeout=60)
        self._tokens: dict[str, Any] | None = None
        self.requests = 0

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Read something."""
        return self._json(self._send("GET", path, params=params))

    def create(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """Create something once, however often the line breaks."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._json(self._send("POST", path, json=body, headers=headers))

    def change(self, method: str, path: str, body: Mapping[str, Any] | None, version: int) -> dict[str, Any]:
        """Change something that was read at a version."""
        headers = {"If-Match": f'"{version}"'}
        return self._json(self._send(method, path, json=body, headers=headers))

    def download(self, path: str, **params: Any) -> bytes:
        """Fetch a document's bytes."""
        return self._send("GET", path, params=params).content

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        body = response.json() if response.content else {}
        return body if isinstance(body, dict) else {"items": body}

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            response = self._attempt(method, path, headers=headers | self._bearer(), **options)
            if response is not None and response.status_code == 401 and self._tokens is not None:
                self._tokens = None
                continue
            if response is not None and response.status_code not in RETRIED:
                if response.status_code >= 400:
                    raise OfficeRefused(response)
                return response
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} was not answered in {PATIENCE_SECONDS:.0f} s")
            time.sleep(0.3)

    def _attempt(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        self.requests += 1
        try:
            return self._http.request(method, path, **options)
        except httpx.TransportError:
            return None

    def _bearer(self) -> dict[str, str]:
        if self._tokens is None:
            self._tokens = self._sign_in()
        return {"Authorization": f"Bearer {self._tokens['access_token']}"}

    def _sign_in(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            response = self._attempt("POST", "/v1/auth/login", json=self._credentials())
            if response is not None and response.status_code == 200:
                return self._json(response)
            if response is not None and response.status_code not in RETRIED | {401}:
                raise OfficeRefused(response)
            time.sleep(1)
        raise TimeoutError(f"{self._login.username} could not sign in")

    def _credentials(self) -> dict[str, Any]:
        code = pyotp.TOTP(self._login.code_secret).now() if self._login.code_secret else None
        return {"username": self._login.username, "password": self._login.password, "code": code}
