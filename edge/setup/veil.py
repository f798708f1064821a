"""A frame as it may be shown: small, and nobody in it can be known again."""

import numpy as np

from edge.detector import Frame
from edge.opencv import cv2
from models.sensing.boxes import X0, X1, Y0, Y1, Floats

SHARE = 1 / 6
"""Of the score from which people are counted: from there a box is blurred. Rather a chair too much
than a face."""

TRUSTED = frozenset({"yolox-nano", "picodet-s", "fastestdet"})
"""Cards that so miss nobody who was counted by eye (tests/edge/test_setup.py). With any other, such
as HOG, which misses who sits, the whole picture is coarse."""

WIDTH = 480
"""Pixels of what is shown: enough to draw on, too few for a face at the far end of a room."""

COARSE_WIDTH = 64
"""Detail of the whole picture where no trusted detector looks for people."""

HOLD_S = 3.0
"""A box stays blurred so long after it was seen: a detector blinks."""

_MARGIN = 0.2  # of the longer side: hair, hands and bags stick out of a box
_CELLS = 6  # along the longer side of a box; a head is about one
_LEAST_CELL = 10.0  # pixels
_QUALITY = 75


class Veil:
    """Blurs what a detector finds. Remembers boxes, never pixels."""

    def __init__(self, *, is_coarse: bool) -> None:
        """Begin.

        Args:
            is_coarse: whether the whole picture is blurred, for want of a trusted detector.
        """
        self._is_coarse = is_coarse
        self._held: list[tuple[float, Floats]] = []

    def over(self, frame: Frame, boxes: Floats, at_s: float) -> Frame:
        """The frame, small and with all that was found lately blurred.

        Args:
            frame: as it was taken.
            boxes: (n, 6) in pixels of the frame, all that may be a person or a car.
            at_s: when it was taken, from any start; before the last one is a new beginning.
        """
        self._held = [(t, held) for t, held in self._held if 0 <= at_s - t <= HOLD_S]
        self._held.append((at_s, boxes))
        height, width = frame.shape[:2]
        scale = min(1.0, WIDTH / width)
        small = _resized(frame, width * scale, height * scale)
        if self._is_coarse:
            tiny = _resized(small, COARSE_WIDTH, COARSE_WIDTH * height / width)
            small = _resized(tiny, width * scale, height * scale)
        for _, held in self._held:
            for box in held * np.float32(scale):
                _blur(small, box)
        return small


def jpeg(picture: Frame) -> bytes:
    """The picture as it is sent; it never touches a disk."""
    is_made, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    assert is_made  # noqa: S101  a frame has three colours and a size
    return encoded.tobytes()


def _blur(picture: Frame, box: Floats) -> None:
    """Leave a few colours of what is in the box and a margin around it, in place."""
    margin = _MARGIN * float(max(box[X1] - box[X0], box[Y1] - box[Y0]))
    low = np.floor(box[[X0, Y0]] - margin).astype(int).clip(0)
    x1, y1 = np.ceil(box[[X1, Y1]] + margin).astype(int)
    part = picture[low[1] : y1, low[0] : x1]
    height, width = part.shape[:2]
    if not (height and width):
        return
    cell = max(max(height, width) / _CELLS, _LEAST_CELL)
    part[:] = _resized(_resized(part, width / cell, height / cell), width, height)


def _resized(picture: Frame, width: float, height: float) -> Frame:
    """In another size: the mean of what falls together, or smooth between what is drawn apart."""
    size = max(1, round(width)), max(1, round(height))
    how = cv2.INTER_AREA if size[0] < picture.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)
