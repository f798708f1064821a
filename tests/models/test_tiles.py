import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sensing.boxes import CAR, Floats, none
from models.sensing.tiles import joined, tiles

SIZE = (1280, 720)


def seen_in(part: tuple[int, int, int, int], cars: Floats) -> Floats:
    """What a perfect detector makes of cars in a part of the picture: cut at its sides."""
    x0, y0, x1, y1 = part
    boxes = cars - np.array([x0, y0, x0, y0, 0, 0], np.float32)
    boxes[:, [0, 2]] = np.clip(boxes[:, [0, 2]], 0, x1 - x0)
    boxes[:, [1, 3]] = np.clip(boxes[:, [1, 3]], 0, y1 - y0)
    kept: Floats = boxes[(boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])]
    return kept


@given(st.integers(0, 1180), st.integers(0, 650), st.integers(20, 100), st.integers(15, 70))
def test_a_car_anywhere_is_found_once_and_whole(x: int, y: int, w: int, h: int) -> None:
    car = np.array([[x, y, min(x + w, 1280), min(y + h, 720), 0.9, CAR]], np.float32)
    parts = [(part, seen_in(part, car)) for part in tiles(SIZE)]
    np.testing.assert_allclose(joined(none(), parts, SIZE), car)


def test_a_bus_larger_than_a_tile_is_found_in_the_whole_picture() -> None:
    bus = np.array([[200, 100, 1100, 650, 0.8, CAR]], np.float32)
    parts = [(part, seen_in(part, bus)) for part in tiles(SIZE)]
    np.testing.assert_allclose(joined(bus, parts, SIZE), bus)


@pytest.mark.parametrize("size", [(1280, 720), (641, 479), (480, 360)])
def test_tiles_cover_the_picture(size: tuple[int, int]) -> None:
    covered = np.zeros(size, bool)
    for x0, y0, x1, y1 in tiles(size):
        covered[x0:x1, y0:y1] = True
    assert covered.all()
