"""
What the installation's secret is good for beyond tokens: sealed bytes, and notices that a phone can verify.

Each purpose has a key of its own, derived from the secret; losing the secret loses what is sealed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dispatch.errors import DispatchError

_NONCE = 12
WIPE = "truckroll-wipe-v1"


class SealBroken(DispatchError):
    """Sealed bytes cannot be opened: the installation's secret is another one, or they were changed."""

    code = "SEAL_BROKEN"
    kind = "internal"
    remedy = "Restore the installation's secret; what was sealed under it cannot be read otherwise."


def _key(secret: bytes, purpose: str) -> bytes:
    return hmac.new(secret, f"truckroll {purpose}".encode(), hashlib.sha256).digest()


def seal(secret: bytes, purpose: str, plain: bytes, *, bound_to: str) -> bytes:
    """Encrypt bytes with AES-256-GCM; they open for the same purpose and the same thing alone."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_key(secret, purpose)).encrypt(nonce, plain, bound_to.encode())


def unseal(secret: bytes, purpose: str, sealed: bytes, *, bound_to: str) -> bytes:
    """Return what was sealed; ``SealBroken`` when it was changed, moved, or sealed under another secret."""
    try:
        opened = AESGCM(_key(secret, purpose)).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to.encode())
    except (InvalidTag, ValueError):
        raise SealBroken(f"the sealed {purpose} cannot be opened") from None
    return opened


def notice_key(secret: bytes) -> str:
    """Return the public half of the key that signs notices to phones: Ed25519, raw, base64url."""
    raw = _notices(secret).public_key()
    form, encoding = serialization.PublicFormat.Raw, serialization.Encoding.Raw
    return _text(raw.public_bytes(encoding, form))


def signed_notice(secret: bytes, purpose: str, *lines: str) -> str:
    """Return the signature under a purpose and lines of text, one a line; base64url."""
    return _text(_notices(secret).sign("\n".join((purpose, *lines)).encode()))


def _notices(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_key(secret, "notices"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
