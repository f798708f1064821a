"""A picture in four overlapping parts: cars far away are larger in a part than in the whole."""

import numpy as np

from models.sensing.boxes import X0, X1, Y0, Y1, Floats, suppress

_OVERLAP = 0.2  # of a tile's side: what is cut by one tile is whole in the next
_SAME = 0.5  # IoU of boxes of one car, seen in two tiles
_CUT_PX = 2.0

Tile = tuple[int, int, int, int]
"""x0 y0 x1 y1 in pixels."""


def tiles(size: tuple[int, int]) -> list[Tile]:
    """The four parts of a picture of this width and height.

    >>> tiles((900, 450))
    [(0, 0, 500, 250), (400, 0, 900, 250), (0, 200, 500, 450), (400, 200, 900, 450)]
    """
    width, height = size
    w, h = (round(side / (2 - _OVERLAP)) for side in size)
    return [(x, y, x + w, y + h) for y in (0, height - h) for x in (0, width - w)]


def joined(whole: Floats, parts: list[tuple[Tile, Floats]], size: tuple[int, int]) -> Floats:
    """One list of boxes, in pixels of the picture.

    Args:
        whole: (n, 6) of the whole picture.
        parts: of each tile its boxes (n, 6), in pixels of the tile.
        size: width and height of the picture.
    """
    found = [whole]
    for (x0, y0, x1, y1), boxes in parts:
        # A box at a side of the tile that is no side of the picture is of a part of a thing.
        is_cut = (boxes[:, X0] <= _CUT_PX) & (x0 > 0)
        is_cut |= (boxes[:, Y0] <= _CUT_PX) & (y0 > 0)
        is_cut |= (boxes[:, X1] >= x1 - x0 - _CUT_PX) & (x1 < size[0])
        is_cut |= (boxes[:, Y1] >= y1 - y0 - _CUT_PX) & (y1 < size[1])
        moved = boxes[~is_cut].copy()
        moved[:, :4] += np.array([x0, y0, x0, y0], np.float32)
        found.append(moved)
    return suppress(np.concatenate(found), _SAME)
