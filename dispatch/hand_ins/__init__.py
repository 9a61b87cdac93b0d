"""The day-end hand-in of sheets and money (R-603)."""
