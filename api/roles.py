"""Who does what, by role: the groups that policies name. Administrators may do everything."""

from __future__ import annotations

from api.auth import EVERYBODY, OFFICE
from dispatch.access.rules import Role

ADMINS = (Role.ADMIN,)
READERS = tuple(sorted(OFFICE))
"""Reading what the office knows; each within the own territories."""
ALL = tuple(sorted(EVERYBODY))
"""The office, and technicians for what is given to them."""
INTAKE = (Role.ADMIN, Role.CALL_TAKER, Role.DISPATCHER, Role.SUPERVISOR)
"""Customer files, calls, arrival windows."""
JUDGES = (Role.ADMIN, Role.SUPERVISOR)
"""Assessments, overrules, templates, skills."""
CATALOGUERS = (Role.ADMIN, Role.FINANCE, Role.SUPERVISOR)
"""Parts and their prices."""
CONTRACTORS = (Role.ADMIN, Role.FINANCE, Role.SUPERVISOR)
"""Contracts."""
INSPECTORS = (Role.ADMIN, Role.DISPATCHER, Role.FINANCE, Role.SUPERVISOR)
"""Noting that an agreed inspection was done."""
PLANNERS = (Role.ADMIN, Role.DISPATCHER)
"""Day plans, publications, locks."""
DESK = (Role.ADMIN, Role.DISPATCHER, Role.SUPERVISOR)
"""Rosters, waiting, cancelling, reopening, verifying, cases."""
CASHIERS = (Role.ADMIN, Role.DISPATCHER, Role.FINANCE)
"""Receiving what technicians hand in."""
MONEY = (Role.ADMIN, Role.FINANCE)
"""Tariffs and payments."""
MONEY_READERS = (Role.ADMIN, Role.FINANCE, Role.SUPERVISOR)
"""Settlements and invoices; a supervisor releases what R-204 held back."""
COLLECTORS = (Role.ADMIN, Role.FINANCE, Role.TECHNICIAN)
"""Taking a customer's money; a technician for the own visits."""
RECORDERS = (Role.ADMIN, Role.DISPATCHER, Role.SUPERVISOR, Role.TECHNICIAN)
"""Facts of a visit: approvals and photographs."""
LOG_READERS = (Role.ADMIN, Role.DISPATCHER, Role.FINANCE, Role.SUPERVISOR, Role.TECHNICIAN)
LOG_WRITERS = (Role.ADMIN, Role.FINANCE, Role.SUPERVISOR)
