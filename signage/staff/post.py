"""The web process as a device on MQTT: what staff enter is on the disk before anything else."""

from pathlib import Path

import msgspec

from broker.acl import WEB
from broker.device import Alerts, Owner, Presence
from broker.session import Address
from models.contract.observations import Reading
from models.contract.results import About, Health
from signage.mirror import Mirror
from signage.posting import notice_words
from signage.staff.watching import watched


class Post(Owner):
    """One connection for all that the web process hears, and an outbox for what staff enter.

    It sends no beats: nothing is believed of its silence. Opens a file: make it in a thread.

    Raises:
        SensorFailed: the outbox cannot be opened.
    """

    def __init__(self, mirror: Mirror, address: Address, folder: Path, client: str = WEB) -> None:
        """Take what the broker calls it: of several offices each has a name of its own."""
        notice_words()
        self._mirror = mirror
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._presence = Presence(
            self,
            site=mirror.site.id,
            device=WEB,
            clock=mirror.clock,
            address=address,
            folder=folder,
            alerts=Alerts(WEB),
            subscriptions=[*mirror.subscriptions, *watched(mirror.site)],
            client=client,
        )
        self.run = self._presence.run
        self.order = self._presence.order

    async def observe(self, name: str, reading: Reading) -> None:
        """Keep what staff enter; it is on the disk when this returns, and goes on from there."""
        await self._presence.keep(name, reading)

    def about(self, about: About) -> About:
        """With the site file that it serves."""
        return msgspec.structs.replace(about, site_hash=self._mirror.site.digest)

    def health(self, health: Health) -> Health:
        """With what it could not use of what it hears."""
        return msgspec.structs.replace(health, refused=dict(self._mirror.refused))

    def connection(self, up: bool) -> None:  # noqa: FBT001
        """The broker is there, or is not."""
        self._mirror.connection(up)

    def message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        """The hub says something to all."""
        self._mirror.apply(topic, payload, retain)
