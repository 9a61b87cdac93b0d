"""Whether an installation's settings are fit for customers (S10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from dispatch.settings import Settings

SHORTEST_SECRET = 32
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


_HOUSE_RULE = "Unset it, and set the house rule {}, of the company or of a contract."
GONE = {
    "TRUCKROLL_LATE_COMPENSATION_MINOR": _HOUSE_RULE.format("late_compensation_minor"),
    "TRUCKROLL_COMPENSATION_AUTHORITY_MINOR": _HOUSE_RULE.format("compensation_authority_minor"),
}
"""Variables that meant something once, each with what takes its place."""


def left_over(env: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the variables that are set and mean nothing any more, each with what to do."""
    return [(variable, remedy) for variable, remedy in GONE.items() if env.get(variable, "").strip()]


def weaknesses(settings: Settings) -> list[str]:
    """What makes these settings too weak to serve customers; empty means fit for production (S10)."""
    found: list[str] = []
    public = settings.host not in LOOPBACK_HOSTS
    secret = settings.secret_key
    if secret is not None and (len(secret) < SHORTEST_SECRET or len(set(secret)) < 10):
        found.append(f"TRUCKROLL_SECRET is weak: use at least {SHORTEST_SECRET} random characters")
    if secret is None and settings.database_url is not None:
        found.append("TRUCKROLL_SECRET is missing: with DATABASE_URL every process needs the same secret")
    if (public or settings.proxy_hops) and not settings.trusted_hosts:
        found.append("TRUCKROLL_TRUSTED_HOSTS is empty although the API is reachable from outside")
    if "*" in settings.trusted_hosts:
        found.append("TRUCKROLL_TRUSTED_HOSTS accepts every host")
    if settings.mfa == "off":
        found.append("TRUCKROLL_MFA is off: office roles log in with a password alone")
    if settings.hash_cost == "quick":
        found.append("TRUCKROLL_HASH_COST is quick: stolen password hashes could be guessed")
    if settings.simulated_clock:
        found.append("TRUCKROLL_CLOCK is simulated: business time would not be real")
    if not settings.fsync:
        found.append("TRUCKROLL_FSYNC is off: a power cut can lose committed work")
    return found + _weak_addresses(settings)


def _weak_addresses(settings: Settings) -> list[str]:
    """Connections that would carry secrets or customers' names in clear text over a network (S10)."""
    found: list[str] = []
    if settings.smtp_url:
        mail = urlsplit(settings.smtp_url)
        if mail.scheme == "smtp" and mail.hostname not in LOOPBACK_HOSTS:
            found.append("TRUCKROLL_SMTP_URL sends mail in clear text: use smtp+starttls:// or smtps://")
    if settings.mailbox_url:
        box = urlsplit(settings.mailbox_url)
        if box.scheme == "imap" and box.hostname not in LOOPBACK_HOSTS:
            found.append("TRUCKROLL_MAILBOX_URL reads mail in clear text: use imaps:// or imap+starttls://")
    if settings.redis_url:
        queue = urlsplit(settings.redis_url)
        if queue.scheme == "redis" and queue.hostname not in LOOPBACK_HOSTS and not queue.password:
            found.append("REDIS_URL has no password although the server is on a network")
    return found
