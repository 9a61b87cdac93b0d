"""A small real HTTP server that speaks OSRM's and Nominatim's JSON, on loopback."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

RECORDED = json.loads((Path(__file__).parent / "osrm_recorded.json").read_text())


@dataclass
class AddressedServer:
    """The server's address, what it was asked, and what it should answer instead of the usual."""

    url: str
    asked: list[str] = field(default_factory=list)
    answer_instead: tuple[int, str] | None = None
    places: list[dict[str, Any]] = field(default_factory=list)
    only_for: str | None = None
    """The one question that is answered with ``places``; None for every question."""


def recorded_table(coordinates: list[str]) -> tuple[list[list[Any]], list[list[Any]]] | None:
    """A reply recorded from a real OSRM, if all these coordinates occur in one recording."""
    for recording in (RECORDED["four_points"], RECORDED["unreachable"]):
        known = recording["coordinates"].split(";")
        if all(place in known for place in coordinates):
            rows = [known.index(place) for place in coordinates]
            reply = recording["reply"]
            return (
                [[reply["durations"][a][b] for b in rows] for a in rows],
                [[reply["distances"][a][b] for b in rows] for a in rows],
            )
    return None


def computed_table(coordinates: list[str]) -> tuple[list[list[Any]], list[list[Any]]]:
    """Other coordinates: a town of square blocks at 30 km/h, slower eastwards."""
    places = [tuple(float(number) for number in place.split(",")) for place in coordinates]
    metres = [
        [
            111_195 * (abs(a[1] - b[1]) + abs(a[0] - b[0]) * math.cos(math.radians((a[1] + b[1]) / 2)))
            for b in places
        ]
        for a in places
    ]
    seconds = [
        [metres[i][j] / (8.0 if places[j][0] <= places[i][0] else 6.0) for j in range(len(places))]
        for i in range(len(places))
    ]
    return seconds, metres


def osrm_reply(path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
    """The table service: sources and destinations are positions in the list of coordinates."""
    coordinates = path.rsplit("/", 1)[1].split(";")
    try:
        starts = [int(n) for n in query["sources"][0].split(";")]
        ends = [int(n) for n in query["destinations"][0].split(";")]
        seconds, metres = recorded_table(coordinates) or computed_table(coordinates)
        return 200, {
            "code": "Ok",
            "durations": [[seconds[a][b] for b in ends] for a in starts],
            "distances": [[metres[a][b] for b in ends] for a in starts],
        }
    except (KeyError, IndexError, ValueError):
        return 400, {"code": "InvalidOptions", "message": ""}


def make_handler(server: AddressedServer) -> type[BaseHTTPRequestHandler]:
    """A request handler that remembers what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            asked = urlsplit(self.path)
            if server.answer_instead:
                status, body = server.answer_instead
            elif asked.path.startswith("/table/v1/driving/"):
                status, reply = osrm_reply(asked.path, parse_qs(asked.query))
                body = json.dumps(reply)
            else:
                is_known = server.only_for in (None, parse_qs(asked.query)["q"][0])
                status, body = 200, json.dumps(server.places if is_known else [])
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Keep the test's output quiet."""

    return Handler


@pytest.fixture
def map_server() -> Iterator[AddressedServer]:
    """A running server; stopped afterwards."""
    described = AddressedServer("")
    http = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(described))
    described.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield described
    http.shutdown()
    thread.join()
    http.server_close()
