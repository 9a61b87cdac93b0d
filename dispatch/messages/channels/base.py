"""What every channel does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dispatch.errors import DispatchError


class DeliveryRefused(DispatchError):
    """The channel said a clear no; the message was not delivered."""

    code = "DELIVERY_REFUSED"
    remedy = "Check the customer's address, then send the message again."


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message in its final form; ``key`` is stable over attempts."""

    key: str
    address: str
    subject: str
    body: str
    language: str


class Channel(Protocol):
    """Delivers messages; raises ``DeliveryRefused`` on a clear no, anything else means unknown."""

    name: str

    def send(self, message: Outgoing) -> str:
        """Deliver and return the provider's reference."""
        ...
