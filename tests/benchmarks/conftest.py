"""A server for measurements that are tried in small."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from werkzeug.serving import make_server

from api import create_app
from dispatch import bootstrap
from tests.api.company import settings_of_tests


@pytest.fixture
def server(database_url: str, redis_url: str) -> Iterator[str]:
    """The application on a socket, with an empty database."""
    settings = replace(settings_of_tests(), database_url=database_url, redis_url=redis_url)
    bootstrap.start(settings)
    serving = make_server("127.0.0.1", 0, create_app(settings), threaded=True)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()
    bootstrap.stop()
