"""Our own small network: one output of 1 x (classes + 4) x rows x columns, one box a cell."""

from collections.abc import Sequence

import numpy as np

from models.sensing.boxes import Floats
from models.vision.card import Input

BOX = 4
"""Channels after those of the classes: the middle and the size."""


def decode(outputs: Sequence[Floats], size: Input, floor: float) -> tuple[Floats, Floats]:
    """Boxes (n, 4) in pixels of the input and scores (n, classes), those surely below left out.

    The score is sigmoid(o), the middle that of the cell + o, the size exp(o), both in cells.
    `models/train/train.py` makes a network that means this.
    """
    raw = outputs[0][0]
    channels, rows, columns = raw.shape
    classes = channels - BOX
    y, x = (cell.ravel() for cell in np.mgrid[:rows, :columns])
    raw = raw.reshape(channels, -1)
    likely = raw[:classes].max(axis=0) >= np.log(floor / (1 - floor))
    raw, x, y = raw[:, likely], x[likely], y[likely]
    cell = np.array([size.width / columns, size.height / rows], np.float32)
    middle = (np.stack([x, y], axis=1) + 0.5 + raw[classes : classes + 2].T) * cell
    half = np.exp(raw[classes + 2 :].T) * cell / 2
    boxes: Floats = np.hstack([middle - half, middle + half]).astype(np.float32)
    scores: Floats = 1 / (1 + np.exp(-raw[:classes].T))
    return boxes, scores
