"""From what a network puts out to boxes. A new decoder is one file here and one line."""

from collections.abc import Callable, Sequence

import numpy as np

from models.sensing.boxes import CLASSES, Floats, none, suppress
from models.vision import cells, fastestdet, picodet, yolox
from models.vision.card import Input, Network

Decode = Callable[[Sequence[Floats], Input, float], tuple[Floats, Floats]]

DECODERS: dict[str, Decode] = {
    "yolox": yolox.decode,
    "fastestdet": fastestdet.decode,
    "picodet": picodet.decode,
    "cells": cells.decode,
}
"""By the `decoder` that a card names."""


def decode(
    outputs: Sequence[Floats], network: Network, size: Input, frame: tuple[int, int], floor: float
) -> Floats:
    """What a network saw.

    Args:
        outputs: its raw outputs.
        network: how they are to be read.
        size: how the frame was made to fit.
        frame: width and height of the frame, pixels.
        floor: least score.

    Returns:
        (n, 6) float32, in pixels of the frame, within it, the surest first.
    """
    corners, scores = DECODERS[network.decoder](outputs, size, floor)
    x, y = size.scales(*frame)
    width, height = frame
    corners = np.maximum(corners / np.array([x, y, x, y], np.float32), np.float32(0))
    corners = np.minimum(corners, np.array([width, height] * 2, np.float32))
    found = [none()]
    for name, numbers in network.classes.items():
        best = scores[:, list(numbers)].max(axis=1)
        seen = np.full(len(best), CLASSES[name], np.float32)
        boxes = np.column_stack([corners, best, seen])[best >= floor]
        found.append(boxes.astype(np.float32))
    return suppress(np.concatenate(found), network.overlap)
