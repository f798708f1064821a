import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Beat, Cars, Gap, Pulse, SetCount
from models.contract.results import LotResult
from models.parking import kalman
from tests.models.offices import Hand, after


def front(hand: Hand, at_s: float) -> LotResult:
    result = hand.office.results(after(at_s))["lot/front"]
    assert isinstance(result, LotResult)
    return result


def free(hand: Hand, at_s: float) -> int:
    told = front(hand, at_s).free
    assert told is not None
    return told.p50


def test_a_lot_is_unknown_until_something_has_counted_it() -> None:
    hand = Hand()
    hand.see("front-in", Pulse(direction="in"), device="gates")
    told = front(hand, 1)
    assert (told.state, told.free, told.vacancy) == ("no_data", None, None)
    assert told.capacity == 40
    assert told.accessible is not None
    assert (told.accessible.capacity, told.accessible.free) == (2, None)


def test_a_pulse_changes_the_numbers_at_once() -> None:
    hand = Hand()
    hand.see("front", Cars(occupied=20, seen=40), device="cam")
    before = free(hand, 1)
    hand.see("front-in", Pulse(direction="in"), after(1), device="gates")
    assert free(hand, 1) == before - 1
    hand.see("front-in", Pulse(direction="out"), after(2), device="gates")
    assert free(hand, 2) == before


def test_a_count_by_hand_is_believed() -> None:
    hand = Hand()
    hand.see("front", Cars(occupied=5, seen=40), device="cam")
    hand.see("front", SetCount(count=33, by="hanako"), after(1), device="web")
    assert free(hand, 2) == 7


def test_gates_are_as_fresh_as_their_devices_beat() -> None:
    hand = Hand()
    hand.see("front", SetCount(count=10, by="hanako"), device="web")
    hand.see("front-in", Pulse(direction="in"), after(10), device="gates")
    hand.see("all", Beat(), after(3000), device="gates")
    told = front(hand, 3100)
    assert (told.state, told.basis, told.valid_until) == ("open", "gates", after(3300))
    assert told.observed_at == after(3000)
    assert front(hand, 3301).state == "no_data"


def test_a_gap_widens_what_is_told_until_the_lot_is_counted_again() -> None:
    hand = Hand()
    hand.see("front", SetCount(count=20, by="hanako"), device="web")
    hand.see("front-in", Pulse(direction="in"), after(1), device="gates")
    sure = front(hand, 2).free
    hand.see("front-in", Gap(since=after(2), why="dead"), after(1802), device="gates")
    unsure = front(hand, 1803).free
    assert sure is not None
    assert unsure is not None
    assert unsure.p90 - unsure.p10 > sure.p90 - sure.p10
    hand.see("front-in", Gap(since=None, why="nobody knows"), after(1804), device="gates")
    assert front(hand, 1806).free is None
    hand.see("front", SetCount(count=20, by="hanako"), after(1810), device="web")
    assert free(hand, 1811) == 20


def test_a_camera_that_sees_half_counts_for_less() -> None:
    whole, half = kalman.Cars(), kalman.Cars()
    for cars, seen in ((whole, 40), (half, 20)):
        cars.set(10, 0.0, 40)
        cars.variance = 25.0
        cars.camera(seen // 2, seen, 1.0, 40)
    assert whole.mean is not None
    assert half.mean is not None
    assert 10 < half.mean < whole.mean < 20


def test_closed_is_not_full() -> None:
    hand = Hand()
    hand.see("front", Cars(occupied=40, seen=40), device="cam")
    told = front(hand, 8 * 3600)
    assert (told.state, told.vacancy, told.free) == ("closed", None, None)
    assert told.opens_at == after(22.5 * 3600)


@pytest.mark.parametrize(
    ("cars", "vacancy"), [(0, "vacant"), (34, "vacant"), (35, "few"), (39, "few"), (40, "full")]
)
def test_vacancy_by_table(cars: int, vacancy: str) -> None:
    hand = Hand()
    hand.see("front", SetCount(count=cars, by="hanako"), device="web")
    assert front(hand, 1).vacancy == vacancy


def test_one_car_that_leaves_a_full_lot_does_not_make_the_sign_flicker() -> None:
    hand = Hand()
    hand.see("front", SetCount(count=40, by="hanako"), device="web")
    signs = []
    for n in range(4):
        hand.see("front-in", Pulse(direction="out"), after(n), device="gates")
        signs.append(front(hand, n).vacancy)
    assert signs == ["full", "few", "few", "few"]


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("pulse"), st.booleans()),
        st.tuples(st.just("camera"), st.integers(0, 60)),
        st.tuples(st.just("set"), st.integers(0, 60)),
        st.tuples(st.just("gap"), st.integers(0, 100_000)),
        st.tuples(st.just("night"), st.just(0)),
    ),
    max_size=100,
)


@given(MOVES)
def test_free_is_always_between_nothing_and_all(moves: list[tuple[str, int]]) -> None:
    cars = kalman.Cars()
    for n, (kind, value) in enumerate(moves):
        at_s = 100.0 * n
        if kind == "pulse":
            cars.pulse(into=bool(value), at_s=at_s, capacity=40)
        elif kind == "camera":
            cars.camera(value, 40, at_s, 40)
        elif kind == "set":
            cars.set(value, at_s, 40)
        elif kind == "gap":
            cars.gap(value, 40)
        else:
            cars.night(at_s, 40)
        told = cars.free(at_s + 1, 40)
        assert told is None or 0 <= told.p10 <= told.p50 <= told.p90 <= 40
