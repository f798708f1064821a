"""The display as a device on MQTT: it hears the hub and its staff, and tells what it observes."""

import logging

import msgspec

from broker.device import Owner, Presence
from broker.session import Address
from models.contract.results import About, Health
from signage.display.station import Station

logger = logging.getLogger("machiai.display")


class Link(Owner):
    """One connection for all that a display hears and says. Opens a file: make it in a thread.

    It sends no beats: nothing is believed of its silence, and what it paints it says each minute.

    Raises:
        SensorFailed: the outbox cannot be opened.
    """

    def __init__(self, station: Station, address: Address) -> None:
        self._station = station
        self._presence = Presence(
            self,
            site=station.site.id,
            device=station.display.id,
            clock=station.clock,
            address=address,
            folder=station.folder,
            alerts=station.alerts,
            subscriptions=station.mirror.subscriptions,
        )
        self.run = self._presence.run
        station.observe = self._presence.keep
        station.tell = self._presence.say

    def about(self, about: About) -> About:
        """With the site file that it shows."""
        return msgspec.structs.replace(about, site_hash=self._station.site.digest)

    def health(self, health: Health) -> Health:
        """With what it could not use of what the hub says."""
        return msgspec.structs.replace(health, refused=dict(self._station.mirror.refused))

    def connection(self, up: bool) -> None:  # noqa: FBT001
        """The broker is there, or is not."""
        self._station.mirror.connection(up)

    def message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        """The hub says something to all."""
        self._station.mirror.apply(topic, payload, retain)

    def command(self, name: str, payload: bytes) -> None:
        """Somebody tells this display to do something."""
        do = self._station.commands.get(name)
        if do is None:
            known = ", ".join(sorted(self._station.commands)) or "nothing"
            logger.warning("want to be told %s, got %s", known, name[:40])
            return
        logger.info("told to %s", name)
        do(payload)
