"""Service contracts: coverage, service levels, due dates."""
