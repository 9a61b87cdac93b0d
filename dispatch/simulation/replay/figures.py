"""What a policy comes to: the figures by which a manager chooses."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Figures:
    """
    Sums over the days of a replay.

    told_anew
        Customers who heard of another technician, or of a begin after their window.
    turned_away
        Callers who were offered nothing on the day.
    """

    days: int = 0
    promised: int = 0
    kept: int = 0
    left_out: int = 0
    turned_away: int = 0
    emergencies: int = 0
    emergencies_kept: int = 0
    told_anew: int = 0
    plans: int = 0
    overtime: int = 0
    metres: int = 0
    seen: set[str] = field(default_factory=set)

    def add(self, other: Figures) -> None:
        """Add the figures of a day."""
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.days += 1

    def rows(self) -> list[tuple[str, str]]:
        """Return every figure with its name, as printed."""
        share = 100 * self.kept / self.promised if self.promised else 100.0
        urgent = f"{self.emergencies_kept} of {self.emergencies}"
        return [
            ("days", str(self.days)),
            ("promises", str(self.promised)),
            ("kept", f"{self.kept} ({share:.1f} %)"),
            ("not visited", str(self.left_out)),
            ("callers turned away", str(self.turned_away)),
            ("emergencies within 2 h", urgent),
            ("customers told anew", str(self.told_anew)),
            ("new plans during the day", str(self.plans)),
            ("overtime, hours", f"{self.overtime / 3_600:.1f}"),
            ("kilometres", f"{self.metres / 1_000:.0f}"),
            ("kilometres per visit", f"{self.metres / 1_000 / max(1, self.promised):.1f}"),
        ]


COUNTED = (
    "promised",
    "kept",
    "left_out",
    "turned_away",
    "emergencies",
    "emergencies_kept",
    "told_anew",
    "plans",
    "overtime",
    "metres",
)
