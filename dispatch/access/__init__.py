"""Users, roles, devices, tokens, limits and the audit trail."""
