"""
Proof that a device holds its key: an ECDSA P-256 signature over a purpose, a token's hash and a time.

The signature is the raw 64 bytes r‖s in base64url, as WebCrypto makes it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from dispatch.access.rules import DeviceRefused
from dispatch.access.tokens import fingerprint

REGISTER, REFRESH = "truckroll-device-v1", "truckroll-refresh-v1"
QUARANTINE = "truckroll-quarantine-v1"
LONGEST_KEY = 1000
_HALF = 32


@dataclass(frozen=True, slots=True)
class Proof:
    """What a device sends: when it signed (Unix seconds) and the signature (base64url)."""

    timestamp: int
    signature: str


def signed_text(purpose: str, token: str, timestamp: int) -> bytes:
    """Return the exact bytes a device signs: purpose, SHA-256 of the token, Unix seconds, one a line."""
    return f"{purpose}\n{fingerprint(token)}\n{timestamp}".encode()


def sign(key: ec.EllipticCurvePrivateKey, purpose: str, token: str, timestamp: int) -> Proof:
    """Sign as a device does; used by the simulated technicians and by tests."""
    r, s = decode_dss_signature(key.sign(signed_text(purpose, token, timestamp), ec.ECDSA(hashes.SHA256())))
    raw = r.to_bytes(_HALF) + s.to_bytes(_HALF)
    return Proof(timestamp, base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return a key's public half as PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def read_public_key(pem: str) -> ec.EllipticCurvePublicKey:
    """Read a device's public key; only P-256 is accepted."""
    try:
        key = serialization.load_pem_public_key(pem[:LONGEST_KEY].encode())
    except (ValueError, UnsupportedAlgorithm):
        raise DeviceRefused("the public key cannot be read: PEM of a P-256 key is expected") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise DeviceRefused("the public key is not of the curve P-256")
    return key


def holds(key: ec.EllipticCurvePublicKey, proof: Proof, purpose: str, token: str) -> bool:
    """Tell whether a proof was made with the private half of a key, for this purpose and token."""
    try:
        raw = base64.b64decode(proof.signature + "=" * (-len(proof.signature) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(raw) != 2 * _HALF:
        return False
    signature = encode_dss_signature(int.from_bytes(raw[:_HALF]), int.from_bytes(raw[_HALF:]))
    try:
        key.verify(signature, signed_text(purpose, token, proof.timestamp), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
