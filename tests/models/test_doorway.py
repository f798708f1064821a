"""A zone that no camera sees, counted at its doors."""

import random

from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Beat, Crossing, Gap, People, SetCount
from models.contract.results import ServiceResult, ZoneResult
from models.site import parse
from models.state.office import Office
from tests.models.offices import TEN, Hand, after

SITE = parse("""
[site]
id = "minami"
name = { en = "Minami" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
holidays = "none"

[[services]]
id = "tax"
name = { en = "Tax" }

[[zones]]
id = "lobby"
capacity = 10
services = ["tax"]

[[lines]]
id = "front"
zone = "lobby"
[[lines]]
id = "side"
zone = "lobby"
[[lines]]
id = "street"
""")

DAY_S = 86_400.0


def lobby(hand: Hand, at_s: float) -> ZoneResult:
    result = hand.office.results(after(at_s))["zone/lobby"]
    assert isinstance(result, ZoneResult)
    return result


def walk(hand: Hand, steps: str, at_s: float, *, line: str = "front", device: str = "door") -> None:
    """One crossing a second: `i` in, `o` out."""
    for n, step in enumerate(steps):
        way = Crossing(direction="in" if step == "i" else "out")
        hand.see(line, way, after(at_s + n), device=device)


def counted(people: int = 0) -> Hand:
    """Somebody has crossed, and all have been counted at ten."""
    hand = Hand(site=SITE)
    walk(hand, "i", -60)
    hand.see("lobby", SetCount(count=people, by="desk"), device="web")
    return hand


def test_who_came_in_and_has_not_gone_out_is_inside() -> None:
    hand = counted()
    walk(hand, "iiioi", 10)
    walk(hand, "io", 20, line="side")
    told = lobby(hand, 22)
    assert (told.people, told.level, told.over, told.basis) == (3, 1, False, "doorway")


def test_until_all_were_counted_nobody_knows() -> None:
    hand = Hand(site=SITE)
    walk(hand, "iii", 0)
    assert (lobby(hand, 3).state, lobby(hand, 3).people) == ("no_data", None)


def test_silence_with_beats_is_nobody_crossing_and_without_them_nobody_knows() -> None:
    hand = counted()
    walk(hand, "ii", 10)
    hand.see("all", Beat(), after(3000), device="door")
    told = lobby(hand, 3060)
    assert (told.people, told.observed_at, told.valid_until) == (2, after(3000), after(3090))
    assert lobby(hand, 3091).state == "no_data"


def test_a_zone_is_known_no_longer_than_its_most_silent_door() -> None:
    hand = counted()
    walk(hand, "i", 10)
    walk(hand, "i", 20, line="side", device="door-2")
    hand.see("all", Beat(), after(100), device="door")
    assert lobby(hand, 109).people == 2
    assert lobby(hand, 2000).people is None


def test_who_leaves_an_empty_zone_was_missed_coming_in() -> None:
    hand = counted()
    walk(hand, "oooi", 10)
    assert lobby(hand, 14).people == 1


def test_what_the_doors_missed_is_forgotten_over_night() -> None:
    hand = counted(7)
    walk(hand, "ii", 10)
    hand.see("all", Beat(), after(8 * 3600), device="door")
    evening = lobby(hand, 8 * 3600 + 1)
    assert (evening.state, evening.people) == ("closed", None)
    hand.see("all", Beat(), after(DAY_S), device="door")
    assert lobby(hand, DAY_S + 1).people == 0
    walk(hand, "i", DAY_S + 10)
    assert lobby(hand, DAY_S + 10).people == 1


def test_a_first_day_in_the_middle_is_no_empty_house() -> None:
    hand = Hand(site=SITE)
    walk(hand, "oi", 0)
    assert lobby(hand, 2).people is None
    walk(hand, "i", DAY_S)
    assert lobby(hand, DAY_S + 1).people == 1


def test_a_count_by_hand_heals_a_drift_though_it_comes_after_later_crossings() -> None:
    hand = counted()
    walk(hand, "iiiiii", 100)
    late = SetCount(count=3, by="desk")
    hand.see("lobby", late, after(102.5), device="web", received_at=after(110))
    assert lobby(hand, 110).people == 3 + 3
    hand.see("lobby", SetCount(count=9, by="desk"), after(120), device="web")
    assert (lobby(hand, 121).people, lobby(hand, 121).basis) == (9, "set")
    walk(hand, "o", 130)
    assert (lobby(hand, 130).people, lobby(hand, 130).basis) == (8, "doorway")


def test_a_crossing_that_comes_after_the_count_in_which_it_is_does_not_count_twice() -> None:
    hand = counted(5)
    way = Crossing(direction="in")
    hand.see("front", way, after(-5), device="door", received_at=after(30))
    assert lobby(hand, 31).people == 5


def test_after_a_door_was_not_watched_nothing_is_told() -> None:
    hand = counted()
    walk(hand, "ii", 10)
    hand.see("front", Gap(since=after(20), why="camera covered"), after(900), device="door")
    assert lobby(hand, 901).people is None
    walk(hand, "i", 910)
    assert lobby(hand, 911).people is None
    hand.see("lobby", SetCount(count=4, by="desk"), after(920), device="web")
    walk(hand, "i", 930)
    assert lobby(hand, 931).people == 5


def test_a_short_gap_is_over_when_somebody_crosses() -> None:
    hand = counted()
    walk(hand, "ii", 10)
    hand.see("front", Gap(since=after(20), why="restart"), after(30), device="door")
    assert lobby(hand, 31).people is None
    walk(hand, "i", 40)
    assert lobby(hand, 41).people == 3


def test_beats_of_a_blind_camera_do_not_pass_for_nobody_crossing() -> None:
    """It says a gap when it goes blind, and another when it sees again."""
    hand = counted()
    walk(hand, "ii", 10)
    hand.see("front", Gap(since=after(20), why="covered"), after(20), device="door")
    for n in range(30, 900, 30):
        hand.see("all", Beat(), after(n), device="door")
        assert lobby(hand, n).people is None
    hand.see("front", Gap(since=after(20), why="covered"), after(900), device="door")
    walk(hand, "i", 910)
    assert lobby(hand, 911).people is None
    hand.see("all", Beat(), after(DAY_S), device="door")
    assert lobby(hand, DAY_S + 1).people == 0


def test_a_gap_of_a_door_that_leads_nowhere_changes_nothing() -> None:
    hand = counted()
    walk(hand, "ii", 10)
    hand.see("street", Gap(since=after(20), why="dead"), after(900), device="street")
    hand.see("all", Beat(), after(900), device="door")
    assert lobby(hand, 901).people == 2


def test_a_camera_that_sees_the_zone_is_believed_and_the_doors_are_no_stopgap() -> None:
    hand = counted()
    walk(hand, "iiii", 10)
    hand.see("lobby", People(count=2), after(20), device="cam")
    walk(hand, "i", 30)
    assert (lobby(hand, 31).people, lobby(hand, 31).basis) == (2, "camera")
    walk(hand, "i", 200)
    assert lobby(hand, 201).people is None
    week_s = 8 * DAY_S
    walk(hand, "i", week_s)
    assert (lobby(hand, week_s + 1).people, lobby(hand, week_s + 1).basis) == (1, "doorway")


def test_over_is_told_though_nobody_crosses_any_more() -> None:
    hand = counted()
    walk(hand, "i" * 11, 10)
    assert lobby(hand, 29).over is False
    assert lobby(hand, 30).over is True
    assert "alert/lobby" in hand.office.results(after(30))
    walk(hand, "o", 40)
    assert lobby(hand, 60).over is True
    walk(hand, "oo", 60)
    assert [lobby(hand, at_s).over for at_s in (61, 70.9, 71)] == [True, True, False]
    walk(hand, "i" * 3, 80)
    assert lobby(hand, 85).over is False


def test_who_looks_in_and_turns_round_is_not_over() -> None:
    hand = counted(10)
    for n in range(20):
        walk(hand, "io", 10 + 12 * n)
        assert lobby(hand, 10 + 12 * n + 11).over is False


def test_how_busy_a_service_is_follows_from_its_doors() -> None:
    hand = counted()
    walk(hand, "i" * 9, 10)
    tax = hand.office.results(after(20))["service/tax"]
    assert isinstance(tax, ServiceResult)
    assert tax.level == 3


def test_a_door_that_is_gone_from_the_site_file_tells_nothing() -> None:
    hand = counted()
    walk(hand, "ii", 10)
    without = parse("""
[site]
id = "minami"
name = { en = "Minami" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
[[zones]]
id = "lobby"
capacity = 10
""")
    again = Hand(Office.load(without, hand.office.dump()))
    again.see("all", Beat(), after(20), device="door")
    assert lobby(again, 21).people is None


def test_a_day_of_people_ends_where_it_should_though_one_in_fifty_is_missed() -> None:
    """The drift stays small, is never below zero, and is gone the next morning."""
    rng, hand = random.Random(1), counted()
    inside = 0
    for n in range(3000):
        is_in = inside == 0 or rng.random() < 0.5
        inside += 1 if is_in else -1
        if rng.random() > 0.02:
            walk(hand, "i" if is_in else "o", 10 + 5 * n)
        told = lobby(hand, 10 + 5 * n).people
        assert told is not None
        assert 0 <= told <= inside + 25
    hand.see("all", Beat(), after(DAY_S), device="door")
    assert lobby(hand, DAY_S).people == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["in", "out"]), st.integers(-7200, 7200)),
        st.tuples(st.just("set"), st.integers(-7200, 7200)),
        st.tuples(st.just("gap"), st.integers(-7200, 7200)),
    ),
    max_size=60,
)


@given(STEPS, st.integers(-3600, 100_000))
def test_never_fewer_than_nobody(steps: list[tuple[str, int]], now_s: int) -> None:
    hand = Hand(Office(SITE, assume_alive=True))
    hand.see("lobby", SetCount(count=2, by="desk"), after(-8000), device="web")
    for kind, at_s in steps:
        if kind == "set":
            hand.see("lobby", SetCount(count=3, by="desk"), after(at_s), device="web")
        elif kind == "gap":
            hand.see("front", Gap(since=TEN, why="dead"), after(at_s), device="door")
        else:
            way = Crossing(direction="in" if kind == "in" else "out")
            hand.see("front", way, after(at_s), device="door")
    told = lobby(hand, now_s).people
    assert told is None or told >= 0
