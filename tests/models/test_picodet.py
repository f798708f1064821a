import numpy as np
import pytest

from models.sensing.boxes import CAR, PERSON, Floats
from models.vision.card import Input, Network
from models.vision.decoders import decode

SIZE = Input(width=416, height=416, fit="stretch")
NETWORK = Network(decoder="picodet", classes={"person": (0,), "car": (2, 5, 7)})
CELLS = {8: 52, 16: 26, 32: 13, 64: 7}


def outputs(stride: int, cell: int, number: int, score: float, sides: list[float]) -> list[Floats]:
    """The raw outputs that hold one box: how many strides its sides are away, surely."""
    scores = [np.zeros((1, n * n, 80), np.float32) for n in CELLS.values()]
    bins = [np.zeros((1, n * n, 32), np.float32) for n in CELLS.values()]
    i = list(CELLS).index(stride)
    scores[i][0, cell, number] = score
    for k, side in enumerate(sides):
        low = int(side)
        for at, share in ((low, low + 1 - side), (low + 1, side - low)):
            if share:
                bins[i][0, cell, 8 * k + at] = 50 + np.log(share)
    return [*scores, *bins]


@pytest.mark.parametrize("stride", CELLS)
def test_a_box_lands_where_it_was_in_the_frame(stride: int) -> None:
    row, column = 3, 2
    raw = outputs(stride, row * CELLS[stride] + column, 0, 0.7, [1, 2, 1.5, 3])
    boxes = decode(raw, NETWORK, SIZE, (832, 416), 0.4)  # twice as wide as the input shows it
    x, y = (column + 0.5) * stride, (row + 0.5) * stride
    wanted = [2 * (x - stride), y - 2 * stride, 2 * (x + 1.5 * stride), y + 3 * stride]
    wanted[3] = min(wanted[3], 416)
    np.testing.assert_allclose(boxes, [[*wanted, 0.7, PERSON]], rtol=1e-4)


def test_a_side_that_is_not_known_lies_where_it_does_on_average() -> None:
    raw = outputs(8, 10 * 52 + 10, 7, 0.9, [])
    boxes = decode(raw, NETWORK, SIZE, (416, 416), 0.4)
    np.testing.assert_allclose(boxes, [[84 - 28, 84 - 28, 84 + 28, 84 + 28, 0.9, CAR]], rtol=1e-5)


def test_an_empty_picture_has_no_boxes() -> None:
    raw = outputs(8, 0, 0, 0.39, [])
    assert decode(raw, NETWORK, SIZE, (640, 480), 0.4).shape == (0, 6)
