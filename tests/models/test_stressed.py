"""An office in which everything goes wrong: what is told must not be confident and wrong."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache

import pytest

from models.contract.observations import Counter, Crossing, Envelope, Observation, Ticket
from models.site import Site, parse
from models.state.office import Office
from models.world.day import Event
from models.world.laws import Params
from models.world.office import live

BUSY = Params(slack=-0.2, companions=0, load_sd=0.12, speed_sd=0.1)
LEARNT = 4  # days before anybody asks


def site(minutes: float = 6, home: str = "17:15") -> Site:
    """Three counters; the first has a lunch break, the third goes home at `home`."""
    return parse(f"""
[site]
id = "minami"
name = {{ en = "Minami" }}
hours = [{{ days = "mon-fri", open = "08:30", close = "17:15" }}]
holidays = "none"
[[services]]
id = "tax"
name = {{ en = "Tax" }}
counters = ["c1", "c2", "c3"]
service_minutes = {minutes}
[[counters]]
id = "c1"
open = [
  {{ days = "mon-fri", from = "08:30", to = "11:30" }},
  {{ days = "mon-fri", from = "12:30", to = "17:15" }},
]
[[counters]]
id = "c2"
[[counters]]
id = "c3"
open = [{{ days = "mon-fri", from = "08:30", to = "{home}" }}]
[[zones]]
id = "lobby"
capacity = 60
services = ["tax"]
[[lines]]
id = "entrance"
zone = "lobby"
""")


def as_it_is(events: list[Event]) -> list[Event]:
    return events


def closed_by_mistake(events: list[Event]) -> list[Event]:
    """Someone says after a while that c2 is closed; it goes on calling."""
    at = events[0].at + timedelta(hours=2)
    wrong = Event(at, "counter", "c2", Counter(open=False))
    return sorted([*events, wrong], key=lambda event: event.at)


def nobody_opens(events: list[Event]) -> list[Event]:
    """No counter says anything all day."""
    return [event for event in events if event.kind != "counter"]


def door_backwards(events: list[Event]) -> list[Event]:
    """The doorway takes those who come for those who go."""
    other = {"in": Crossing(direction="out"), "out": Crossing(direction="in")}
    return [
        Event(e.at, e.kind, e.name, other[e.reading.direction])
        if isinstance(e.reading, Crossing)
        else e
        for e in events
    ]


def door_dead(events: list[Event]) -> list[Event]:
    """The doorway sees nobody after eleven."""
    noon = events[0].at + timedelta(hours=2.5)
    return [event for event in events if event.kind != "crossing" or event.at < noon]


def ends_unsaid(events: list[Event]) -> list[Event]:
    """The machine reports no end of a service."""
    return [
        event
        for event in events
        if not isinstance(event.reading, Ticket) or event.reading.event in {"issued", "called"}
    ]


Spoil = Callable[[list[Event]], list[Event]]
DAYS: dict[int, tuple[str, Site, Params, Spoil]] = {
    6: ("tenfold", site(), Params(arrivals_per_h=280, companions=0), as_it_is),
    8: ("thrice as slow", site(minutes=18), Params(arrivals_per_h=10, companions=0), as_it_is),
    10: ("changed timetable", site(home="13:00"), BUSY, as_it_is),
    11: ("changed timetable", site(home="13:00"), BUSY, as_it_is),
    12: ("closed by mistake", site(), BUSY, closed_by_mistake),
    13: ("no counter speaks", site(), BUSY, nobody_opens),
    14: ("door backwards", site(), BUSY, door_backwards),
    15: ("door dead", site(), BUSY, door_dead),
    16: ("ends unsaid", site(), BUSY, ends_unsaid),
}


def observations(day: date, office: Office, events: list[Event]) -> Iterator[datetime]:
    """Fold them, and stop after each ticket that is drawn."""
    for seq, event in enumerate(events, start=1):
        seen = Observation(
            site="minami",
            device="door-1" if event.kind == "crossing" else "desk",
            kind=event.kind,
            name=event.name,
            envelope=Envelope(stream=str(day), seq=seq, boot="b", up_ms=0, at=event.at),
            reading=event.reading,
        )
        office.fold(seen, event.at.timestamp(), event.at.timestamp())
        if isinstance(event.reading, Ticket) and event.reading.event == "issued":
            yield event.at


@cache
def held() -> dict[str, list[bool]]:
    """By the kind of day, for some forty tickets that wait: whether p10-p90 held what came."""
    office = Office(site(), assume_alive=True)
    found: dict[str, list[bool]] = {}
    days = (date(2026, 6, 1) + timedelta(days=n) for n in range(40))
    workdays = [day for day in days if day.weekday() < 5][:20]
    for number, day in enumerate(workdays, start=1):
        kind, of, params, spoil = DAYS.get(number, ("usual", site(), BUSY, as_it_is))
        lived = live(of, day, 7, params)
        kept = [e for e in lived.events if e.kind in {"ticket", "counter", "crossing"}]
        issued = {t.issued_at: t for t in lived.tickets}
        for at in observations(day, office, spoil(kept)):
            ticket = issued[at]
            waited_s = ticket.wait_s or 0.0
            is_asked = int(ticket.number[1:]) % max(len(issued) // 40, 1) == 0
            if number <= LEARNT or not is_asked or waited_s < 60.0:
                continue
            told = office.remaining("tax", ticket.number, at)
            if told is not None:
                found.setdefault(kind, []).append(told.p10_s <= waited_s <= told.p90_s)
    return found


def test_on_bad_days_what_is_told_still_holds_three_times_of_four() -> None:
    asked = [is_held for kind, listed in held().items() for is_held in listed if kind != "usual"]
    assert len(asked) > 200
    assert sum(asked) / len(asked) >= 0.75


def test_bad_days_are_forgotten() -> None:
    usual = held()["usual"]
    assert len(usual) > 100
    assert 0.7 <= sum(usual) / len(usual) <= 0.92


@pytest.mark.parametrize("kind", sorted({kind for kind, *_ in DAYS.values()}))
def test_no_single_fault_makes_it_mostly_wrong(kind: str) -> None:
    listed = held()[kind]
    assert sum(listed) / len(listed) >= 0.5
