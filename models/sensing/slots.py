"""Which slots of a car park are taken."""

from collections.abc import Sequence

from models.sensing.boxes import Floats, areas
from models.sensing.plan import Point

TAKEN = 0.2
"""Least IoU of a car and the slot that it stands in: a car seen from the side is higher than its
slot, so they are far from equal."""


def occupied(cars: Floats, slots: Sequence[Sequence[Point]]) -> list[bool]:
    """For each slot whether a car stands in it.

    A car takes one slot, the one that it covers best: a car in front hides a part of the slot
    behind it and must not fill both.

    Args:
        cars: (n, 6) in pixels.
        slots: polygons in pixels, convex or not.
    """
    taken = [False] * len(slots)
    fits = [
        (overlap, i, j)
        for j, slot in enumerate(slots)
        for i, car in enumerate(cars)
        if (overlap := _iou(car, slot)) >= TAKEN
    ]
    parked: set[int] = set()
    for _, i, j in sorted(fits, reverse=True):
        if i not in parked and not taken[j]:
            parked.add(i)
            taken[j] = True
    return taken


def _iou(car: Floats, slot: Sequence[Point]) -> float:
    shared = area(cut(slot, car))
    return shared / max(area(slot) + float(areas(car[None])[0]) - shared, 1e-6)


def area(polygon: Sequence[Point]) -> float:
    """By the shoelace formula.

    >>> area([(0, 0), (2, 0), (0, 2)])
    2.0
    """
    return abs(sum(_turn(a, b) for a, b in _edges(polygon))) / 2


def cut(polygon: Sequence[Point], box: Floats) -> list[Point]:
    """What of the polygon lies in the box.

    Source: Sutherland & Hodgman (1974), doi:10.1145/360767.360802.
    """
    corners = list(polygon)
    for axis, limit, side in ((0, box[0], 1), (1, box[1], 1), (0, box[2], -1), (1, box[3], -1)):
        kept: list[Point] = []
        for a, b in _edges(corners):
            to_a, to_b = (a[axis] - limit) * side, (b[axis] - limit) * side
            if to_a >= 0:
                kept.append(a)
            if to_a * to_b < 0:
                share = to_a / (to_a - to_b)
                kept.append((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share))
        corners = kept
    return corners


def _edges(polygon: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(polygon, [*polygon[1:], *polygon[:1]], strict=True))


def _turn(a: Point, b: Point) -> float:
    return a[0] * b[1] - a[1] * b[0]
