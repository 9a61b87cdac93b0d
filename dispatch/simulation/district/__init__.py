"""Central Helsinki from OpenStreetMap: address points and road times, shipped; see SOURCE.md."""
