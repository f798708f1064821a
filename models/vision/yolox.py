"""YOLOX: one output of 1 x anchors x (4 + 1 + classes), strides 8, 16, 32."""

from collections.abc import Sequence

import numpy as np

from models.sensing.boxes import Floats
from models.vision.card import Input

STRIDES = (8, 16, 32)


def decode(outputs: Sequence[Floats], size: Input, floor: float) -> tuple[Floats, Floats]:
    """Boxes (n, 4) in pixels of the input and scores (n, classes), those surely below left out.

    The centre is (o + cell) * stride, the size exp(o) * stride, the score object * class.

    Source: Ge et al. (2021), arXiv:2107.08430; `demo_postprocess` of Megvii's YOLOX.
    """
    cells, strides = _grid(size.width, size.height)
    raw = outputs[0][0]
    likely = raw[:, 4] >= floor
    raw, cells, strides = raw[likely], cells[likely], strides[likely]
    middle = (raw[:, :2] + cells) * strides
    half = np.exp(raw[:, 2:4]) * strides / 2
    return np.hstack([middle - half, middle + half]), raw[:, 4:5] * raw[:, 5:]


def _grid(width: int, height: int) -> tuple[Floats, Floats]:
    """Column and row (n, 2) and stride (n, 1) of each anchor, in the order of the output."""
    cells, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)
