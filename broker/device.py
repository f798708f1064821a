"""A device on MQTT: its outbox, its connection, and what it says of itself."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from broker import machine, service
from broker.clock import Clock, boot_id
from broker.delivery import Delivery
from broker.outbox import Outbox
from broker.session import Address, Session
from broker.version import VERSION
from models.contract import topics
from models.contract.codec import encode
from models.contract.results import About, Health, Message, State

logger = logging.getLogger("machiai.device")

HEALTH_S = 60.0


class Alerts:
    """The troubles of one device, a line each; who listens hears of each change."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._lines: dict[str, str] = {}
        self.changed: Callable[[], None] = lambda: None

    def __call__(self, what: str, why: str | None) -> None:
        """Note what is wrong with a part, or with None that it is right again."""
        if why is None:
            if self._lines.pop(what, None) is None:
                return
            logger.info("%s: %s is well again", self._device, what)
        elif self._lines.get(what) == why:
            return
        else:
            self._lines[what] = why
            logger.error("%s: %s", self._device, why)
        self.changed()

    @property
    def why(self) -> str:
        """All of them in one line; empty while all is well."""
        return "; ".join(self._lines[what] for what in sorted(self._lines))[:500]


class Owner:
    """Whose outbox and connection it is; what it does not need it leaves as it is."""

    def about(self, about: About) -> About:
        """Add to what the device is."""
        return about

    def health(self, health: Health) -> Health:
        """Add to how it feels."""
        return health

    def connection(self, up: bool) -> None:  # noqa: FBT001
        """The broker is there, or is not."""

    def message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        """Something came on one of its own subscriptions."""

    def command(self, name: str, payload: bytes) -> None:
        """The hub or staff tell it to do something now."""

    async def before(self) -> None:
        """Keep what the hub must hear before anything else."""

    async def running(self) -> None:
        """Do what it is for, until cancelled."""


class Presence:
    """One device as the hub knows it. Opens a file: make it in a thread.

    Raises:
        SensorFailed: the outbox cannot be opened.
    """

    def __init__(  # noqa: PLR0913
        self,
        owner: Owner,
        *,
        site: str,
        device: str,
        clock: Clock,
        address: Address,
        folder: Path,
        alerts: Alerts,
        budget_mib: int = 256,
        subscriptions: Sequence[str] = (),
        client: str | None = None,
    ) -> None:
        """Take what the broker calls it; None is the device's own id."""
        self._owner, self._clock, self._folder = owner, clock, folder
        client, cert = client or device, address.cert
        self._certificate = Path(cert.replace("{id}", client)) if cert is not None else None
        self._site, self._device = site, device
        self._alerts = alerts
        self.outbox = Outbox(folder / "outbox.sqlite", budget_mib=budget_mib)
        if self.outbox.damaged is not None:
            alerts("outbox", f"the outbox was damaged and put aside as {self.outbox.damaged}")
        self._oldest = self.outbox.oldest()
        self._health: Health | None = None
        self._is_heard = False
        self._board, self._boot = machine.board(), boot_id()
        self._delivery = Delivery(
            self.outbox,
            site=site,
            device=device,
            clock=clock,
            about=self._say_about_from,
            alert=lambda why: alerts("outbox", why),
        )
        self._commands = self._topic("cmd/")
        self._session = Session(
            address,
            client,
            will=(self._topic("state"), encode(State(state="lost"))),
            subscriptions=[*subscriptions, self._delivery.ack_topic, self._commands + "+"],
            on_message=self._message,
            on_connection=self._connection,
        )
        self.keep = self._delivery.keep
        """Make a reading durable; it is on the disk when this returns. See `Keeper.keep`."""
        alerts.changed = self._say_state

    async def run(self) -> None:
        """Hear and tell until cancelled; then say goodbye."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._delivery.run(self._session), name="delivery")
                await self._owner.before()
                group.create_task(self._session.run(), name="mqtt")
                group.create_task(self._report(), name="health")
                group.create_task(self._owner.running(), name="at work")
                await service.until_cancelled(self._goodbye)
        finally:
            await asyncio.to_thread(self.outbox.close)

    async def _goodbye(self) -> None:
        """Tell the hub that this is no accident."""
        self._publish("state", State(state="disconnected", at=self.known_now(), why="stopped"))
        await self._session.flush()

    def known_now(self) -> datetime | None:
        """The time, or None while it is not to be trusted."""
        return self._clock.now() if self._clock.synchronised() else None

    def say(self, leaf: str, message: Message) -> None:
        """Tell how it is now: retained, and soon told again, so that QoS 0 will do."""
        self._publish(leaf, message, qos=0)

    def order(self, device: str, name: str) -> bool:
        """Have another device do something now; False while the broker is not there."""
        return self._session.publish(topics.command(self._site, device, name), b"")

    def say_about(self) -> None:
        """Say what this device is, and from where its outbox still holds."""
        stream, oldest = self.outbox.named(self._oldest)
        about = About(
            version=VERSION,
            board=self._board,
            boot=self._boot,
            up_ms=self._clock.up_ms(),
            stream=stream,
            oldest=oldest,
        )
        self._publish("about", self._owner.about(about))

    def _say_about_from(self, oldest: int) -> None:
        """The hub wants what is not held any more: tell it from where the outbox does."""
        self._oldest = oldest
        self.say_about()

    def _say_state(self) -> None:
        why = self._alerts.why
        state = State(state="alert" if why else "ready", at=self.known_now(), why=why)
        self._publish("state", state)

    def _say_health(self) -> None:
        if self._health is not None:
            self.say("health", self._owner.health(self._health))

    def _publish(self, leaf: str, message: Message, qos: int = 1) -> None:
        self._session.publish(self._topic(leaf), encode(message), qos=qos, retain=True)

    def _topic(self, leaf: str) -> str:
        return topics.device(self._site, self._device, leaf)

    def _connection(self, up: bool) -> None:  # noqa: FBT001
        self._is_heard = False
        if not up:
            service.say("no connection to the hub")
        self._owner.connection(up)
        if up:
            self.say_about()
            self._say_state()
            self._say_health()
        self._delivery.connection(up)

    def _message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        if topic == self._delivery.ack_topic:
            self._delivery.acknowledged(payload, retained=retain)
            if not retain and not self._is_heard:  # the hub answers each `about`
                self._is_heard = True
                service.say(service.HEARD)
        elif not topic.startswith(self._commands):
            self._owner.message(topic, payload, retain)
        elif retain:  # it would be done again at each start
            logger.warning("want no retained command, got one on %s", topic[:80])
        else:
            self._owner.command(topic.removeprefix(self._commands), payload)

    async def _report(self) -> None:
        while True:
            depth, self._oldest = await asyncio.to_thread(
                lambda: (self.outbox.depth(), self.outbox.oldest())
            )
            self._health = await asyncio.to_thread(
                machine.health,
                at=self.known_now(),
                folder=self._folder,
                outbox=depth,
                clock_synchronised=self._clock.synchronised(),
                certificate=self._certificate,
            )
            self._say_health()
            await self._clock.sleep(HEALTH_S)
