"""From the boxes of one frame to what is said about zones, lines and lots."""

from collections.abc import Sequence

from models.contract.observations import Cars, Crossing, People, Reading
from models.sensing.boxes import CAR, PERSON, Floats, only
from models.sensing.plan import Plan, Point
from models.sensing.slots import occupied
from models.sensing.tracker import Line, Tracker
from models.sensing.zones import count

DOUBTFUL = 0.1
"""Boxes down to this score may prolong a track; they are never counted."""


class View:
    """What a camera looks at, laid over frames of one size. Remembers who is near a line."""

    def __init__(self, plan: Plan, size: tuple[int, int], threshold: float) -> None:
        """Lay out the plan.

        Args:
            plan: zones, lines, lots in shares of the picture.
            size: width and height of the frames, pixels.
            threshold: least score of what is counted.
        """
        self._threshold = threshold
        self._zones = [(z.zone, _pixels(z.polygon, size), z.anchor) for z in plan.zones]
        self._lines = [(n.line, Line(*_pixels((n.start, n.end), size))) for n in plan.lines]
        self._lots = [(n.lot, [_pixels(p, size) for p in n.polygons()]) for n in plan.lots]
        self._tracker = Tracker(threshold)

    def readings(self, boxes: Floats, at_s: float) -> list[tuple[str, Reading]]:
        """What this frame says, each with the name of its zone, line or lot.

        Args:
            boxes: (n, 6) in pixels; with lines, down to a score of `DOUBTFUL`.
            at_s: when the frame was taken, from any start, growing.
        """
        said: list[tuple[str, Reading]] = []
        people = only(boxes, PERSON, self._threshold)
        for zone, polygon, anchor in self._zones:
            said.append((zone, People(count=count(people, polygon, anchor))))
        if self._lines:
            tracks = self._tracker.step(only(boxes, PERSON, DOUBTFUL), at_s)
            for name, line in self._lines:
                said += [(name, Crossing(direction=way)) for way in line.step(tracks)]
        cars = only(boxes, CAR, self._threshold)
        for lot, slots in self._lots:
            said.append((lot, Cars(occupied=sum(occupied(cars, slots)), seen=len(slots))))
        return said


def _pixels(places: Sequence[Point], size: tuple[int, int]) -> list[Point]:
    return [(x * size[0], y * size[1]) for x, y in places]
