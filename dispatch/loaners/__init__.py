"""Loaner units: lent while a repair takes too long, fetched when it is done (R-402)."""
