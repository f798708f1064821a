"""Which slots of a car park are taken."""

from collections.abc import Sequence

from models.sensing.boxes import SCORE, Floats, areas
from models.sensing.plan import Point

TAKEN = 0.2
"""Least IoU of a car and the slot that it stands in: a car seen from the side is higher than its
slot, so they are far from equal."""

STILL_TAKEN = 0.1
"""The same in a slot that was taken already: cars come and go seldom, boxes tremble always."""

FORGET_S = 600.0
"""What was taken so long ago says nothing about now."""


class Slots:
    """The slots of one lot, with hysteresis: less is needed to stay taken than to become so."""

    def __init__(self, slots: Sequence[Sequence[Point]], sure: float) -> None:
        """Begin with all of them free.

        Args:
            slots: polygons in pixels.
            sure: least score of a car that takes a slot.
        """
        self._slots, self._sure = slots, sure
        self._taken = [False] * len(slots)
        self._seen_s = 0.0

    def step(self, cars: Floats, at_s: float) -> list[bool]:
        """For each slot whether a car stands in it.

        Args:
            cars: (n, 6) in pixels, doubtful ones too.
            at_s: when the frame was taken, from any start.
        """
        if abs(at_s - self._seen_s) > FORGET_S:
            self._taken = [False] * len(self._slots)
        self._seen_s = at_s
        self._taken = occupied(cars, self._slots, self._sure, self._taken)
        return self._taken


def occupied(
    cars: Floats,
    slots: Sequence[Sequence[Point]],
    sure: float = 0.0,
    before: Sequence[bool] = (),
) -> list[bool]:
    """For each slot whether a car stands in it.

    A car takes one slot, the one that it covers best: a car in front hides a part of the slot
    behind it and must not fill both.

    Args:
        cars: (n, 6) in pixels.
        slots: polygons in pixels, convex or not.
        sure: least score of a car in a slot that was free.
        before: which slots were taken; none given is none taken.
    """
    was = before or [False] * len(slots)
    taken = [False] * len(slots)
    fits = [
        (overlap, i, j)
        for j, slot in enumerate(slots)
        for i, car in enumerate(cars)
        if (was[j] or car[SCORE] >= sure)
        and (overlap := _iou(car, slot)) >= (STILL_TAKEN if was[j] else TAKEN)
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
