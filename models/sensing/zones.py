"""How many of the boxes stand in a zone."""

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.sensing.boxes import Floats, centres, feet
from models.sensing.plan import Anchor, Point

MEDIAN_OF = 5
WITHIN_S = 2.0
"""Counts are steadied over looks that are younger than this: an older one is of other people."""


class Steady:
    """Takes out the frame in which somebody was missed, where frames follow close enough."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque(maxlen=MEDIAN_OF)

    def count(self, people: int, at_s: float) -> int:
        """The median of the newest counts, of an odd number of them: it was really counted.

        At one frame a second or fewer each stands for itself.

        >>> steady = Steady()
        >>> [steady.count(people, i / 2) for i, people in enumerate([4, 4, 4, 0, 4, 5, 5])]
        [4, 4, 4, 4, 4, 4, 5]
        """
        self._counts.append((at_s, people))
        recent = [n for then_s, n in self._counts if 0 <= at_s - then_s < WITHIN_S]
        if len(recent) % 2 == 0:
            recent = recent[1:]
        return sorted(recent)[len(recent) // 2]


def inside(points: Floats, polygon: Sequence[Point]) -> npt.NDArray[np.bool_]:
    """Which points lie in the polygon, by the even-odd rule.

    Args:
        points: (n, 2).
        polygon: its corners in order, in the same unit; it closes by itself.

    Source: W. R. Franklin, PNPOLY. Of two polygons with a common edge a point is in exactly one.

    >>> inside(np.array([[1, 1], [3, 1]], np.float32), [(0, 0), (2, 0), (2, 2), (0, 2)]).tolist()
    [True, False]
    """
    x, y = points[:, 0], points[:, 1]
    odd = np.zeros(len(points), bool)
    for (ax, ay), (bx, by) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if ay != by:
            odd ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return odd


def count(boxes: Floats, polygon: Sequence[Point], anchor: Anchor = "foot") -> int:
    """Boxes whose anchor lies in the polygon; both in pixels."""
    points = feet(boxes) if anchor == "foot" else centres(boxes)
    return int(inside(points, polygon).sum())
