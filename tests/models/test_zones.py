import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sensing.boxes import PERSON, Floats
from models.sensing.plan import Anchor, Point
from models.sensing.zones import count, inside

WIDTH, HEIGHT = 640.0, 480.0
WHOLE: list[Point] = [(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)]


def people(*corners: tuple[float, float, float, float]) -> Floats:
    return np.array([[*c, 0.9, PERSON] for c in corners], np.float32).reshape(-1, 6)


@pytest.mark.parametrize(
    ("anchor", "counted"), [("foot", 1), ("centre", 0)], ids=["feet inside", "middle outside"]
)
def test_the_anchor_says_where_a_person_stands(anchor: Anchor, counted: int) -> None:
    floor: list[Point] = [(0, 300), (WIDTH, 300), (WIDTH, HEIGHT), (0, HEIGHT)]
    assert count(people((100, 100, 200, 400)), floor, anchor) == counted


def test_nobody_is_counted_where_nobody_is() -> None:
    assert count(people(), WHOLE) == 0


boxes = st.tuples(
    st.floats(0, WIDTH - 10, width=32),
    st.floats(0, HEIGHT - 10, width=32),
    st.floats(5, 10, width=32),
    st.floats(5, 10, width=32),
).map(lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3]))


@given(st.lists(boxes, max_size=20), st.sampled_from(["foot", "centre"]))
def test_the_whole_picture_holds_everybody(
    corners: list[tuple[float, float, float, float]], anchor: Anchor
) -> None:
    assert count(people(*corners), WHOLE, anchor) == len(corners)


@given(st.lists(boxes, max_size=20), st.floats(1, WIDTH - 1), st.floats(1, WIDTH - 1))
def test_who_is_not_left_of_an_edge_is_right_of_it(
    corners: list[tuple[float, float, float, float]], top: float, bottom: float
) -> None:
    left: list[Point] = [(0, 0), (top, 0), (bottom, HEIGHT), (0, HEIGHT)]
    right: list[Point] = [(top, 0), (WIDTH, 0), (WIDTH, HEIGHT), (bottom, HEIGHT)]
    crowd = people(*corners)
    assert count(crowd, left) + count(crowd, right) == len(corners)


def test_a_zone_may_be_bent_round_a_pillar() -> None:
    bent: list[Point] = [(0, 0), (9, 0), (9, 9), (6, 9), (6, 3), (3, 3), (3, 9), (0, 9)]
    points = np.array([[1, 8], [4, 8], [7, 8], [4, 1]], np.float32)
    assert inside(points, bent).tolist() == [True, False, True, True]
