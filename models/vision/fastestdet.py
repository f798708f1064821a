"""FastestDet: one output of 1 x (1 + 4 + classes) x rows x columns, one box a cell."""

from collections.abc import Sequence

import numpy as np

from models.sensing.boxes import Floats
from models.vision.card import Input


def decode(outputs: Sequence[Floats], size: Input, floor: float) -> tuple[Floats, Floats]:
    """Boxes (n, 4) in pixels of the input and scores (n, classes), those surely below left out.

    The centre is cell + tanh(o), the size sigmoid(o) of the picture, the score object ** 0.6 *
    class ** 0.4.

    Source: `handle_preds` in `utils/tool.py` of dog-qiuqiu/FastestDet.
    """
    raw = outputs[0][0]
    rows, columns = raw.shape[1:]
    y, x = (cell.ravel() for cell in np.mgrid[:rows, :columns])
    raw = raw.reshape(len(raw), -1)
    likely = raw[0] ** 0.6 >= floor
    raw, x, y = raw[:, likely], x[likely], y[likely]
    cell = np.array([size.width / columns, size.height / rows], np.float32)
    middle = (np.stack([x, y], axis=1) + np.tanh(raw[1:3].T)) * cell
    whole = np.array([size.width, size.height], np.float32)
    half = whole / (1 + np.exp(-raw[3:5].T)) / 2
    boxes: Floats = np.hstack([middle - half, middle + half]).astype(np.float32)
    scores: Floats = (raw[0] ** 0.6 * raw[5:] ** 0.4).T
    return boxes, scores
