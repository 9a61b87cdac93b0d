"""The embedded services as one thing: started together, watched, and stopped in order."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from dispatch.embedded.failures import ProgramMissing
from dispatch.embedded.place import Place, Tell, kept_secret, known_place, settle, supervision
from dispatch.embedded.postgres import Postgres
from dispatch.embedded.service import Service
from dispatch.embedded.valkey import Valkey
from dispatch.settings import Settings


@dataclass
class Running:
    """The services of one installation: their addresses, and those that are ours to watch and stop."""

    settings: Settings
    database_url: str
    redis_url: str
    secret_key: str
    services: tuple[Service, ...] = ()
    attached: tuple[str, ...] = ()
    _held: ExitStack = field(default_factory=ExitStack, repr=False)

    def environment(self) -> dict[str, str]:
        """Variables that tell a child where the services are."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "TRUCKROLL_SECRET": self.secret_key,
            "TRUCKROLL_HOME": str(self.settings.home),
        }

    def service(self, name: str) -> Service:
        """One of our own services by name: postgres or valkey."""
        return next(service for service in self.services if service.name == name)

    def stop(self) -> None:
        """Stop what is ours, Valkey before PostgreSQL, and let another supervisor in."""
        with self._held:
            for service in reversed(self.services):
                self._held.callback(service.stop)  # the last one named is called first, and each is called

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(settings: Settings, tell: Tell = lambda _: None) -> Running:
    """Attach to or start what has no address in the settings; become the only supervisor of the home.

    If a service fails to start, those that this call started are stopped again.
    """
    held = ExitStack()
    held.enter_context(supervision(settings.home))
    services: tuple[Service, ...] = ()
    attached: list[str] = []
    try:
        secret = settings.secret_key or kept_secret(settings.home, "secret")
        services = _services(settings, tell)
        for service in reversed(services):
            if service.start():
                attached.append(service.name)
            found = "was running" if service.name in attached else "started"
            tell(f"{service.name} {found} (process {service.pid})")
    except BaseException:
        for service in services:
            if service.name not in attached:
                service.stop()
        held.close()
        raise
    return _running(settings, services, secret, attached=tuple(attached), held=held)


def locate(settings: Settings) -> Running | None:
    """The services of this home if they are up, for commands beside `up`; nothing is started or stopped."""
    services: tuple[Service, ...] = ()
    if settings.database_url is None or settings.redis_url is None:
        place = known_place(settings)
        if place is None:
            return None
        services = _services_at(place, settings)
        for service in services:
            if not service.attach():
                return None
    secret = settings.secret_key or kept_secret(settings.home, "secret")
    return _running(settings, services, secret)


@contextmanager
def attached_or_started(settings: Settings) -> Iterator[Running]:
    """The services of this home: those that `up` runs, left alone, or our own while the block lasts."""
    running = locate(settings)
    if running is not None:
        yield running
        return
    with start(settings) as ours:
        yield ours


def stop_left(settings: Settings) -> None:
    """Stop the servers that a killed supervisor of this home has left running."""
    place = known_place(settings)
    if place is None:
        return
    with supervision(settings.home):
        for service in _services_at(place, settings):
            if service.adopt():
                service.stop()


def _services(settings: Settings, tell: Tell) -> tuple[Service, ...]:
    if settings.database_url is not None and settings.redis_url is not None:
        return ()
    if sys.platform != "linux":
        raise ProgramMissing("the embedded services need Linux; give DATABASE_URL and REDIS_URL here")
    return _services_at(settle(settings, tell), settings)


def _services_at(place: Place, settings: Settings) -> tuple[Service, ...]:
    """Those services that have no address in the settings, in the order in which they are stopped."""
    services: list[Service] = []
    if settings.redis_url is None:
        services.append(Valkey(place, settings))
    if settings.database_url is None:
        services.append(Postgres(place, settings))
    return tuple(services)


def _running(
    settings: Settings,
    services: tuple[Service, ...],
    secret: str,
    *,
    attached: tuple[str, ...] = (),
    held: ExitStack | None = None,
) -> Running:
    addresses = {service.name: service.url() for service in services}
    return Running(
        settings,
        database_url=settings.database_url or addresses["postgres"],
        redis_url=settings.redis_url or addresses["valkey"],
        secret_key=secret,
        services=services,
        attached=attached,
        _held=held or ExitStack(),
    )
