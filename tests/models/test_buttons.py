from models.contract.observations import Press
from models.contract.results import ServiceResult
from tests.models.offices import Hand, after


def service(hand: Hand, at_s: float, name: str) -> ServiceResult:
    result = hand.office.results(after(at_s))[f"service/{name}"]
    assert isinstance(result, ServiceResult)
    return result


def test_next_calls_who_has_waited_longest_of_all_that_the_counter_serves() -> None:
    hand = Hand()
    hand.issue("B001", after(1), "moving")
    hand.issue("A001", after(2))
    hand.see("next-c2", Press(gesture="short"), after(60))
    assert [(c.number, c.counter) for c in hand.office.new_calls()] == [("B001", "c2")]
    hand.see("next-c2", Press(gesture="short"), after(120))
    assert [c.number for c in hand.office.new_calls()] == ["A001"]
    hand.see("next-c2", Press(gesture="short"), after(180))
    assert hand.office.new_calls() == []


def test_where_the_machine_says_whom_it_calls_a_press_calls_nobody_more() -> None:
    hand = Hand()
    hand.issue("A001")
    hand.issue("A002", after(1))
    hand.call("A001", "c1", after(60))
    hand.see("next-c1", Press(gesture="short"), after(60))
    assert service(hand, 61, "tax").waiting == 1


def test_a_toggle_closes_an_open_counter_and_opens_it_again() -> None:
    hand = Hand()
    hand.issue("B001", service="moving")
    hand.see("busy", Press(gesture="long"), after(1))
    assert service(hand, 2, "moving").state == "paused"
    hand.see("busy", Press(gesture="long"), after(30))
    assert (service(hand, 31, "moving").state, service(hand, 31, "moving").counters_open) == (
        "open",
        1,
    )


def test_a_level_button_speaks_for_its_services_only() -> None:
    hand = Hand()
    hand.see("busy", Press(gesture="short"), after(1))
    assert service(hand, 2, "moving").level == 3
    assert service(hand, 2, "tax").level is None


def test_a_button_without_a_meaning_is_counted_and_does_nothing() -> None:
    hand = Hand()
    for name, gesture in (("busy", "double"), ("next-c9", "short"), ("next-c1", "long")):
        hand.see(name, Press(gesture=gesture))  # type: ignore[arg-type]
    assert hand.office.unknown == {"press/busy": 1, "press/next-c9": 1, "press/next-c1": 1}
