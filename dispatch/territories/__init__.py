"""Territories: where the company works, and what a user may see."""
