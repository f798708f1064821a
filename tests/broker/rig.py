"""A hub and devices within one test, over a real broker; what a device keeps goes the whole way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from broker.clock import Clock, starting_at
from broker.delivery import Delivery
from broker.hub.history.sqlite import Journal, Record
from broker.hub.hub import Hub
from broker.outbox import Outbox
from broker.session import Address, Session
from models.contract import topics
from models.contract.codec import encode
from models.contract.results import About
from models.site import Site, parse
from models.state.office import Office
from tests.conftest import Mosquitto

TEXT = """
[site]
id = "rig"
name = { en = "Rig" }
hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]
holidays = "none"
[[services]]
id = "tax"
name = { en = "Tax" }
counters = ["c1"]
[[counters]]
id = "c1"
[[zones]]
id = "lobby"
capacity = 60
[[lots]]
id = "front"
capacity = 1000
[[gates]]
id = "gate"
lot = "front"
"""
SITE = parse(TEXT)
PATIENCE_S = 30.0


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again until it holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not await true():
            await asyncio.sleep(0.02)


class Pi:
    """A device without sensors: an outbox, and what brings it to the hub."""

    def __init__(self, address: Address, path: Path, device: str = "pi") -> None:
        self.outbox = Outbox(path)
        self.device = device
        self.clock = starting_at(Clock().now(), 1)  # it asks no disk whether it is right
        self.oldest = self.outbox.oldest()
        self.delivery = Delivery(
            self.outbox, site=SITE.site.id, device=device, clock=self.clock, about=self._about
        )
        self.session = Session(
            address,
            device,
            subscriptions=[self.delivery.ack_topic],
            on_message=lambda _, payload, retain: self.delivery.acknowledged(
                payload, retained=retain
            ),
            on_connection=self._connection,
        )

    def _connection(self, up: bool) -> None:  # noqa: FBT001
        if up:
            self._about(self.oldest)
        self.delivery.connection(up)

    def _about(self, oldest: int) -> None:
        self.oldest = oldest
        stream, seq = self.outbox.named(oldest)
        about = About(version="1", boot="b", up_ms=0, stream=stream, oldest=seq)
        topic = topics.device(SITE.site.id, self.device, "about")
        self.session.publish(topic, encode(about), retain=True)

    async def is_drained(self) -> bool:
        return await asyncio.to_thread(self.outbox.depth) == 0

    async def drained(self) -> None:
        """Wait until the hub has all."""
        await until(self.is_drained)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()):
        raise error


@asynccontextmanager
async def running(pi: Callable[[], Pi], *, connected: bool = True) -> AsyncIterator[Pi]:
    """A device at work; off the line if it is not connected."""
    made = await asyncio.to_thread(pi)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, made.outbox.close)
        task = asyncio.create_task(made.delivery.run(made.session), name=f"{made.device} delivery")
        stack.push_async_callback(_ended, task)
        if connected:
            line = asyncio.create_task(made.session.run(), name=f"{made.device} mqtt")
            stack.push_async_callback(_ended, line)
        yield made


@asynccontextmanager
async def hub_at(
    address: Address,
    folder: Path,
    office: type[Office] = Office,
    site: Site = SITE,
    clock: Clock | None = None,
) -> AsyncIterator[Hub]:
    """A hub at work; ended in order."""
    hub = await asyncio.to_thread(Hub, site, clock or Clock(), address, folder, office=office)
    task = asyncio.create_task(hub.run(), name="hub")
    try:
        yield hub
    finally:
        await _ended(task)


def address_of(mosquitto: Mosquitto) -> Address:
    """Where the test's broker is."""
    return Address(host=mosquitto.host, port=mosquitto.port)


def journalled(folder: Path) -> list[Record]:
    """All records of a hub that has ended."""
    journal = Journal(folder / "journal.sqlite")
    try:
        return list(journal.records())
    finally:
        journal.close()
