"""The shortest way through a building, and where on it one turns."""

import heapq
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Turn = Literal["ahead", "left", "right", "back"]
Point = tuple[float, float]
"""Metres from the left and from the top of a floor's plan."""

_STRAIGHT, _BEHIND = 35.0, 145.0  # degrees: below the one it is no turn, above the other it is back


class Spot(msgspec.Struct, frozen=True):
    """A place as a way sees it. `ahead` is where one looks who stands or steps out there."""

    id: str
    floor: str
    at: Point
    ahead: Point | None = None
    middle: Point | None = None  # of what lies there


class Edge(msgspec.Struct, frozen=True):
    """A way between two places, walked in both directions."""

    one: str
    other: str
    metres: float
    steps: bool = False


class Leg(msgspec.Struct, frozen=True):
    """A part of the way: walked on, by stairs or by lift.

    `corner` is the place where it begins, `floor` where it leads; `turn` is None where nobody
    knows where one looks.
    """

    kind: Literal["walk", "steps", "lift"]
    corner: str
    floor: str
    metres: float
    turn: Turn | None = None


class Route(msgspec.Struct, frozen=True):
    """Places in the order in which one comes by, what one does, and on which side it then is."""

    places: tuple[str, ...]
    legs: tuple[Leg, ...]
    metres: float
    has_steps: bool
    side: Turn | None


def shortest(
    edges: Sequence[Edge], start: str, goal: str, *, step_free: bool = False
) -> tuple[str, ...] | None:
    """The places from start to goal by the fewest metres; None if no way leads there.

    Args:
        edges: all ways.
        start: id of a place.
        goal: the same.
        step_free: take no way with steps.

    >>> shortest([Edge("a", "b", 5), Edge("b", "c", 5), Edge("a", "c", 9, True)], "a", "c")
    ('a', 'c')
    """
    ways: dict[str, list[tuple[str, float]]] = {}
    for edge in edges:
        if not (edge.steps and step_free):
            ways.setdefault(edge.one, []).append((edge.other, edge.metres))
            ways.setdefault(edge.other, []).append((edge.one, edge.metres))
    queue: list[tuple[float, tuple[str, ...]]] = [(0.0, (start,))]
    done: set[str] = set()
    while queue:
        metres, places = heapq.heappop(queue)
        here = places[-1]
        if here == goal:
            return places
        if here in done:
            continue
        done.add(here)
        for there, more in ways.get(here, ()):
            if there not in done:
                heapq.heappush(queue, (metres + more, (*places, there)))
    return None


def route(
    spots: Mapping[str, Spot],
    edges: Sequence[Edge],
    start: str,
    goal: str,
    *,
    step_free: bool = False,
) -> Route | None:
    """The shortest way with its turns; None if no way leads there."""
    places = shortest(edges, start, goal, step_free=step_free)
    if places is None:
        return None
    longest_first = sorted(edges, key=lambda edge: -edge.metres)
    between = {
        frozenset((edge.one, edge.other)): edge
        for edge in longest_first
        if not (edge.steps and step_free)
    }
    pairs = [(spots[a], spots[b]) for a, b in itertools.pairwise(places)]
    ways = [between[frozenset((a.id, b.id))] for a, b in pairs]
    legs: list[Leg] = []
    heading = spots[start].ahead
    for (here, there), way in zip(pairs, ways, strict=True):
        if here.floor != there.floor:
            heading = there.ahead
            kind: Literal["steps", "lift"] = "steps" if way.steps else "lift"
            legs.append(Leg(kind, here.id, there.floor, way.metres))
            continue
        ahead = (there.at[0] - here.at[0], there.at[1] - here.at[1])
        turn = turn_of(heading, ahead)
        heading = ahead
        if turn == "ahead" and legs and legs[-1].kind == "walk":
            last = legs.pop()
            legs.append(msgspec.structs.replace(last, metres=last.metres + way.metres))
        else:
            legs.append(Leg("walk", here.id, there.floor, way.metres, turn))
    end = spots[goal]
    to_middle = None
    if end.middle is not None:
        to_middle = (end.middle[0] - end.at[0], end.middle[1] - end.at[1])
    return Route(
        places=places,
        legs=tuple(legs),
        metres=sum(way.metres for way in ways),
        has_steps=any(way.steps for way in ways),
        side=turn_of(heading, to_middle),
    )


def turn_of(heading: Point | None, ahead: Point | None) -> Turn | None:
    """How one turns who looks one way and goes another, y being down; None where unknown.

    >>> turn_of((0, -1), (1, 0)), turn_of((0, -1), (0.1, -1)), turn_of(None, (1, 0))
    ('right', 'ahead', None)
    """
    if heading is None or ahead is None or not any(heading) or not any(ahead):
        return None
    cross = heading[0] * ahead[1] - heading[1] * ahead[0]
    dot = heading[0] * ahead[0] + heading[1] * ahead[1]
    angle = math.degrees(math.atan2(cross, dot))
    if abs(angle) <= _STRAIGHT:
        return "ahead"
    if abs(angle) >= _BEHIND:
        return "back"
    return "right" if angle > 0 else "left"
