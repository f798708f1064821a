"""From the boxes of one frame to what is said about zones, lines and lots."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.contract.observations import Cars, Crossing, People, Reading
from models.sensing.boxes import CAR, PERSON, Floats, feet, only
from models.sensing.motion import Grey
from models.sensing.plan import Plan, Point
from models.sensing.sight import is_dark
from models.sensing.slots import Slots
from models.sensing.tracker import Line, Tracker
from models.sensing.zones import Steady, count, inside

DOUBTFUL = 0.1
"""Boxes down to this score may prolong a track; they are never counted."""

STILL_A_CAR = 0.5
"""Share of the threshold that the score of a car needs to stay in its slot."""


class View:
    """What a camera looks at, laid over frames of one size. Remembers who is near a line."""

    def __init__(self, plan: Plan, size: tuple[int, int], threshold: float) -> None:
        """Lay out the plan.

        Args:
            plan: zones, lines, lots in shares of the picture.
            size: width and height of the frames, pixels.
            threshold: least score of what is counted.
        """
        self._threshold, self._size = threshold, size
        self._masks = [_pixels(mask, size) for mask in plan.masks]
        self._steady = [Steady() for _ in plan.zones]
        self._zones = [(z.zone, _pixels(z.polygon, size), z.anchor) for z in plan.zones]
        self._lines = [(n.line, Line(*_pixels((n.start, n.end), size))) for n in plan.lines]
        self._lots = []
        for lot in plan.lots:
            slots = [_pixels(p, size) for p in lot.polygons()]
            middles = np.array([np.mean(slot, axis=0) for slot in slots], np.float32)
            self._lots.append((lot.lot, Slots(slots, threshold), middles))
        self._tracker = Tracker(threshold, size)

    def readings(
        self, boxes: Floats, at_s: float, small: Grey | None = None
    ) -> list[tuple[str, Reading]]:
        """What this frame says, each with the name of its zone, line or lot.

        Args:
            boxes: (n, 6) in pixels, down to the score of `floor`.
            at_s: when the frame was taken, from any start, growing.
            small: the frame made small, to tell which slots lie in the dark; None is none.
        """
        said: list[tuple[str, Reading]] = []
        for mask in self._masks:
            boxes = boxes[~inside(feet(boxes), mask)]
        people = only(boxes, PERSON, self._threshold)
        for (zone, polygon, anchor), steady in zip(self._zones, self._steady, strict=True):
            number = steady.count(count(people, polygon, anchor), at_s)
            said.append((zone, People(count=number)))
        if self._lines:
            tracks = self._tracker.step(only(boxes, PERSON, DOUBTFUL), at_s)
            for name, line in self._lines:
                said += [(name, Crossing(direction=way)) for way in line.step(tracks)]
        cars = only(boxes, CAR, STILL_A_CAR * self._threshold)
        for lot, slots, middles in self._lots:
            taken = np.array(slots.step(cars, at_s), bool)
            can_see = self._can_see(middles, small)
            number = int(np.count_nonzero(taken & can_see))
            said.append((lot, Cars(occupied=number, seen=int(np.count_nonzero(can_see)))))
        return said

    def _can_see(self, places: Floats, small: Grey | None) -> npt.NDArray[np.bool_]:
        """Which places are in the picture, and not in a quarter of it that is dark, (n,)."""
        shares = places / np.array(self._size, np.float32)
        can_see = np.asarray(((shares >= 0) & (shares < 1)).all(axis=1), np.bool_)
        if small is not None:
            half_high, half_wide = small.shape[0] // 2, small.shape[1] // 2
            for y in (0, 1):
                for x in (0, 1):
                    quarter = small[y * half_high :, x * half_wide :][:half_high, :half_wide]
                    if is_dark(quarter):
                        can_see &= np.asarray((np.floor(shares * 2) != [x, y]).any(axis=1))
        return can_see


def floor(plan: Plan, threshold: float) -> float:
    """Least score of the boxes that a view of this plan needs."""
    floors = [threshold]
    if plan.lines:
        floors.append(DOUBTFUL)
    if plan.lots:
        floors.append(STILL_A_CAR * threshold)
    return min(floors)


def _pixels(places: Sequence[Point], size: tuple[int, int]) -> list[Point]:
    return [(x * size[0], y * size[1]) for x, y in places]
