"""What it is worth to know the reservations: told waits with their book and without.

    .venv/bin/python -m bench.bookings [--days 40] [--booked 0.4]

A synthetic office (docs/world.md) in which part of the visitors has a reservation and is called
first. The same days, the same tickets and the same questions: everybody without a reservation asks
as they take their ticket, from the eleventh day on. Minutes; the last column is the share of waits
that came between p10 and p90, of which 0.8 is right. Then the same of what was forecast two hours
before.
"""

import argparse
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

import msgspec

from models.contract.observations import Bookings, Envelope, Observation
from models.contract.results import ServiceForecast, Spread
from models.site import Site, parse
from models.state.office import Office
from models.world.day import Day, Event
from models.world.laws import Params
from models.world.office import live

KINDS = {"ticket", "counter", "bookings"}
LEARNT = 10  # days, of which nothing is scored
AHEAD = timedelta(hours=2)

SITE = parse("""
[site]
id = "bench"
name = { en = "Bench" }
hours = [{ days = "mon-fri", open = "08:30", close = "17:15" }]
holidays = "none"
[[services]]
id = "passport"
name = { en = "Passports" }
counters = ["c1", "c2", "c3"]
service_minutes = 8
bookings = "first"
booked_tickets = "R"
[[counters]]
id = "c1"
[[counters]]
id = "c2"
[[counters]]
id = "c3"
""")
UNREAD = msgspec.structs.replace(
    SITE,
    services=tuple(
        msgspec.structs.replace(s, bookings=None, booked_tickets=None) for s in SITE.services
    ),
)


class Score(NamedTuple):
    """One question: what was told, and what came."""

    told: Spread
    came_s: float


def days(count: int, booked: float) -> Iterator[Day]:
    """Working days, each with its own chance."""
    day, params = date(2026, 9, 1), Params(booked=booked)
    while count:
        if day.weekday() < 5:
            yield live(SITE, day, seed=7, params=params)
            count -= 1
        day += timedelta(days=1)


class Told:
    """An office that hears the days, and what it told."""

    def __init__(self, site: Site, *, book: bool) -> None:
        self.office = Office(site, assume_alive=True)
        self.book = book
        self.now: list[Score] = []
        self.ahead: list[Score] = []
        self._seq = 0

    def live(self, day: Day, *, scored: bool) -> None:
        """One day of it."""
        came = {t.number: t.wait_s for t in day.tickets if t.left_at is None}
        forecasts: list[tuple[datetime, Spread]] = []
        for event in day.events:
            if event.kind not in KINDS or (event.kind == "bookings" and not self.book):
                continue
            number = getattr(event.reading, "number", "")
            asks = getattr(event.reading, "event", "") == "issued" and number.startswith("A")
            wait_s = came.get(number)
            if scored and asks and wait_s is not None:
                told = self.office.wait("passport", event.at)
                if told is not None:
                    self.now.append(Score(told, wait_s))
                self._hold(forecasts, event.at, wait_s)
            if (
                scored
                and event.kind == "ticket"
                and (not forecasts or event.at >= forecasts[-1][0] - AHEAD)
            ):
                forecasts += self._forecast(event.at, forecasts)
            self._fold(event)

    def _forecast(
        self, now: datetime, before: list[tuple[datetime, Spread]]
    ) -> Iterable[tuple[datetime, Spread]]:
        found = self.office.forecasts(now).get("forecast/service/passport")
        if not isinstance(found, ServiceForecast):
            return
        last = before[-1][0] if before else now
        for step in found.steps:
            if step.wait is not None and max(last, now + AHEAD) < step.at < now + 2 * AHEAD:
                yield step.at, step.wait
                return

    def _hold(self, told: list[tuple[datetime, Spread]], at: datetime, came_s: float) -> None:
        near = [wait for then, wait in told if abs(then - at) <= timedelta(minutes=15)]
        self.ahead += [Score(wait, came_s) for wait in near[:1]]

    def _fold(self, event: Event) -> None:
        self._seq += 1
        envelope = Envelope(stream="s", seq=self._seq, boot="b", up_ms=0, at=event.at)
        seen = Observation(
            site="bench", device="d", kind=event.kind, name=event.name,
            envelope=envelope, reading=event.reading,
        )  # fmt: skip
        self.office.fold(seen, event.at.timestamp(), event.at.timestamp())


def figures(scores: list[Score]) -> str:
    """Asks, mean absolute error, bias and the share within."""
    errors = [(score.told.p50_s - score.came_s) / 60.0 for score in scores]
    inside = sum(s.told.p10_s <= s.came_s <= s.told.p90_s for s in scores)
    count = max(len(scores), 1)
    mae, bias = sum(map(abs, errors)) / count, sum(errors) / count
    return f"{len(scores):6} {mae:9.2f} {bias:6.2f} {inside / count:6.2f}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--booked", type=float, default=0.4)
    asked = parser.parse_args()
    offices = {
        "the site file says nothing": Told(UNREAD, book=False),
        "their tickets are known": Told(SITE, book=False),
        "and their book is read": Told(SITE, book=True),
    }
    booked = 0
    for n, day in enumerate(days(asked.days, asked.booked)):
        book = next(e.reading for e in day.events if isinstance(e.reading, Bookings))
        booked += sum(slot.booked for slot in book.slots)
        for told in offices.values():
            told.live(day, scored=n >= LEARNT)
    print(f"{asked.days} days, {booked / asked.days:.0f} reservations a day")
    for what in ("now", "ahead"):
        print(f"\n{what:28}   asks  MAE, min   bias  inside")
        for name, told in offices.items():
            print(f"{name:28} {figures(getattr(told, what))}")


if __name__ == "__main__":
    main()
