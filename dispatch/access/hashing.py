"""Passwords as argon2id hashes, one-time codes, and the same work for names that do not exist (S6)."""

from __future__ import annotations

import hmac
import secrets

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

CODE_SECONDS = 30


class Passwords:
    """Hashes and verifies; an unknown user costs the same work as a known one."""

    def __init__(self, cost: str = "strong") -> None:
        self._hasher = (
            PasswordHasher()  # RFC 9106, low-memory profile: 64 MiB, 3 passes
            if cost == "strong"
            else PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        )
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """Return the argon2id hash of a password, salt and parameters included."""
        return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether a password fits; ``None`` (nobody) is always wrong, after the same work."""
        try:
            fits = self._hasher.verify(stored or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return fits and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


def new_code_secret() -> str:
    """Return a new secret for one-time codes, base 32."""
    return pyotp.random_base32()


def code_address(secret: str, username: str) -> str:
    """Return the otpauth address that an authenticator app reads as a QR code."""
    return pyotp.TOTP(secret, interval=CODE_SECONDS).provisioning_uri(name=username, issuer_name="Truckroll")


def code_step(secret: str, code: str, *, at: int, last_step: int | None) -> int | None:
    """
    Return the time step of a one-time code, or ``None`` when it is wrong or was used before.

    One step (30 s) of clock difference is accepted to either side. ``at`` is Unix time in seconds.
    """
    codes = pyotp.TOTP(secret, interval=CODE_SECONDS)
    now = at // CODE_SECONDS
    found: int | None = None
    for step in (now - 1, now, now + 1):
        fits = hmac.compare_digest(codes.generate_otp(step).encode(), code.encode())
        if fits and (last_step is None or step > last_step):
            found = step
    return found
