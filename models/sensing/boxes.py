"""Boxes of what a detector saw: `(n, 6) float32`, x0 y0 x1 y1 in pixels, score 0..1, class."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

PERSON = 0
CAR = 1
CLASSES = {"person": PERSON, "car": CAR}
"""What machiai counts, whatever numbers a model gives to it."""

X0, Y0, X1, Y1, SCORE, CLASS = range(6)


def none() -> Floats:
    """No box at all, shape (0, 6)."""
    return np.zeros((0, 6), np.float32)


def only(boxes: Floats, seen: int, score: float) -> Floats:
    """Those of one class that score at least so much."""
    kept: Floats = boxes[(boxes[:, CLASS] == seen) & (boxes[:, SCORE] >= score)]
    return kept


def centres(boxes: Floats) -> Floats:
    """Middle of each box, (n, 2) in pixels."""
    middle: Floats = (boxes[:, [X0, Y0]] + boxes[:, [X1, Y1]]) * np.float32(0.5)
    return middle


def feet(boxes: Floats) -> Floats:
    """Where each stands: the middle of its last row of pixels, (n, 2); never below the picture."""
    return np.stack([(boxes[:, X0] + boxes[:, X1]) / 2, boxes[:, Y1] - 1], axis=1)


def areas(boxes: Floats) -> Floats:
    """Square pixels, (n,)."""
    area: Floats = (boxes[:, X1] - boxes[:, X0]) * (boxes[:, Y1] - boxes[:, Y0])
    return area


def iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union of each of `a` with each of `b`, (len(a), len(b)), 0..1."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    union = areas(a)[:, None] + areas(b)[None, :] - shared
    overlap: Floats = (shared / np.maximum(union, 1e-6)).astype(np.float32)
    return overlap


def suppress(boxes: Floats, overlap: float) -> Floats:
    """Non-maximum suppression: of boxes of one class on the same thing, the surest stays.

    Args:
        boxes: (n, 6).
        overlap: boxes with an IoU above this are of the same thing.

    Returns:
        The kept ones, the surest first.
    """
    boxes = boxes[np.argsort(-boxes[:, SCORE], kind="stable")]
    same = (iou(boxes, boxes) > overlap) & (boxes[:, None, CLASS] == boxes[None, :, CLASS])
    keep = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if keep[i]:
            keep[i + 1 :] &= ~same[i, i + 1 :]
    kept: Floats = boxes[keep]
    return kept
