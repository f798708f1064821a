"""The counters played again: the day that was comes out, and one more clerk only shortens waits."""

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import mean

import pytest

from models.contract.observations import Counter, Ticket, TicketEvent
from models.report.hall import Clerk, draw, learn, play
from models.report.plan import Plan, month_of
from models.report.staffing import counters_of, staffing
from models.report.visits import HallDay, Said, between_s, hall_days
from models.site import Site, parse
from models.world.day import Day
from models.world.office import live
from tests.report.offices import at, small_office
from tests.signage.office import EXAMPLE

SMALL = small_office()
MONDAY = date(2026, 10, 5)


def example() -> Site:
    return parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name, str(EXAMPLE.parent))


def said_of(day: Day) -> list[Said]:
    return [
        Said(round(event.at.timestamp() * 1000), event.name, event.reading)
        for event in day.events
        if isinstance(event.reading, (Ticket, Counter))
    ]


def lived(site: Site, days: Sequence[date]) -> tuple[list[HallDay], list[Day]]:
    worlds = [live(site, day, 7) for day in days]
    said = [one for world in worlds for one in said_of(world)]
    return hall_days(said, Plan(site)), worlds


def test_the_days_as_they_were_come_out_to_the_second() -> None:
    """The synthetic office calls as the simulator thinks that offices do: nothing may differ."""
    site = example()
    days, worlds = lived(site, [MONDAY + timedelta(days=n) for n in range(5)])
    learnt = learn(days, between_s(days))
    assert learnt.between_s == 0
    for day, world in zip(days, worlds, strict=True):
        played = play(day, counters_of(site), learnt, draw(day, learnt, 1))
        known = [t for t in world.tickets if t.service != "tax-return"]
        assert len(known) == len(day.visits) > 200
        for visit, wait_s in zip(day.visits, played.waits_s, strict=True):
            assert wait_s == pytest.approx(visit.wait_s, abs=1)


def test_a_clerk_more_never_makes_the_month_wait_longer() -> None:
    site = example()
    days, _ = lived(site, [MONDAY + timedelta(days=n) for n in range(5)])
    found = staffing(days, Plan(site))
    assert found is not None
    assert found.check.is_close
    assert found.check.ticket_s < 1
    assert found.saved is not None
    assert found.saved.hours > 0
    assert found.saved.hours_range.low <= found.saved.hours <= found.saved.hours_range.high
    assert found.saved.long_with_s <= found.saved.long_s
    assert 11 <= found.saved.hour <= 13, "when two of three counters take their lunch in turn"
    assert {group.services for group in found.groups} == {
        ("certificates", "moving"), ("insurance",), ("mynumber",)
    }  # fmt: skip


def test_work_is_counted_in_clerks() -> None:
    """Three of half an hour each come at ten: work for three clerks in that half hour."""
    said = [one for one in queue_of_three() if one.name == "tax"]
    found = staffing(hall_days(said, Plan(SMALL)), Plan(SMALL))
    assert found is not None
    (group,) = found.groups
    assert group.services == ("tax",)
    by_half = {one.half: (one.needed, one.open) for one in group.halves}
    assert by_half[20] == pytest.approx((3.0, 2.0), rel=1e-3)
    assert by_half[21] == pytest.approx((0.0, 2.0))
    assert group.worst().half == 20


def test_an_office_that_calls_in_another_way_is_told_nothing_of_one_more_clerk() -> None:
    """Everybody was called half an hour later than the counters would have let them."""
    site = example()
    days, _ = lived(site, [MONDAY, MONDAY + timedelta(days=1)])
    for day in days:
        for visit in day.visits:
            if visit.called_ms is not None and visit.ended_ms is not None:
                visit.called_ms += 1_800_000
                visit.ended_ms += 1_800_000
    found = staffing(days, Plan(site))
    assert found is not None
    assert not found.check.is_close
    assert found.check.measured_s - found.check.played_s > 900
    assert found.saved is None


def ticket(hour: float, number: str, event: TicketEvent, counter: str | None = None) -> Said:
    moment = at(SMALL, MONDAY, hour)
    return Said(
        round(moment.timestamp() * 1000),
        "tax",
        Ticket(number=number, event=event, counter=counter),
    )


def queue_of_three() -> list[Said]:
    """Three come at ten; the only open counter takes half an hour for each."""
    said = [Said(round(at(SMALL, MONDAY, 9).timestamp() * 1000), "c2", Counter(open=False))]
    for n in range(3):
        begin = 10 + n / 2
        said += [
            ticket(10 + n / 3600, f"A{n}", "issued"),
            ticket(begin if n else 10.0 + 1 / 7200, f"A{n}", "called", "c1"),
            ticket(begin + 0.5, f"A{n}", "served", "c1"),
        ]
    return said


def test_what_a_second_clerk_does_by_hand() -> None:
    (day,) = hall_days(queue_of_three(), Plan(SMALL))
    learnt = learn([day], between_s([day]))
    drawn = draw(day, learnt, 1)
    alone = play(day, counters_of(SMALL), learnt, drawn)
    assert alone.waits_s == pytest.approx([0, 1799, 3598], abs=2)
    start_ms = Plan(SMALL).midnight_ms(MONDAY) + 10 * 3_600_000
    clerk = Clerk(("tax",), (start_ms, start_ms + 3_600_000))
    two = play(day, counters_of(SMALL), learnt, drawn, clerk)
    assert two.waits_s == pytest.approx([0, 0, 1798], abs=2)
    late = Clerk(("tax",), (start_ms + 2 * 3_600_000, start_ms + 3 * 3_600_000))
    assert play(day, counters_of(SMALL), learnt, drawn, late).waits_s == alone.waits_s


def test_where_no_end_is_told_the_next_call_is_it() -> None:
    said = [one for one in queue_of_three() if getattr(one.reading, "event", "") != "served"]
    (day,) = hall_days(said, Plan(SMALL))
    assert [visit.lasted_s for visit in day.visits] == [
        pytest.approx(1800, abs=1),
        pytest.approx(1800, abs=1),
        None,
    ]
    assert staffing([day], Plan(SMALL)) is None, "a third of the tickets tell no service time"


def test_tickets_without_a_counter_say_nothing_of_clerks() -> None:
    said = [
        Said(one.at_ms, one.name, Ticket(number=one.reading.number, event=one.reading.event))
        for one in queue_of_three()
        if isinstance(one.reading, Ticket)
    ]
    assert staffing(hall_days(said, Plan(SMALL)), Plan(SMALL)) is None


def test_counters_that_the_site_file_does_not_know_say_nothing_of_clerks() -> None:
    said = [
        Said(
            one.at_ms,
            one.name,
            Ticket(number=one.reading.number, event=one.reading.event, counter="window-9"),
        )
        for one in queue_of_three()
        if isinstance(one.reading, Ticket)
    ]
    assert staffing(hall_days(said, Plan(SMALL)), Plan(SMALL)) is None


def test_who_would_have_left_stays_if_called_sooner() -> None:
    site = example()
    days, worlds = lived(site, [MONDAY + timedelta(days=n) for n in range(5)])
    learnt = learn(days, 0.0)
    was = [ticket for world in worlds for ticket in world.tickets if ticket.absent]
    fewer = []
    for day in days:
        start_ms = Plan(site).midnight_ms(day.day) + 9 * 3_600_000
        clerk = Clerk(("certificates",), (start_ms, start_ms + 7 * 3_600_000))
        with_one = play(day, counters_of(site), learnt, draw(day, learnt, 1), clerk)
        alone = play(day, counters_of(site), learnt, draw(day, learnt, 1))
        fewer.append(sum(alone.absent) - sum(with_one.absent))
    assert 0 < mean(fewer) < len(was)


def test_a_month_with_no_tickets_has_no_staffing() -> None:
    assert staffing([], Plan(SMALL)) is None
    assert month_of("2026-10").first == date(2026, 10, 1)
