"""What every channel does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dispatch.errors import DispatchError


class DeliveryRefused(DispatchError):
    """The channel said a clear no; the message was not delivered."""

    code = "DELIVERY_REFUSED"
    remedy = "Check the customer's address, then send the message again."


class ChannelAway(DispatchError):
    """The channel could not be reached or asked to come back later; the message was certainly not taken."""

    code = "CHANNEL_AWAY"
    kind = "unavailable"
    remedy = "Nothing: the message stays queued and is tried again."


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message in its final form; ``key`` is stable over attempts."""

    key: str
    address: str
    subject: str
    body: str
    language: str


class Channel(Protocol):
    """
    Delivers messages.

    Raises ``DeliveryRefused`` on a clear no and ``ChannelAway`` when the message was certainly not taken;
    after any other error nobody knows whether it left.
    """

    name: str
    leaves_the_house: bool
    """False when delivering has no effect outside our database."""

    def send(self, message: Outgoing) -> str:
        """Deliver and return the provider's reference."""
        ...
