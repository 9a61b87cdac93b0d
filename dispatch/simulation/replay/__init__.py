"""Generated weeks replayed under a policy, so that one is chosen by evidence (``truckroll simulate``)."""
