from models.contract.observations import People, SetCount
from models.contract.results import ZoneResult
from tests.models.offices import Hand, after


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


def test_more_people_than_places_is_over() -> None:
    hand = Hand()
    for people, over in ((60, False), (61, True)):
        hand.see("lobby", People(count=people))
        assert lobby(hand, 1).over is over


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
