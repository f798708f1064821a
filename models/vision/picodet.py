"""PicoDet: for each stride 8, 16, 32, 64 one output of scores and one of distances."""

from collections.abc import Sequence

import numpy as np

from models.sensing.boxes import Floats
from models.vision.card import Input

STRIDES = (8, 16, 32, 64)


def decode(outputs: Sequence[Floats], size: Input, floor: float) -> tuple[Floats, Floats]:
    """Boxes (n, 4) in pixels of the input and scores (n, classes), those surely below left out.

    The outputs are 1 x cells x classes for each stride, then 1 x cells x (4 * 8): how likely each
    side (left, top, right, bottom) lies 0, 1, ... 7 strides from the middle of the cell. A side is
    where it lies on average; the scores are ready, classes and quality in one.

    Source: Yu et al. (2021), arXiv:2111.00902; Li et al. (2020), arXiv:2006.04388, equation 5.
    """
    boxes, scores = [], []
    for i, stride in enumerate(STRIDES):
        classes, sides = outputs[i][0], outputs[i + len(STRIDES)][0]
        likely = classes.max(axis=1) >= floor
        columns = -(-size.width // stride)
        cell = np.flatnonzero(likely)
        middle = (np.stack([cell % columns, cell // columns], axis=1) + 0.5) * stride
        logits = sides[likely].reshape(len(cell), 4, sides.shape[1] // 4)
        shares = np.exp(logits - logits.max(axis=2, keepdims=True))
        shares /= shares.sum(axis=2, keepdims=True)
        reach = shares @ np.arange(logits.shape[2]) * stride
        boxes.append(np.hstack([middle - reach[:, :2], middle + reach[:, 2:]]))
        scores.append(classes[likely])
    return np.concatenate(boxes).astype(np.float32), np.concatenate(scores)
