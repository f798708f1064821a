import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import People
from models.sensing.boxes import PERSON, Floats
from models.sensing.plan import Anchor, Plan, Point, ZoneView
from models.sensing.view import View
from models.sensing.zones import Steady, count, inside

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


def test_who_stands_in_a_mask_is_not_counted() -> None:
    poster = ((0.1, 0.1), (0.4, 0.1), (0.4, 0.6), (0.1, 0.6))
    plan = Plan(zones=(ZoneView(zone="lobby"),), masks=(poster,))
    view = View(plan, (640, 480), 0.3)
    before_it, on_it = (150, 100, 220, 400), (150, 80, 220, 250)
    assert view.readings(people(before_it, on_it), 0.0) == [("lobby", People(count=1))]


def steadied(counts: list[int], every_s: float) -> list[int]:
    steady = Steady()
    return [steady.count(n, i * every_s) for i, n in enumerate(counts)]


@pytest.mark.parametrize("every_s", [1.0, 5.0])
@given(counts=st.lists(st.integers(0, 20)))
def test_at_a_frame_a_second_each_count_stands_for_itself(
    counts: list[int], every_s: float
) -> None:
    assert steadied(counts, every_s) == counts


@pytest.mark.parametrize("every_s", [0.1, 0.2, 0.5])
@given(people=st.integers(1, 20), missed=st.integers(3, 12))
def test_a_person_missed_in_one_frame_is_still_there(
    people: int, missed: int, every_s: float
) -> None:
    counts = [people] * 15
    counts[missed] -= 1
    assert steadied(counts, every_s) == [people] * 15


@given(st.lists(st.integers(0, 20), min_size=1))
def test_what_is_said_was_counted_a_moment_ago(counts: list[int]) -> None:
    for i, said in enumerate(steadied(counts, 0.25)):
        assert said in counts[max(0, i - 4) : i + 1]
