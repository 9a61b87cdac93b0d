"""How a message leaves the house."""

from dispatch.messages.channels.base import Channel, ChannelAway, DeliveryRefused, Outgoing
from dispatch.messages.channels.null import NullChannel
from dispatch.messages.channels.smtp import SmtpChannel
from dispatch.settings import Settings

__all__ = [
    "Channel",
    "ChannelAway",
    "DeliveryRefused",
    "NullChannel",
    "Outgoing",
    "SmtpChannel",
    "build_channel",
]


def build_channel(settings: Settings) -> Channel:
    """Return the channel that the settings name: SMTP with a URL, else the recorded null one."""
    if settings.smtp_url:
        return SmtpChannel(settings.smtp_url, settings.mail_from)
    return NullChannel()
