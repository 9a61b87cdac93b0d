"""Tools, and who keeps each (R-511)."""
