"""What may be done with a tool, and by whom (R-511)."""

from __future__ import annotations

from datetime import date

from dispatch.errors import Conflict, Forbidden, Invalid

HANDED, ACCEPTED, DECLINED = "handed", "accepted", "declined"
HANDOVER_STATES = (HANDED, ACCEPTED, DECLINED)


class ToolSerialTaken(Conflict):
    """Another tool has this serial number."""

    code = "TOOL_SERIAL_TAKEN"
    remedy = "Check the number; each tool is entered once."


class ToolNotYours(Forbidden):
    """Only its keeper hands a tool over, and only its taker accepts it."""

    code = "TOOL_NOT_YOURS"
    remedy = "Let the keeper hand over and the taker accept; the desk speaks for the store."


class ToolOnItsWay(Conflict):
    """The tool is handed over already, and nobody has accepted it yet."""

    code = "TOOL_ON_ITS_WAY"
    remedy = "Wait until it is accepted, or decline the handover."


class ToolRetired(Conflict):
    """The tool is not used any more, or still with a technician while it should be retired."""

    code = "TOOL_RETIRED"
    remedy = "Choose another tool; one that is retired lies in the store."


class ToolNotCalibrated(Conflict):
    """The calibration of the tool is over, so that no technician may use it."""

    code = "TOOL_NOT_CALIBRATED"
    remedy = "Have it calibrated and enter until when, or hand it to the store."


class HandoverOver(Conflict):
    """The handover was accepted or declined already."""

    code = "HANDOVER_OVER"
    remedy = "Read who keeps the tool; hand it over again if needed."


class HandoverInvalid(Invalid):
    """A tool is handed to whoever keeps it, or a handover of this id is about something else."""

    code = "HANDOVER_INVALID"
    remedy = "Name another taker, and give every handover an id of its own."


def is_usable(calibrated_until: date | None, on: date) -> bool:
    """Tell whether a tool may be used on a day."""
    return calibrated_until is None or on <= calibrated_until
