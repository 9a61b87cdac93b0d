"""What the checks of the week ahead assume."""

from __future__ import annotations

from datetime import timedelta

DAYS, MARGIN_DAYS = 7, 4
"""Days that are played through, and days behind them that a limit may reach into."""
DRIVE = timedelta(minutes=20)
"""How long the nearest idle technician is on the way, about."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
