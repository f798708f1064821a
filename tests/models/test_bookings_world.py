"""A synthetic office with reservations: what its book is worth, for those who have none."""

from datetime import UTC, date, datetime, time, timedelta
from statistics import mean
from typing import NamedTuple

import msgspec
import pytest

from models.contract.observations import BookedSlot, Bookings, Envelope, Observation, Ticket
from models.contract.results import ServiceForecast
from models.site import parse
from models.state.office import Office
from models.world.day import Day
from models.world.laws import Params
from models.world.office import live

SITE = parse(
    '[site]\nid = "a"\nname = { en = "A" }\nholidays = "none"\n'
    'hours = [{ days = "mon-sun", open = "08:30", close = "17:15" }]\n'
    '[[services]]\nid = "passport"\nname = { en = "P" }\ncounters = ["c1", "c2", "c3"]\n'
    'service_minutes = 8\nbookings = "first"\nbooked_tickets = "R"\n'
    '[[counters]]\nid = "c1"\n[[counters]]\nid = "c2"\n[[counters]]\nid = "c3"\n'
)
UNREAD = msgspec.structs.replace(
    SITE,
    services=tuple(
        msgspec.structs.replace(s, bookings=None, booked_tickets=None) for s in SITE.services
    ),
)
FIRST, LEARNT, DAYS = date(2026, 11, 2), 4, 7


class Error(NamedTuple):
    """What was told of a wait less what came, in seconds, and whether that lay within."""

    off_s: float
    within: bool


def fold(office: Office, day: Day, *, scored: bool) -> list[Error]:
    """Let a day pass; whoever has no reservation asks as they take their ticket."""
    came = {ticket.number: ticket.wait_s for ticket in day.tickets if ticket.left_at is None}
    errors = []
    for seq, event in enumerate(day.events):
        reading = event.reading
        if isinstance(reading, Ticket) and reading.event == "issued" and scored:
            wait_s, told = came.get(reading.number), office.wait("passport", event.at)
            if wait_s is not None and told is not None and reading.number.startswith("A"):
                within = told.p10_s <= wait_s <= told.p90_s
                errors.append(Error(told.p50_s - wait_s, within))
        if event.kind in {"ticket", "counter", "bookings"}:
            envelope = Envelope(stream="s", seq=seq + 1, boot="b", up_ms=0, at=event.at)
            seen = Observation(
                site="a", device="d", kind=event.kind, name=event.name,
                envelope=envelope, reading=reading,
            )  # fmt: skip
            office.fold(seen, event.at.timestamp(), event.at.timestamp())
    return errors


@pytest.fixture(scope="module")
def lived() -> tuple[Office, list[Error], list[Error]]:
    """An office that reads its book, its errors, and those of one that does not."""
    offices = [Office(site, assume_alive=True) for site in (SITE, UNREAD)]
    errors: list[list[Error]] = [[], []]
    for n in range(DAYS):
        day = live(SITE, FIRST + timedelta(days=n), 3, Params(booked=0.4))
        for office, found in zip(offices, errors, strict=True):
            found.extend(fold(office, day, scored=n >= LEARNT))
    return offices[0], errors[0], errors[1]


def test_who_knows_the_book_tells_truer_waits(
    lived: tuple[Office, list[Error], list[Error]],
) -> None:
    _, read, unread = lived
    assert len(read) == len(unread) > 150
    assert mean(abs(e.off_s) for e in read) < 0.9 * mean(abs(e.off_s) for e in unread)
    assert abs(mean(e.off_s for e in read)) < abs(mean(e.off_s for e in unread)) + 30
    assert 0.7 < mean(e.within for e in read) < 0.95


def test_a_full_book_lengthens_the_waits_that_are_forecast(
    lived: tuple[Office, list[Error], list[Error]],
) -> None:
    today = FIRST + timedelta(days=DAYS)
    now = live(SITE, today, 3).tickets[0].issued_at
    waits = []
    for booked in (0, 2, 12):
        office = Office.load(SITE, lived[0].dump(), assume_alive=True)
        slots = tuple(BookedSlot(minute=m, booked=booked) for m in range(600, 661, 15))
        said = Bookings(day=today, slots=slots)
        envelope = Envelope(stream="t", seq=1, boot="b", up_ms=0, at=now)
        seen = Observation(
            site="a", device="d", kind="bookings", name="passport", envelope=envelope, reading=said
        )
        office.fold(seen, now.timestamp(), now.timestamp())
        told = office.forecasts(now)["forecast/service/passport"]
        assert isinstance(told, ServiceForecast)
        at = datetime.combine(today, time(2), UTC)  # eleven o'clock
        step = next(step for step in told.steps if step.at == at)
        assert step.wait is not None
        waits.append(step.wait)
    assert waits[0].p50_s < waits[1].p50_s < waits[2].p50_s
    assert all(wait.p10_s <= wait.p50_s <= wait.p90_s for wait in waits)
