"""The past of the synthetic office: what a hub would have learnt, so that a demo need not wait."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal
from models.contract.observations import Cars, Envelope, Observation, People, Reading
from models.site import Site
from models.state.office import Office
from models.world.day import Event
from models.world.office import live

_REPLACED = 7  # days, see models/state/beats.py
_MINUTE = timedelta(minutes=1)
_CAMERAS = {"people": _MINUTE, "cars": 5 * _MINUTE}


def remember(path: Path, site: Site, today: date, days: int, seed: int) -> None:
    """Write the journal of a hub that has learnt from so many days, and kept no row.

    They end a week before today: what devices fed a thing then counts no more, and today's can have
    other names.
    """
    office = Office(site, assume_alive=True)
    for number in range(_REPLACED + days, _REPLACED, -1):
        for seen in observations(site, today - timedelta(days=number), seed):
            at_s = seen.envelope.at.timestamp() if seen.envelope.at else 0.0
            office.fold(seen, at_s, at_s)
    journal = Journal(path)
    journal.commit([], [], Rollup(), office.dump())
    journal.close()


def observations(site: Site, day: date, seed: int) -> Iterator[Observation]:
    """What all sensors of the office say on a day, in time order."""
    lived = live(site, day, seed)
    said = [(event.at, event.kind, event.name, event.reading) for event in lived.events]
    for zone, people in lived.people.items():
        times = _each(lived.events, _CAMERAS["people"])
        said += ((at, "people", zone, People(count=people.on(at))) for at in times)
    for lot in site.car_parks:
        cars, times = lived.cars.get(lot.id), _each(lived.events, _CAMERAS["cars"])
        if cars is not None:
            seen = lot.capacity
            said += ((at, "cars", lot.id, Cars(occupied=cars.on(at), seen=seen)) for at in times)
    ordered: list[tuple[datetime, str, str, Reading]] = sorted(said, key=lambda item: item[0])
    for number, (at, kind, name, reading) in enumerate(ordered, 1):
        envelope = Envelope(at=at, boot="past", stream="past", seq=number, up_ms=number)
        yield Observation(
            site=site.id, device="past", kind=kind, name=name, envelope=envelope, reading=reading
        )


def _each(events: tuple[Event, ...], step: timedelta) -> Iterator[datetime]:
    """Every so often between the first event of the day and the last."""
    at = events[0].at if events else None
    while at is not None and at < events[-1].at:
        yield at
        at += step
