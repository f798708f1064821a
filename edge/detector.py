"""Finds people and cars in a frame, by a network or, without its weights, by OpenCV's HOG."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it phones home at import, with no model loaded

import numpy as np
import numpy.typing as npt
import onnxruntime

from edge import cards
from edge.discreet import give_back
from edge.opencv import cv2
from models.errors import Missing
from models.sensing.boxes import CLASSES, PERSON, Floats, suppress
from models.sensing.tiles import joined, tiles
from models.vision.card import Card, Input
from models.vision.decoders import decode

FALLBACK = "hog"

Frame = npt.NDArray[np.uint8]
"""(height, width, 3) blue green red."""

See = Callable[[Frame, float], Floats]

_TILED = 1.4  # a picture so many times as wide as the input has more to show in parts
_HOG_HEIGHT = 720  # its window is 128 high, so people of a sixth of the picture are found
_HOG_OVERLAP = 0.45


class Detector:
    """One card at work."""

    def __init__(self, card: Card, weights: Path | None, *, is_stopgap: bool = False) -> None:
        """Load it; takes up to a second.

        Args:
            card: of the detector.
            weights: its file, already checked; None if the card has none.
            is_stopgap: whether another was asked for.
        """
        self.card, self.is_stopgap = card, is_stopgap
        self.basis = f"camera {card.name}" + " (no weights found)" * is_stopgap
        self._see = _network(card, weights) if weights else _hog()
        give_back()

    @staticmethod
    def best(*names: str) -> "Detector":
        """The detector of the first of these cards whose weights are to be had, or else HOG.

        Raises:
            Missing: no card of this name.
        """
        for card in map(cards.load, names or [cards.DEFAULT]):
            with contextlib.suppress(Missing):
                return Detector(card, cards.find(card))
        return Detector(cards.load(FALLBACK), None, is_stopgap=True)

    @property
    def sees(self) -> frozenset[int]:
        """The classes that it can find."""
        if self.card.network is None:
            return frozenset({PERSON})
        return frozenset(CLASSES[name] for name in self.card.network.classes)

    def detect(self, frame: Frame, floor: float | None = None) -> Floats:
        """What is in the frame.

        Args:
            frame: the picture.
            floor: least score; None is the card's threshold.

        Returns:
            (n, 6) float32: x0 y0 x1 y1 in pixels of the frame, score, class; the surest first.
        """
        return self._see(frame, self.card.threshold if floor is None else floor)

    def detect_wide(self, frame: Frame, floor: float) -> Floats:
        """What is in a frame of a lot, which is wide: where it has more to show, in its parts too.

        Args and returns as of `detect`; it costs five times as much.
        """
        whole, size = self.detect(frame, floor), self.card.input
        if size is None or frame.shape[1] < _TILED * size.width:
            return whole
        shape = frame.shape[1], frame.shape[0]
        parts = [
            ((x0, y0, x1, y1), self.detect(frame[y0:y1, x0:x1], floor))
            for x0, y0, x1, y1 in tiles(shape)
        ]
        return joined(whole, parts, shape)


def _network(card: Card, weights: Path) -> See:
    size, network = card.input, card.network
    assert size is not None  # noqa: S101  a card with weights has both
    assert network is not None  # noqa: S101
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_mem_pattern = False  # one block for all that a run needs; pieces are less
    session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    name: str = session.get_inputs()[0].name
    fed = np.empty((1, 3, size.height, size.width), np.float32)

    def see(frame: Frame, floor: float) -> Floats:
        _fit(frame, size, fed)
        outputs: list[Any] = session.run(None, {name: fed})
        return decode(outputs, network, size, (frame.shape[1], frame.shape[0]), floor)

    return see


def _fit(frame: Frame, size: Input, fed: Floats) -> None:
    """Fill `fed`, (1, 3, height, width), with the frame as the network wants it."""
    height, width = frame.shape[:2]
    x, y = size.scales(width, height)
    small = cv2.resize(frame, (round(width * x), round(height * y)))
    fed.fill(size.pad)
    fed[0, :, : small.shape[0], : small.shape[1]] = small.transpose(2, 0, 1)
    fed -= np.array(size.mean, np.float32).reshape(-1, 1, 1)
    fed *= np.array(size.scale, np.float32).reshape(-1, 1, 1)


def _hog() -> See:
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(np.array(cv2.HOGDescriptor.getDefaultPeopleDetector()))

    def see(frame: Frame, floor: float) -> Floats:
        height, width = frame.shape[:2]
        scale = _HOG_HEIGHT / height
        large = cv2.resize(frame, None, fx=scale, fy=scale)
        found, margins = hog.detectMultiScale(large, winStride=(8, 8), scale=1.05)
        x0, y0, w, h = (np.reshape(found, (-1, 4)) / scale).T
        # The SVM's margin as a score: 1 is as sure as the examples that it was trained with.
        score = np.clip(np.ravel(margins), 0, 1)
        x, y = np.clip([x0, x0 + w], 0, width), np.clip([y0, y0 + h], 0, height)
        seen = np.full(len(score), PERSON)
        boxes = np.column_stack([x[0], y[0], x[1], y[1], score, seen]).astype(np.float32)
        return suppress(boxes[score >= floor], _HOG_OVERLAP)

    return see
