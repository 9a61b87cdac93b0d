"""Roles and the person behind a request, as plain values."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a user is here for; one each."""

    ADMIN = "admin"
    DISPATCHER = "dispatcher"
    CALL_TAKER = "call_taker"
    SUPERVISOR = "supervisor"
    TECHNICIAN = "technician"
    FINANCE = "finance"


OFFICE_ROLES = frozenset(Role) - {Role.TECHNICIAN}
"""Roles that need a second factor (S6)."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. ``territory_ids`` of ``None`` means every territory (administrators without a list)."""

    user_id: uuid.UUID
    role: Role
    territory_ids: frozenset[uuid.UUID] | None = None
    technician_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None

    def may_see(self, territory_id: uuid.UUID) -> bool:
        """Tell whether a territory lies within this person's scope."""
        return self.territory_ids is None or territory_id in self.territory_ids
