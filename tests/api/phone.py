"""A technician's phone in tests: a P-256 key, a login, and the proofs that refreshing needs."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import TestResponse

from dispatch.access import proof
from tests.api.company import Client, key


class Phone:
    """A key that never leaves it, and the client that is logged in with it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.device_id = ""

    def proof(self, purpose: str, token: str, *, at: int | None = None) -> dict[str, Any]:
        """Sign as the phone does."""
        return asdict(proof.sign(self.key, purpose, token, int(time.time()) if at is None else at))

    def register(self, **changes: Any) -> TestResponse:
        """Bind the login to the key."""
        body = {
            "label": "Ada's phone",
            "public_key": proof.public_pem(self.key),
            "proof": self.proof(proof.REGISTER, self.client.access_token),
        } | changes
        answer = self.client.post("/v1/auth/devices", json=body, headers=key())
        if answer.status_code == 201:
            self.device_id = answer.get_json()["id"]
        return answer

    def refresh(self, token: str | None = None, *, at: int | None = None) -> TestResponse:
        """Exchange a refresh token, its own by default, with proof."""
        presented = token or self.client.refresh_token
        body = {"refresh_token": presented, "proof": self.proof(proof.REFRESH, presented, at=at)}
        return self.client.post("/v1/auth/refresh", json=body)
