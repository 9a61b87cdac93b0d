"""A phone without contact: what its technician does meanwhile is heard of hours later, after newer events."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access.rules import Principal
from dispatch.sync import commands, protocol
from dispatch.work_orders.model import Visit
from tests.builders import MORNING
from tests.dispatch.sync.field import FINDINGS

MORE = timedelta(hours=1)


@dataclass(frozen=True)
class Story:
    """One visit from setting out to its end, as it happened."""

    technician_id: uuid.UUID
    visit_id: uuid.UUID
    set_out: datetime
    arrived: datetime
    finished: datetime
    heard: datetime
    """Until then the phone is without contact."""

    def operations(self, first: int) -> list[dict[str, Any]]:
        """What the phone has kept, in its own order."""
        told: list[tuple[str, datetime, dict[str, Any]]] = [
            (protocol.TRAVEL, self.set_out, {}),
            (protocol.ARRIVE, self.arrived, {}),
            (protocol.START, self.arrived, {}),
            (protocol.FINDING, self.finished, FINDINGS),
            (protocol.WAIVE, self.finished, {"reason": "customer left"}),
            (protocol.FINISH, self.finished, {"is_solved": True}),
        ]
        return [
            {
                "op_id": str(uuid.uuid4()),
                "install_epoch": "phone-1",
                "seq": seq,
                "type": kind,
                "schema": 1,
                "visit_id": str(self.visit_id),
                "occurred_at": moment.isoformat(),
                "mono_ms": _since_boot(moment),
                "boot_id": "boot",
                "payload": payload,
            }
            for seq, (kind, moment, payload) in enumerate(told, start=first)
        ]


def _since_boot(moment: datetime) -> int:
    return int((moment - MORNING + MORE).total_seconds() * 1000)


def push(session: Session, by: Principal, story: Story, first: int) -> list[str]:
    """Hand over what a phone has kept; return the results, of which none is a refusal."""
    now = clock.now()
    told = {"wall": now.isoformat(), "mono_ms": _since_boot(now), "boot_id": "boot"}
    batch = {"clock": told, "ops": story.operations(first)}
    receipts = commands.push(session, by=by, batch=batch, company_currency="EUR").receipts
    found = [json.loads(receipt)["result"] for receipt in receipts]
    assert "rejected" not in found
    return found


def is_still_theirs(visit: Visit, story: Story) -> bool:
    """Whether the office knows of nothing that stands against the story."""
    return visit.technician_id == story.technician_id and visit.state in {"published", "accepted"}
