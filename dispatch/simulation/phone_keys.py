"""What the reference phone signs, and what it believes: its own P-256 key, and the server's notices."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def proof_of(key: ec.EllipticCurvePrivateKey, purpose: str, told: str) -> dict[str, Any]:
    """Sign purpose, SHA-256 of what is told and the time, one a line; the raw 64 bytes in base64url."""
    timestamp = int(time.time())
    signed = f"{purpose}\n{hashlib.sha256(told.encode()).hexdigest()}\n{timestamp}".encode()
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    raw = r.to_bytes(32) + s.to_bytes(32)
    return {"timestamp": timestamp, "signature": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}


def is_signed(notice_key: str, purpose: str, lines: Sequence[str], signature: str) -> bool:
    """Tell whether the server signed purpose and lines, one a line, with the key it gave at registration."""
    try:
        key = Ed25519PublicKey.from_public_bytes(_raw(notice_key))
        key.verify(_raw(signature), "\n".join((purpose, *lines)).encode())
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _raw(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
