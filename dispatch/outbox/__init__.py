"""
Jobs as rows: what must happen after a change, written in the transaction of the change.

The database is the truth, the queue is a doorbell (reliability §4). ``record`` expands an event into
``job_run`` rows by the subscription table; after the commit the queue is rung, and a sweeper rings again for
whatever was missed. A handler owns its run by a lease on the database's clock; its last transaction marks the
run as done together with its effects, or neither happens.

A handler looks like this::

    def settle(lease: Lease, visit_id: str, work_order_id: str) -> None:
        with lease.finishing() as session:
            commands.settle(session, by=None, ...)

A handler of a batch kind takes ``(leases: list[Lease])`` and finishes each lease by itself, or several at
once with ``finishing_together``. ``lease.payload`` holds the ids, ``lease.event`` the name of the event.
"""

from dispatch.outbox.kinds import Job, Timing, UnknownKind, job_of, load_handlers, register, registered
from dispatch.outbox.leases import (
    Lease,
    LeaseLost,
    abandon,
    call_off,
    finishing_together,
    is_over,
    one_by_one,
    take,
    take_batch,
)
from dispatch.outbox.model import JobRun, Schedule, SimulatedClock
from dispatch.outbox.performing import perform, perform_batch
from dispatch.outbox.recording import record, request, retry_parked, ring

__all__ = [
    "Job",
    "JobRun",
    "Lease",
    "LeaseLost",
    "Schedule",
    "SimulatedClock",
    "Timing",
    "UnknownKind",
    "abandon",
    "call_off",
    "finishing_together",
    "is_over",
    "job_of",
    "load_handlers",
    "one_by_one",
    "perform",
    "perform_batch",
    "record",
    "register",
    "registered",
    "request",
    "retry_parked",
    "ring",
    "take",
    "take_batch",
]
