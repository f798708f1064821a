"""What the site file says, arranged as the fold asks for it."""

from models.site import Meaning, Site
from models.state.plan import Plans

_NEXT = "next-"
_ENTRANCE = "entrance"


class House:
    """Look-ups by id. Services that share a counter, directly or through others, are one group."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.plans = Plans(site)
        self.services = {service.id: service for service in site.services}
        self.counters = {counter.id: counter for counter in site.counters}
        self.lots = {lot.id: lot for lot in site.lots}
        self.bays = {lot.accessible_of: lot for lot in site.lots if lot.accessible_of is not None}
        self.zones = {zone.id: zone for zone in site.zones}
        self.lines = {line.id: line for line in site.lines}
        self.doors = {line.zone for line in site.lines if line.zone is not None}
        self.lot_of = {gate.id: gate.lot for gate in site.gates}
        self.buttons = {button.id: button for button in site.buttons}
        self.services_of = {
            counter: tuple(s.id for s in site.services if counter in s.counters)
            for counter in self.counters
        }
        self.group = {service: self._group(service) for service in self.services}
        self.counters_of = {
            group[0]: tuple(dict.fromkeys(c for s in group for c in self.services[s].counters))
            for group in self.group.values()
        }

    def is_booked(self, service: str, number: str) -> bool:
        """Whether this is the number of somebody with a reservation."""
        begins = self.services[service].booked_tickets
        return begins is not None and number.startswith(begins)

    def calls_booked_first(self, service: str) -> bool:
        """Whether those with a reservation go to the counters of all others."""
        return self.services[service].bookings == "first"

    def groups_behind(self, line: str) -> tuple[str, ...]:
        """The first services of the groups whose people pass a line.

        `entrance` needs no declaration: all of the office itself come through it.
        """
        table = self.lines.get(line)
        if table is None and line != _ENTRANCE:
            return ()
        return self.groups_in(None if table is None else table.zone)

    def groups_in(self, zone: str | None) -> tuple[str, ...]:
        """The first services of the groups whose people wait in a zone, or in the office.

        A zone that names no service is for all of the office itself. Where only some services of
        a group are named, its people are told apart by nobody: then there is none.
        """
        named = self.zones[zone].services if zone is not None else ()
        services = named or tuple(s.id for s in self.site.services if s.place is None)
        groups = dict.fromkeys(self.group[service] for service in services)
        is_whole = all(set(group) <= set(services) for group in groups)
        return tuple(group[0] for group in groups) if is_whole else ()

    def meaning(self, button: str, gesture: str) -> Meaning | None:
        """What a press means. `next-<counter>` needs no declaration: its name says it."""
        declared = self.buttons.get(button)
        if declared is not None:
            meaning: Meaning | None = getattr(declared, gesture)
            return meaning
        counter = button.removeprefix(_NEXT)
        if counter != button and counter in self.counters and gesture == "short":
            return Meaning(next=counter)
        return None

    def _group(self, service: str) -> tuple[str, ...]:
        found = {service}
        while True:
            counters = {c for s in found for c in self.services[s].counters}
            more = {s.id for s in self.site.services if counters.intersection(s.counters)} | found
            if more == found:
                return tuple(s for s in self.services if s in found)
            found = more
