import msgspec
import pytest

from models.contract.observations import Beat, People, SetCount
from models.contract.results import AlertResult, ServiceResult, ZoneResult
from models.site import Site
from models.state.office import Office
from tests.models.offices import SITE, Hand, after


def lobby(hand: Hand, at_s: float) -> ZoneResult:
    result = hand.office.results(after(at_s))["zone/lobby"]
    assert isinstance(result, ZoneResult)
    return result


def test_a_count_holds_for_ninety_seconds_and_then_nobody_knows() -> None:
    hand = Hand()
    hand.see("lobby", People(count=12))
    told = lobby(hand, 89)
    assert (told.state, told.people, told.level, told.over) == ("open", 12, 1, False)
    assert told.valid_until == after(90)
    gone = lobby(hand, 91)
    assert (gone.state, gone.people, gone.level, gone.over) == ("no_data", None, None, None)


def seen_each_second(hand: Hand, *counts: int, start_s: float = 0.0) -> list[bool | None]:
    """What is said of `over` after each count of a camera."""
    said = []
    for n, people in enumerate(counts):
        hand.see("lobby", People(count=people), after(start_s + n), device="cam")
        said.append(lobby(hand, start_s + n).over)
    return said


def test_more_people_than_places_for_ten_seconds_is_over() -> None:
    hand = Hand()
    assert seen_each_second(hand, 60, *[61] * 11) == [False] * 11 + [True]
    assert lobby(hand, 12).level == 4
    alert = hand.office.results(after(12))["alert/lobby"]
    assert isinstance(alert, AlertResult)
    assert (alert.since, alert.valid_until) == (after(1), lobby(hand, 12).valid_until)
    assert alert.why == "want at most 60 people, got 61 - in zone lobby"


def test_one_noisy_frame_is_neither_over_nor_the_end_of_it() -> None:
    hand = Hand()
    assert not any(seen_each_second(hand, *[60, 60, 75] * 20))
    assert "alert/lobby" not in hand.office.results(after(60))
    seen_each_second(hand, *[70] * 11, start_s=60)
    assert all(seen_each_second(hand, *[70, 70, 40] * 20, start_s=71))


def test_over_ends_when_there_is_room_and_not_when_one_has_left() -> None:
    hand = Hand()
    seen_each_second(hand, *[61] * 11)
    assert all(seen_each_second(hand, *[60, 58] * 20, start_s=11))
    assert lobby(hand, 50).level == 4
    said = seen_each_second(hand, *[57] * 11, start_s=51)
    assert said == [True] * 10 + [False]
    assert "alert/lobby" not in hand.office.results(after(61))
    assert not any(seen_each_second(hand, *[60] * 20, start_s=62))


def test_a_camera_that_looks_once_a_minute_must_look_twice() -> None:
    hand = Hand()
    hand.see("lobby", People(count=70), after(0))
    assert lobby(hand, 59).over is False
    hand.see("lobby", People(count=70), after(60))
    assert lobby(hand, 60).over is True


def test_a_count_by_hand_is_over_at_once() -> None:
    hand = Hand()
    hand.see("lobby", SetCount(count=61, by="hanako"))
    assert lobby(hand, 0).over is True
    hand.see("lobby", SetCount(count=57, by="hanako"), after(5))
    assert lobby(hand, 5).over is False


def test_who_saw_nothing_for_a_while_starts_again() -> None:
    hand = Hand()
    seen_each_second(hand, *[70] * 11)
    assert lobby(hand, 200).over is None
    assert not {"alert/lobby"} & hand.office.results(after(200)).keys()
    assert seen_each_second(hand, 59, 70, start_s=300) == [False, False]


def test_over_survives_a_restart() -> None:
    hand = Hand()
    seen_each_second(hand, *[61] * 11)
    hand.office = Office.load(SITE, hand.office.dump())
    assert seen_each_second(hand, 60, start_s=11) == [True]


@pytest.mark.parametrize(("capacity", "room"), [(1, 0), (2, 0), (10, 8), (60, 57), (1000, 950)])
def test_room_by_table(capacity: int, room: int) -> None:
    small = Hand(site=site_of(capacity))
    small.see("lobby", SetCount(count=capacity + 1, by="hanako"))
    small.see("lobby", SetCount(count=room + 1, by="hanako"), after(1))
    assert lobby(small, 1).over is True
    small.see("lobby", SetCount(count=room, by="hanako"), after(2))
    assert lobby(small, 2).over is False


def site_of(capacity: int) -> Site:
    zone = msgspec.structs.replace(SITE.zones[0], capacity=capacity)
    return msgspec.structs.replace(SITE, zones=(zone,))


def test_a_camera_that_beats_and_counts_no_more_is_blind() -> None:
    hand = Hand()
    hand.see("lobby", People(count=70), device="cam")
    until = lobby(hand, 0).valid_until
    for n in range(0, 300, 30):
        hand.see("all", Beat(), after(n), device="cam")
        told = lobby(hand, n)
        assert told.people is None or (told.people == 70 and after(n) < until == told.valid_until)
    gone = lobby(hand, 300)
    assert (gone.state, gone.people, gone.level, gone.over) == ("no_data", None, None, None)
    tax = hand.office.results(after(300))["service/tax"]
    assert isinstance(tax, ServiceResult)
    assert tax.level is None


def test_a_snapshot_from_before_calibration_still_loads() -> None:
    hand = Hand()
    hand.see("lobby", People(count=12), device="cam")
    tree = msgspec.msgpack.decode(hand.office.dump())
    kept = {"people", "seen_s", "by_hand"}
    tree["zones"] = {
        name: {key: value for key, value in zone.items() if key in kept}
        for name, zone in tree["zones"].items()
    }
    hand.office = Office.load(SITE, msgspec.msgpack.encode(tree))
    assert lobby(hand, 1).people == 12
    hand.see("lobby", People(count=13), after(2), device="cam")
    assert lobby(hand, 3).people == 13


def test_a_count_by_hand_holds_for_half_an_hour_unless_a_camera_counts_again() -> None:
    hand = Hand()
    hand.see("lobby", SetCount(count=30, by="hanako"))
    assert (lobby(hand, 1700).people, lobby(hand, 1700).basis) == (30, "set")
    hand.see("lobby", People(count=28), after(1701))
    assert (lobby(hand, 1702).people, lobby(hand, 1702).basis) == (28, "camera")


def test_a_count_that_comes_late_does_not_replace_a_newer_one() -> None:
    hand = Hand()
    hand.see("lobby", People(count=5), after(60))
    hand.see("lobby", People(count=50), after(0), received_at=after(61))
    assert lobby(hand, 62).people == 5


def test_at_night_an_empty_camera_view_is_closed_and_people_are_still_shown() -> None:
    hand = Hand()
    night_s = 10 * 3600.0
    assert lobby(hand, night_s).state == "closed"
    hand.see("lobby", People(count=2), after(night_s))
    assert (lobby(hand, night_s + 1).state, lobby(hand, night_s + 1).people) == ("open", 2)
