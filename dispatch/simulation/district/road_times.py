"""
Fastest drives between kerb points on a road network, turn by turn.

States are directed road segments, so that turns cost time and forbidden turns stay forbidden. Needed only
to build the shipped table; needs the package ``scipy``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from dispatch.simulation.district.road_network import RoadNetwork, Way

METRES_PER_DEGREE = 111_194.93
SIGNAL_SECONDS = 6.0
LEFT_TURN_SECONDS = 5.0
RIGHT_TURN_SECONDS = 2.5
SHARP_TURN_SECONDS = 7.5
U_TURN_SECONDS = 20.0

Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Segment:
    """One directed piece of road between two neighbouring nodes."""

    start: int
    end: int
    way: int
    seconds: float
    metres: float


@dataclass(frozen=True, slots=True)
class Kerb:
    """Where an address meets the road: a share of the way from node ``start`` to node ``end``."""

    way: int
    start: int
    end: int
    share: float
    offset_metres: float
    position: Position


def metres_between(a: Position, b: Position) -> float:
    """Straight-line distance, exact enough inside one town."""
    mean = math.radians((a[0] + b[0]) / 2)
    return math.hypot(a[0] - b[0], (a[1] - b[1]) * math.cos(mean)) * METRES_PER_DEGREE


def segments_of(network: RoadNetwork) -> list[Segment]:
    """Every directed segment a car may drive."""
    segments = []
    for way in network.ways:
        for start, end in zip(way.nodes, way.nodes[1:], strict=False):
            metres = metres_between(network.position[start], network.position[end])
            seconds = metres / (way.kmh / 3.6)
            if way.forward:
                segments.append(Segment(start, end, way.id, seconds, metres))
            if way.backward:
                segments.append(Segment(end, start, way.id, seconds, metres))
    return segments


def _turn_seconds(network: RoadNetwork, before: Segment, after: Segment, *, is_junction: bool) -> float:
    """Time lost between two segments: signal, turn by angle (right-hand traffic), turning round."""
    lost = SIGNAL_SECONDS if before.end in network.signals else 0.0
    if after.end == before.start:
        return lost + U_TURN_SECONDS
    if not is_junction:
        return lost
    (lat0, lon0), (lat1, lon1) = network.position[before.start], network.position[before.end]
    lat2, lon2 = network.position[after.end]
    squeeze = math.cos(math.radians(lat1))
    heading_in = math.atan2(lat1 - lat0, (lon1 - lon0) * squeeze)
    heading_out = math.atan2(lat2 - lat1, (lon2 - lon1) * squeeze)
    angle = math.degrees((heading_out - heading_in + math.pi) % (2 * math.pi) - math.pi)
    if abs(angle) < 45:
        return lost
    if abs(angle) > 135:
        return lost + SHARP_TURN_SECONDS
    return lost + (LEFT_TURN_SECONDS if angle > 0 else RIGHT_TURN_SECONDS)


def turns_of(network: RoadNetwork, segments: Sequence[Segment]) -> list[tuple[int, int, float]]:
    """Allowed turns as (segment before, segment after, seconds lost); turning round only at dead ends."""
    leaving: dict[int, list[int]] = defaultdict(list)
    neighbours: dict[int, set[int]] = defaultdict(set)
    for number, segment in enumerate(segments):
        leaving[segment.start].append(number)
        neighbours[segment.start].add(segment.end)
        neighbours[segment.end].add(segment.start)
    forbidden = {(r.from_way, r.via_node, r.to_way) for r in network.restrictions if not r.only}
    only = {(r.from_way, r.via_node): r.to_way for r in network.restrictions if r.only}
    turns = []
    for number, before in enumerate(segments):
        is_dead_end = len(neighbours[before.end]) == 1
        is_junction = len(neighbours[before.end]) > 2
        for following in leaving[before.end]:
            after = segments[following]
            if after.end == before.start and not is_dead_end:
                continue
            if (before.way, before.end, after.way) in forbidden:
                continue
            if only.get((before.way, before.end), after.way) != after.way:
                continue
            lost = _turn_seconds(network, before, after, is_junction=is_junction)
            turns.append((number, following, lost))
    return turns


def largest_component(count: int, turns: Sequence[tuple[int, int, float]]) -> npt.NDArray[np.bool_]:
    """Which segments belong to the largest set that all reach each other."""
    pairs = np.array([(a, b) for a, b, _ in turns])
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, label = connected_components(graph, connection="strong")
    is_member: npt.NDArray[np.bool_] = label == np.bincount(label).argmax()
    return is_member


def nearest_kerb(network: RoadNetwork, segments: Sequence[Segment], place: Position) -> Kerb:
    """The closest point of the given segments."""
    squeeze = math.cos(math.radians(place[0])) * METRES_PER_DEGREE
    ends = np.array([network.position[s.start] + network.position[s.end] for s in segments])
    ax, ay = (ends[:, 1] - place[1]) * squeeze, (ends[:, 0] - place[0]) * METRES_PER_DEGREE
    bx, by = (ends[:, 3] - place[1]) * squeeze, (ends[:, 2] - place[0]) * METRES_PER_DEGREE
    dx, dy = bx - ax, by - ay
    length = np.maximum(dx * dx + dy * dy, 1e-9)
    share = np.clip(-(ax * dx + ay * dy) / length, 0.0, 1.0)
    offset = np.hypot(ax + share * dx, ay + share * dy)
    best = int(offset.argmin())
    segment, at = segments[best], float(share[best])
    lat0, lon0, lat1, lon1 = ends[best]
    position = (float(lat0 + at * (lat1 - lat0)), float(lon0 + at * (lon1 - lon0)))
    return Kerb(segment.way, segment.start, segment.end, at, float(offset[best]), position)


def split_at_kerbs(network: RoadNetwork, kerbs: Sequence[Kerb]) -> list[int]:
    """Insert each kerb point into its way as a node of its own (negative ids); returns the node ids."""
    waiting: dict[tuple[int, int, int], list[tuple[float, int]]] = defaultdict(list)
    for number, kerb in enumerate(kerbs, start=1):
        network.position[-number] = kerb.position
        waiting[kerb.way, kerb.start, kerb.end].append((kerb.share, -number))
        waiting[kerb.way, kerb.end, kerb.start].append((1.0 - kerb.share, -number))
    split: list[Way] = []
    for way in network.ways:
        nodes = [way.nodes[0]]
        for start, end in zip(way.nodes, way.nodes[1:], strict=False):
            nodes.extend(node for _, node in sorted(waiting.get((way.id, start, end), [])))
            nodes.append(end)
        split.append(Way(way.id, tuple(nodes), way.kmh, way.forward, way.backward))
    network.ways = split
    return [-number for number in range(1, len(kerbs) + 1)]


def _graph(
    segments: Sequence[Segment], turns: Sequence[tuple[int, int, float]], stops: Sequence[int]
) -> csr_matrix:
    """Segments as states, then one state per stop to leave from and one to arrive at."""
    count, number_of = len(segments), {node: n for n, node in enumerate(stops)}
    rows, columns, costs = [], [], []
    for before, after, lost in turns:
        rows.append(before)
        columns.append(after)
        costs.append(lost + segments[after].seconds)
    for state, segment in enumerate(segments):
        if segment.start in number_of:
            rows.append(count + number_of[segment.start])
            columns.append(state)
            costs.append(segment.seconds)
        if segment.end in number_of:
            rows.append(state)
            columns.append(count + len(stops) + number_of[segment.end])
            costs.append(0.0)
    size = count + 2 * len(stops)
    return coo_matrix((np.maximum(costs, 1e-6), (rows, columns)), shape=(size, size)).tocsr()


def all_pairs(
    network: RoadNetwork, stops: Sequence[int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Seconds and metres of the fastest drive between all stops (node ids); infinite where there is none."""
    every = segments_of(network)
    member = largest_component(len(every), turns_of(network, every))
    segments = [segment for segment, inside in zip(every, member, strict=True) if inside]
    graph = _graph(segments, turns_of(network, segments), stops)
    count, n = len(segments), len(stops)
    step = np.zeros(graph.shape[0])
    step[:count] = [segment.metres for segment in segments]
    seconds, metres = np.zeros((n, n)), np.zeros((n, n))
    for row in range(n):
        took, came_from = dijkstra(graph, indices=count + row, return_predecessors=True)
        driven = np.where(np.isfinite(took), 0.0, np.inf)
        for state in np.argsort(took, kind="stable"):
            if came_from[state] >= 0:
                driven[state] = driven[came_from[state]] + step[state]
        seconds[row], metres[row] = took[count + n :], driven[count + n :]
    np.fill_diagonal(seconds, 0.0)
    np.fill_diagonal(metres, 0.0)
    return seconds, metres
