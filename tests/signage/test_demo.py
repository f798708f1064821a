from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.contract.results import Spread
from models.world.day import Day, Steps, TicketTruth
from signage.pages.demo import Told, Truth, scatter, score
from tests.signage.office import NOON, Hub


def ticket(number: str, issued_s: float, wait_s: float | None = 600) -> TicketTruth:
    issued = NOON + timedelta(seconds=issued_s)
    called = None if wait_s is None else issued + timedelta(seconds=wait_s)
    return TicketTruth(number=number, service="moving", issued_at=issued, called_at=called)


def test_a_ticket_is_judged_by_what_was_on_show_when_it_was_issued(hub: Hub) -> None:
    day = Day(tickets=(ticket("B1", 30), ticket("B2", 80), ticket("B3", 85, None)))
    truth = Truth(hub.mirror, day, since=NOON)
    hub.busy()
    truth.tick(hub.clock.now())
    hub.clock.move(60)
    hub.service("moving", 3, 20, (30, 40, 50))
    truth.tick(hub.clock.now())
    hub.clock.move(60)
    hub.service("moving", 4, 30, (60, 70, 80))
    truth.tick(hub.clock.now())
    hub.clock.move(3600)
    told = {t.ticket.number: t.wait for t in truth.called(hub.clock.now())}
    assert set(told) == {"B1", "B2"}
    assert told["B1"] == Spread(p10_s=840, p50_s=1140, p90_s=1620)
    assert told["B2"] == Spread(p10_s=1800, p50_s=2400, p90_s=3000)


def test_nothing_counts_as_told_once_it_had_run_out(hub: Hub) -> None:
    hub.busy()
    truth = Truth(hub.mirror, Day(tickets=(ticket("B1", 91),)), since=NOON)
    hub.clock.move(2000)
    truth.tick(hub.clock.now())
    (told,) = truth.called(hub.clock.now())
    assert told.wait is None
    assert score([told]).untold == 1


def test_a_ticket_is_listed_only_once_it_has_been_called(hub: Hub) -> None:
    truth = Truth(hub.mirror, Day(tickets=(ticket("B1", 0, 600),)), since=NOON)
    truth.tick(hub.clock.now())
    assert truth.called(hub.clock.now()) == []
    hub.clock.move(600)
    assert len(truth.called(hub.clock.now())) == 1


def test_tickets_from_before_the_start_are_left_out(hub: Hub) -> None:
    truth = Truth(hub.mirror, Day(tickets=(ticket("B1", -5), ticket("B2", 5))), since=NOON)
    hub.clock.move(3600)
    truth.tick(hub.clock.now())
    assert [told.ticket.number for told in truth.called(hub.clock.now())] == ["B2"]


def test_the_free_places_of_a_lot_are_those_without_a_car(hub: Hub) -> None:
    day = Day(cars={"front": Steps((NOON, NOON + timedelta(minutes=5)), (10, 12))})
    truth = Truth(hub.mirror, day, since=NOON)
    assert truth.free("front", 40, NOON + timedelta(minutes=4)) == 30
    assert truth.free("front", 40, NOON + timedelta(minutes=6)) == 28
    assert truth.free("back", 40, NOON) is None


def test_the_score_is_the_mean_error_and_the_share_inside() -> None:
    wait = Spread(p10_s=300, p50_s=600, p90_s=900)
    made = score([Told(ticket("B1", 0, 660), wait), Told(ticket("B2", 0, 1200), wait)])
    assert (made.told, made.error_minutes, made.inside_percent) == (2, "5.5", 50)


@given(st.lists(st.tuples(st.floats(0, 9000), st.floats(0, 9000), st.floats(0, 9000)), max_size=20))
def test_every_dot_lies_on_the_paper(waits: list[tuple[float, float, float]]) -> None:
    told = [
        Told(ticket("B1", 0, came), Spread(p10_s=min(a, b), p50_s=(a + b) / 2, p90_s=max(a, b)))
        for came, a, b in waits
    ]
    for dot in scatter(told)["dots"]:
        assert 0 <= dot["low"] <= dot["x"] <= dot["high"] <= 300
        assert 0 <= dot["y"] <= 300
