"""A day in a synthetic office, for the demo, the tests and whoever measures an estimator."""

from collections.abc import Iterable
from datetime import date

from models.site import Site
from models.world import carpark, lobby
from models.world.day import Day
from models.world.desk import Desk
from models.world.hall import Hall
from models.world.laws import Params
from models.world.today import MINUTE_MS, Row, Today
from models.world.visitors import bookings, truth, visitors

_READ_EVERY_MS = 30 * MINUTE_MS  # the book of reservations


def live(site: Site, day: date, seed: int, params: Params = Params()) -> Day:  # noqa: B008  frozen
    """The day of an office as the site file describes it; the same arguments, the same day.

    Args:
        site: services without counters have no visitors; all else is used as it stands.
        day: the local date; one on which the office is shut is empty.
        seed: any integer.
        params: the laws of chance.
    """
    today = Today(site, day, seed, params)
    people = visitors(today)
    told = Hall(today, people).work()
    desk = Desk(today, told)
    zones = {zone.id: lobby.people(today, zone, people) for zone in site.zones}
    stays = {lot.id: carpark.parked(today, lot, people) for lot in site.lots}
    cars = {lot: carpark.occupied(listed) for lot, listed in stays.items()}

    def rows() -> Iterable[Row]:
        last_ms = max((row.ms for row in told), default=0)
        minutes = today.grid(today.spans(today.calendar.office(day)), MINUTE_MS, last_ms)
        yield from told
        yield from lobby.crossings(today, people)
        for zone in site.zones:
            yield from lobby.seen(today, zone, zones[zone.id], minutes)
        for service in today.services:
            yield from desk.display(service, minutes)
            book = bookings(today, service)
            if book is not None:
                for ms in range(0, today.length_ms, _READ_EVERY_MS):
                    yield Row(ms, service.id, book)
        for button in site.buttons:
            yield from desk.presses(button)
        for lot in site.lots:
            yield from carpark.pulses(today, lot, stays[lot.id])
            yield from carpark.seen(today, lot, cars[lot.id])

    return Day(
        events=today.events(rows()),
        tickets=tuple(truth(today, visitor) for visitor in people),
        people={zone: tally.steps(today) for zone, tally in zones.items()},
        cars={lot: tally.steps(today) for lot, tally in cars.items()},
    )
