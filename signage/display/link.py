"""The display as a device on MQTT: it hears the hub and its staff, and tells what it observes."""

import asyncio
import logging

from broker.clock import boot_id
from broker.delivery import Delivery
from broker.outbox import Outbox
from broker.session import Address, Session
from broker.version import VERSION
from models.contract import topics
from models.contract.codec import encode
from models.contract.observations import Reading
from models.contract.results import About, State
from signage.display.station import Station

logger = logging.getLogger("machiai.display")

OUTBOX = "outbox.sqlite"
"""In the folder of the display."""


class Link:
    """One connection for all that a display hears and says. Opens a file: make it in a thread.

    Raises:
        SensorFailed: the outbox cannot be opened.
    """

    def __init__(self, station: Station, address: Address) -> None:
        self._station = station
        self._device = station.display.id
        self._outbox = Outbox(station.folder / OUTBOX)
        self._oldest = self._outbox.oldest()
        self._delivery = Delivery(
            self._outbox,
            site=station.site.id,
            device=self._device,
            clock=station.clock,
            about=self._say_about_from,
        )
        self._commands = self._topic("cmd/")
        self._session = Session(
            address,
            self._device,
            will=(self._topic("state"), encode(State(state="lost"))),
            subscriptions=[
                *station.mirror.subscriptions,
                self._delivery.ack_topic,
                self._topic("cmd/+"),
            ],
            on_message=self._message,
            on_connection=self._connection,
        )
        station.observe = self.observe

    async def observe(self, name: str, reading: Reading) -> None:
        """Keep an observation for the hub; it is on the disk when this returns."""
        await self._delivery.keep(name, reading)

    async def run(self) -> None:
        """Hear and tell until cancelled; then say goodbye."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._delivery.run(self._session), name="delivery")
                group.create_task(self._session.run(), name="mqtt")
        finally:
            await asyncio.to_thread(self._outbox.close)

    async def goodbye(self) -> None:
        """Tell the hub that this is no accident."""
        self._say_state(State(state="disconnected", at=self._station.clock.now(), why="stopped"))
        await self._session.flush()

    def _topic(self, leaf: str) -> str:
        return topics.device(self._station.site.id, self._device, leaf)

    def _connection(self, up: bool) -> None:  # noqa: FBT001
        self._station.mirror.connection(up)
        if up:
            self._say_about()
            self._say_state(State(state="ready", at=self._station.clock.now()))
        self._delivery.connection(up)

    def _message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        if topic == self._delivery.ack_topic:
            self._delivery.acknowledged(payload, retained=retain)
        elif topic.startswith(self._commands):
            self._command(topic.removeprefix(self._commands), payload, retain=retain)
        else:
            self._station.mirror.apply(topic, payload, retain)

    def _command(self, name: str, payload: bytes, *, retain: bool) -> None:
        do = self._station.commands.get(name)
        if retain or do is None:
            logger.warning("want a command that is known and new, got %s", name[:40])
            return
        logger.info("told to %s", name)
        do(payload)

    def _say_state(self, state: State) -> None:
        self._session.publish(self._topic("state"), encode(state), retain=True)

    def _say_about_from(self, oldest: int) -> None:
        """The hub wants what is not held any more: tell it from where the outbox does."""
        self._oldest = oldest
        self._say_about()

    def _say_about(self) -> None:
        stream, oldest = self._outbox.named(self._oldest)
        about = About(
            version=VERSION,
            boot=boot_id(),
            up_ms=self._station.clock.up_ms(),
            stream=stream,
            oldest=oldest,
            site_hash=self._station.site.digest,
        )
        self._session.publish(self._topic("about"), encode(about), retain=True)
