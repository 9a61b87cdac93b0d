"""Where technicians are while on duty, and nothing beyond that (R-903)."""
