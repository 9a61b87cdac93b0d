"""
Opaque tokens: 256 random bits at login, later ones derived, and only SHA-256 at rest (S7, S8).

The successor of a refresh token is an HMAC of the presented token under the server's secret. A phone that
lost the reply can therefore ask again and gets the very same successor, without it being stored anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

ACCESS, REFRESH = "access", "refresh"
PREFIX = {ACCESS: "tra_", REFRESH: "trr_"}
LENGTH = len("tra_") + 43
"""Characters of a token: a prefix that secret scanners can find, and 256 bits in base64url."""


def new_token(kind: str) -> str:
    """Return a random token of a kind."""
    return PREFIX[kind] + _text(secrets.token_bytes(32))


def successor(secret: bytes, presented: str, kind: str) -> str:
    """Return the token of a kind that follows a presented refresh token; always the same one."""
    purpose = hmac.new(secret, f"truckroll token successor {kind}".encode(), hashlib.sha256).digest()
    return PREFIX[kind] + _text(hmac.new(purpose, presented.encode(), hashlib.sha256).digest())


def fingerprint(token: str) -> str:
    """Return what is kept of a token: its SHA-256 in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
