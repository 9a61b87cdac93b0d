"""A server for measurements that are tried in small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from api import create_app
from dispatch import bootstrap
from tests.api.company import settings_of_tests
from tests.serving import on_a_socket


@pytest.fixture
def server(database_url: str, redis_url: str) -> Iterator[str]:
    """The application on a socket, with an empty database."""
    settings = replace(settings_of_tests(), database_url=database_url, redis_url=redis_url)
    bootstrap.start(settings)
    with on_a_socket(create_app(settings)) as address:
        yield address
    bootstrap.stop()
