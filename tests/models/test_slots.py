import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Cars
from models.sensing.boxes import CAR, PERSON, Floats, none
from models.sensing.plan import LotView, Plan, Point, Row
from models.sensing.slots import FORGET_S, Slots, area, cut, occupied
from models.sensing.view import View

ROW = [[(x, 0.0), (x + 50, 0.0), (x + 50, 100.0), (x, 100.0)] for x in (0.0, 50.0, 100.0)]


def car(x0: float, y0: float, x1: float, y1: float) -> Floats:
    return np.array([x0, y0, x1, y1, 0.9, CAR], np.float32)


@pytest.mark.parametrize(
    ("cars", "taken"),
    [
        ([], [False, False, False]),
        ([car(52, 5, 98, 95)], [False, True, False]),
        ([car(52, 5, 98, 95), car(54, 0, 99, 90)], [False, True, False]),
        ([car(30, 0, 85, 100)], [False, True, False]),
        ([car(2, -60, 48, 90), car(102, -60, 148, 90)], [True, False, True]),
        ([car(0, 95, 50, 195)], [False, False, False]),
    ],
    ids=["empty", "parked", "seen twice", "across two", "tall from the side", "passing in front"],
)
def test_slots_by_table(cars: list[Floats], taken: list[bool]) -> None:
    boxes = np.stack(cars) if cars else none()
    assert occupied(boxes, ROW) == taken


corner = st.floats(0, 200, width=32)


@given(st.lists(st.tuples(corner, corner, st.floats(1, 120), st.floats(1, 120)), max_size=8))
def test_no_more_slots_are_taken_than_there_are_cars(
    corners: list[tuple[float, float, float, float]],
) -> None:
    cars = [car(x, y, x + w, y + h) for x, y, w, h in corners]
    taken = occupied(np.stack(cars) if cars else none(), ROW)
    assert sum(taken) <= len(cars)


@given(corner, corner, corner, corner)
def test_what_is_cut_of_a_slot_is_no_larger_than_slot_or_box(
    x0: float, y0: float, x1: float, y1: float
) -> None:
    box = car(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    slanted: list[Point] = [(40, 10), (120, 30), (90, 140), (10, 90)]
    left = area(cut(slanted, box))
    assert left <= area(slanted) + 1e-3
    assert left <= abs(x1 - x0) * abs(y1 - y0) + 1e-3


def test_a_slot_within_the_box_is_cut_not_at_all() -> None:
    slanted: list[Point] = [(40, 10), (120, 30), (90, 140), (10, 90)]
    assert area(cut(slanted, car(0, 0, 200, 200))) == pytest.approx(area(slanted))


def test_a_lot_says_how_many_slots_are_taken_and_how_many_it_sees() -> None:
    row = Row(start=(0.0, 0.5), end=(1.0, 0.5), depth=0.5, slots=4)
    view = View(Plan(lots=(LotView(lot="front", rows=(row,)),)), (400, 200), 0.3)
    walker = np.array([205, 105, 295, 195, 0.9, PERSON], np.float32)
    boxes = np.stack([car(105, 105, 195, 195), car(305, 105, 395, 195), walker])
    assert view.readings(boxes, 0.0) == [("front", Cars(occupied=2, seen=4))]


def doubtful(x0: float, score: float) -> Floats:
    """A car that covers a seventh of its slot, or is hardly seen."""
    return np.array([[x0, 50, x0 + 14, 100, score, CAR]], np.float32)


def test_less_is_needed_to_stay_taken_than_to_become_so() -> None:
    lot = Slots(ROW, 0.3)
    assert lot.step(doubtful(10, 0.9), 0.0) == [False] * 3
    assert lot.step(car(2, 5, 48, 95)[None], 1.0) == [True, False, False]
    assert lot.step(doubtful(10, 0.2), 2.0) == [True, False, False]
    assert lot.step(none(), 3.0) == [False] * 3
    assert lot.step(doubtful(10, 0.2), 4.0) == [False] * 3


def test_what_was_taken_long_ago_needs_a_sure_car_again() -> None:
    lot = Slots(ROW, 0.3)
    lot.step(car(2, 5, 48, 95)[None], 0.0)
    assert lot.step(doubtful(10, 0.2), FORGET_S + 1) == [False] * 3


def test_slots_in_the_dark_or_out_of_the_picture_are_not_seen() -> None:
    slots = tuple(
        ((x, y), (x + 0.2, y), (x + 0.2, y + 0.2), (x, y + 0.2))
        for x in (0.1, 0.6)
        for y in (0.1, 0.6)
    )
    leaving = Row(start=(0.95, 0.4), end=(0.95, 0.6), depth=0.2, slots=1)
    turned = Row(start=(0.95, 0.6), end=(0.95, 0.4), depth=0.2, slots=1)
    view = View(
        Plan(lots=(LotView(lot="front", slots=slots, rows=(leaving, turned)),)), (400, 200), 0.3
    )
    small = np.full((120, 160), 90, np.uint8)
    ((_, lit),) = view.readings(none(), 0.0, small)
    assert lit == Cars(occupied=0, seen=5)
    small[:60, :80] = 10
    boxes = np.stack([car(40, 20, 120, 60), car(240, 120, 320, 160)])
    ((_, dark),) = view.readings(boxes, 1.0, small)
    assert dark == Cars(occupied=1, seen=4)
