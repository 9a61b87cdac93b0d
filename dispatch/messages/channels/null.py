"""The channel that delivers nothing: messages stay readable in the database."""

from __future__ import annotations

from dispatch.messages.channels.base import Outgoing


class NullChannel:
    """Accepts every message and keeps no copy, since the row in ``message`` is the record."""

    name = "null"
    leaves_the_house = False

    def send(self, message: Outgoing) -> str:
        """Return a reference made from the message's key."""
        return f"null:{message.key}"
