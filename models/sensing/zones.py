"""How many of the boxes stand in a zone."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.sensing.boxes import Floats, centres, feet
from models.sensing.plan import Anchor, Point


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
