import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Beat, Cars, Gap, Pulse, Reading, SetCount
from models.contract.results import LotResult
from models.errors import BadSite
from models.parking import kalman
from models.site import parse
from models.state.office import Office
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
        cars.p[kalman.CARS][kalman.CARS] = 25.0
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


BAYS = parse("""
[site]
id = "minami"
name = { en = "Minami" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
[[lots]]
id = "front"
capacity = 40
accessible = 3
[[lots]]
id = "front-bays"
capacity = 3
few = 1
accessible_of = "front"
""")


def seen(*looks: tuple[float, Reading], lot: str = "front-bays") -> Hand:
    """A hand in an office with accessible bays, whose car park is known all day."""
    hand = Hand(Office(BAYS))
    hand.see("front", SetCount(count=20, by="hanako"), device="web")
    for at_s, reading in looks:
        hand.see(lot, reading, after(at_s), device="cam")
    return hand


@pytest.mark.parametrize(
    ("taken", "visible", "vacancy", "free"),
    [
        (0, 3, "vacant", (3, 3, 3)),
        (2, 3, "few", (1, 1, 1)),
        (3, 3, "full", (0, 0, 0)),
        (0, 2, "vacant", (2, 2, 3)),
        (2, 2, None, None),
        (0, 0, None, None),
    ],
    ids=["all free", "one free", "full", "one hidden", "the rest hidden", "nothing seen"],
)
def test_accessible_bays_by_table(
    taken: int, visible: int, vacancy: str | None, free: tuple[int, ...] | None
) -> None:
    told = front(seen((1, Cars(occupied=taken, seen=visible))), 2).accessible
    assert told is not None
    assert (told.capacity, told.vacancy) == (3, vacancy)
    assert (told.free and (told.free.p10, told.free.p50, told.free.p90)) == free


def test_accessible_bays_are_told_with_their_lot_and_not_longer_than_they_are_seen() -> None:
    hand = seen((1, Cars(occupied=1, seen=3)))
    assert "lot/front-bays" not in hand.office.results(after(2))
    told = front(hand, 2)
    assert told.free is not None
    assert (told.free.p50, told.valid_until) == (20, after(91))
    later = front(hand, 92)
    assert later.accessible is not None
    assert (later.free is not None, later.accessible.free) == (True, None)


def test_accessible_bays_counted_by_hand_hold_for_half_an_hour() -> None:
    hand = seen((1, SetCount(count=3, by="hanako")))
    told = front(hand, 1700).accessible
    assert told is not None
    assert told.vacancy == "full"


def test_cars_in_the_whole_lot_say_nothing_of_its_accessible_bays() -> None:
    told = front(seen((1, Cars(occupied=40, seen=40)), lot="front"), 2).accessible
    assert told is not None
    assert (told.vacancy, told.free) == (None, None)


def test_accessible_bays_survive_a_restart_and_a_clock_that_was_ahead() -> None:
    hand = seen((100, Cars(occupied=1, seen=3)))
    hand.office = Office.load(BAYS, hand.office.dump())
    ahead = front(hand, 101).accessible
    assert ahead is not None
    assert ahead.free is not None
    hand.see("all", Beat(), after(10), device="web")
    told = front(hand, 11).accessible
    assert told is not None
    assert told.free is None


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        ('accessible_of = "front"', 'accessible_of = "back"', "want a lot of front, got 'back'"),
        ("accessible = 3", "accessible = 2", "want 2, the accessible bays of front, got 3"),
        (
            'accessible_of = "front"',
            'accessible_of = "front-bays"',
            "want a lot of front, got 'front-bays'",
        ),
    ],
    ids=["no such lot", "another number", "of itself"],
)
def test_accessible_bays_must_be_those_of_a_lot(old: str, new: str, want: str) -> None:
    text = """
[site]
id = "minami"
name = { en = "Minami" }
hours = []
[[lots]]
id = "front"
capacity = 40
accessible = 3
[[lots]]
id = "front-bays"
capacity = 3
accessible_of = "front"
""".replace(old, new)
    with pytest.raises(BadSite, match=want):
        parse(text)
