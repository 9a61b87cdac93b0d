"""Why a batch, an operation or a pull is refused."""

from __future__ import annotations

from dispatch.errors import Conflict, DispatchError, Forbidden, Invalid


class DeviceNeeded(Forbidden):
    """Only a registered phone synchronises: the login is not bound to a device key."""

    code = "DEVICE_NEEDED"
    remedy = "Register this phone with POST /v1/auth/devices, then synchronise."


class DeviceRevoked(Forbidden):
    """The phone was revoked; nothing was taken from it and nothing is given to it."""

    code = "device_revoked"
    remedy = "Delete what this phone holds of the company; ask an administrator."


class BatchTooLarge(DispatchError):
    """More operations or bytes than one push may carry; nothing was decided."""

    code = "BATCH_TOO_LARGE"
    kind = "too_large"
    remedy = "Send at most 200 operations and 1 MiB at once, in the order of their seq."


class BatchInvalid(Invalid):
    """An operation without usable op_id, install_epoch or seq gets no receipt; nothing was decided."""

    code = "BATCH_INVALID"
    remedy = "Give every operation a UUID, an install_epoch and a seq from 1."


class SchemaUnsupported(DispatchError):
    """The phone speaks a version of the protocol that is not served here any more, or not yet."""

    code = "SCHEMA_UNSUPPORTED"
    kind = "upgrade"
    remedy = "Update the app; what is not sent yet can still be pushed."


class Resync(DispatchError):
    """The cursor does not belong to this database, this technician or this time."""

    code = "resync"
    kind = "gone"
    remedy = "Pull without a cursor; keep what is not sent yet."


class OperationUnknown(Invalid):
    """The server does not know this type of operation; it is kept and can be decided after an upgrade."""

    code = "OPERATION_UNKNOWN"
    remedy = "Ask the dispatcher; the operation is kept."


class OperationInvalid(Invalid):
    """A field of the operation is missing or of the wrong type."""

    code = "OPERATION_INVALID"
    remedy = "Record it again with the named field corrected."


class IdReuse(Conflict):
    """The op_id belongs to another operation already; the first one stands."""

    code = "id_reuse"
    remedy = "Give every operation an id of its own."


class SeqReuse(Conflict):
    """The seq of this installation belongs to another operation already; the first one stands."""

    code = "seq_reuse"
    remedy = "Begin a new install_epoch after a restore, and number from 1."


class Blocked(Conflict):
    """An earlier operation of the same visit was rejected; this one waits for the same decision."""

    code = "blocked"
    remedy = "See the operation named by blocked_by."


class ServerFault(DispatchError):
    """The server failed at this operation; it is kept and can be decided after a correction."""

    code = "server_fault"
    remedy = "Nothing to do on the phone; the dispatcher can apply the operation later."


class RejectionDecided(Conflict):
    """Somebody decided about the rejected operation already."""

    code = "REJECTION_DECIDED"
    remedy = "Read the rejection; a new fact is recorded as a new operation."
