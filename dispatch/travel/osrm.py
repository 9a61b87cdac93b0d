"""Travel times from an OSRM server, asked over HTTP in pieces it accepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np

from dispatch.travel.asked import AskedRoads
from dispatch.travel.provider import (
    UNREACHABLE_METRES,
    UNREACHABLE_SECONDS,
    Point,
    TravelMatrix,
    TravelUnavailable,
    Whole,
)
from optimizer.roads import Cells

POINTS_PER_SIDE = 50
"""Starts and ends of one request: 100 coordinates, about 2 KB of address, OSRM's own default limit."""


class OsrmTravel:
    """
    Client of OSRM's table service.

    Parameters
    ----------
    base_url
        Address of the server, without the service path.
    profile
        Profile name in the path; OSRM ignores it unless it stands behind a proxy.
    points_per_side
        Starts, and ends, of one request; a server with a larger ``--max-table-size`` takes more.
    """

    def __init__(
        self,
        base_url: str,
        *,
        profile: str = "driving",
        points_per_side: int = POINTS_PER_SIDE,
        timeout_seconds: float = 30.0,
    ) -> None:
        self._path = f"{base_url.rstrip('/')}/table/v1/{profile}/"
        self._side = points_per_side
        self._timeout_seconds = timeout_seconds

    def matrix(self, points: Sequence[Point]) -> TravelMatrix:
        """Travel between all pairs; a pair OSRM finds no way for becomes unreachable, not an error."""
        count = len(points)
        if count < 2:
            return TravelMatrix(np.zeros((count, count), np.int64), np.zeros((count, count), np.int64))
        seconds, metres = self._between(points, range(count), range(count))
        np.fill_diagonal(seconds, 0)
        np.fill_diagonal(metres, 0)
        return TravelMatrix(seconds, metres)

    def roads(self, points: Sequence[Point]) -> AskedRoads:
        """The same travel, asked for block by block."""

        def ask(starts: Sequence[int], ends: Sequence[int]) -> tuple[Cells, Cells]:
            seconds, metres = self._between(points, starts, ends)
            return seconds.astype(np.int32), metres.astype(np.int32)

        return AskedRoads(len(points), ask, remembers=True)

    def _between(
        self, points: Sequence[Point], starts: Sequence[int], ends: Sequence[int]
    ) -> tuple[Whole, Whole]:
        """Seconds and metres from some points to others, in requests of the size that the server takes."""
        seconds = np.zeros((len(starts), len(ends)), dtype=np.int64)
        metres = np.zeros_like(seconds)
        side = self._side
        transport = httpx.HTTPTransport(retries=2)
        with httpx.Client(transport=transport, timeout=self._timeout_seconds) as client:
            for row in range(0, len(starts), side):
                for column in range(0, len(ends), side):
                    block = slice(row, row + side), slice(column, column + side)
                    answer = self._block(client, points, starts[block[0]], ends[block[1]])
                    seconds[block], metres[block] = answer
        return seconds, metres

    def _block(
        self, client: httpx.Client, points: Sequence[Point], starts: Sequence[int], ends: Sequence[int]
    ) -> tuple[Whole, Whole]:
        """One request: from some starts to some ends."""
        places = [points[number] for number in (*starts, *ends)]
        coordinates = ";".join(f"{place.lon:.6f},{place.lat:.6f}" for place in places)
        query = {
            "sources": ";".join(str(number) for number in range(len(starts))),
            "destinations": ";".join(str(number) for number in range(len(starts), len(places))),
            "annotations": "duration,distance",
        }
        answer = self._ask(client, self._path + coordinates, query)
        shape = (len(starts), len(ends))
        return (
            _whole(answer.get("durations"), shape, UNREACHABLE_SECONDS),
            _whole(answer.get("distances"), shape, UNREACHABLE_METRES),
        )

    def _ask(self, client: httpx.Client, url: str, query: dict[str, str]) -> dict[str, Any]:
        """Send one request; anything but OSRM's own "Ok" is an error with OSRM's word for it."""
        try:
            reply = client.get(url, params=query)
            answer = reply.json()
        except (httpx.HTTPError, ValueError) as cause:
            raise TravelUnavailable("the routing server gives no usable answer") from cause
        if not isinstance(answer, dict) or answer.get("code") != "Ok":
            said = answer.get("code") if isinstance(answer, dict) else None
            raise TravelUnavailable(
                "the routing server refuses the request", status=reply.status_code, osrm_code=said
            )
        return answer


def _whole(table: Any, shape: tuple[int, int], unreachable: int) -> Whole:
    """OSRM's table of numbers and nulls as whole numbers, null and absurd values unreachable."""
    try:
        numbers = np.array(table, dtype=np.float64)
    except (TypeError, ValueError) as cause:
        raise TravelUnavailable("the routing server's table is not a table of numbers") from cause
    if numbers.shape != shape:
        raise TravelUnavailable("the routing server's table has another size than asked for")
    return np.rint(np.clip(np.nan_to_num(numbers, nan=unreachable), 0, unreachable)).astype(np.int64)
