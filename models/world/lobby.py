"""What can be seen of the people: in the zones where they wait, and in the doorways."""

from collections.abc import Iterable

import numpy as np

from models.contract.observations import Crossing, People
from models.site import Service, Site, Zone
from models.world.today import Ints, Row, Tally, Today
from models.world.visitors import Visitor


def people(today: Today, zone: Zone, visitors: Iterable[Visitor]) -> Tally:
    """Those who wait in a zone with their companions, from the ticket until called or gone."""
    changes: list[tuple[int, int]] = []
    for visitor in visitors:
        if visitor.service in _waits_in(today.site, zone):
            changes.append((visitor.issued_ms, visitor.party))
            end_ms = visitor.called_ms if visitor.left_ms is None else visitor.left_ms
            if end_ms is not None and end_ms < today.length_ms:
                changes.append((end_ms, -visitor.party))
    return Tally(changes)


def seen(today: Today, zone: Zone, there: Tally, minutes: Ints) -> Iterable[Row]:
    """What a camera makes of the people in a zone, each minute."""
    number = there.on(minutes)
    noise = today.rng(f"zone {zone.id}").normal(0.0, today.params.people_noise, len(minutes))
    counts = np.maximum(np.rint(number + noise * np.sqrt(number)), 0).astype(np.int64)
    for ms, count in zip(minutes.tolist(), counts.tolist(), strict=True):
        yield Row(ms, zone.id, People(count=count))


def crossings(today: Today, visitors: Iterable[Visitor]) -> Iterable[Row]:
    """Everybody through a doorway, in and out, companions close behind."""
    doors = {service.id: _doors(today.site, service) for service in today.services}
    rng = today.rng("doors")
    for visitor in visitors:
        which, gap = rng.random(2).tolist()
        choice = doors[visitor.service]
        if not choice:
            continue
        line = choice[int(which * len(choice))]
        for behind_ms in (i * round(1000 + 2000 * gap) for i in range(visitor.party)):
            yield Row(visitor.came_ms + behind_ms, line, Crossing(direction="in"))
            if visitor.gone_ms is not None:
                yield Row(visitor.gone_ms + behind_ms, line, Crossing(direction="out"))


def _waits_in(site: Site, zone: Zone) -> set[str]:
    """Whose people wait in a zone; one that names no service is for all in the office itself."""
    return set(zone.services) or {s.id for s in site.services if s.place is None}


def _doors(site: Site, service: Service) -> list[str]:
    """The lines that lead to where the people of a service wait, or to the office at large."""
    zones = {zone.id for zone in site.zones if service.id in _waits_in(site, zone)}
    return [line.id for line in site.lines if line.zone is None or line.zone in zones]
