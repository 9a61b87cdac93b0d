"""The installation's secret, from which every signature and keyed hash is derived."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dispatch.embedded.place import kept_secret

if TYPE_CHECKING:
    from dispatch.settings import Settings


def installation_secret(settings: Settings) -> bytes:
    """Return the secret of the settings, or the one kept in the home, as 32 bytes."""
    return hashlib.sha256((settings.secret_key or kept_secret(settings.home, "secret")).encode()).digest()
