"""Real PostgreSQL and Valkey for an installation that has neither: found, started, watched, stopped."""
