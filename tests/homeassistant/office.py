"""The example office, and how Home Assistant would hear it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from broker.clock import Clock
from broker.session import Session
from models.contract import topics
from models.contract.codec import encode
from models.contract.results import Message
from models.site import Site, parse
from signage.homeassistant.adapter import Adapter
from tests.broker.rig import address_of
from tests.conftest import ROOT, Mosquitto

EXAMPLE = ROOT / "ansible" / "sites" / "example.toml"
TEXT = EXAMPLE.read_text("utf-8").partition("[broker]")[0] + "[homeassistant]\n"


def office(more: str = "") -> Site:
    """The example office with a Home Assistant."""
    return parse(TEXT + more)


class Facility:
    """What Home Assistant hears, and the office in whose name a test speaks."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.configs: dict[str, Any] = {}
        self.told: dict[str, list[Any]] = {}
        self.retained: set[str] = set()
        self.session: Session | None = None
        self._news = asyncio.Event()

    def message(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001
        branch = f"{topics.home_assistant(self.site.id)}/"
        if retain:
            self.retained.add(topic)
        if topic.endswith("/config"):
            if payload:
                self.configs[topic] = msgspec.json.decode(payload)
            else:
                self.configs.pop(topic, None)
        elif topic.startswith(branch):
            said = (
                payload.decode() if not payload.startswith(b"{") else msgspec.json.decode(payload)
            )
            self.told.setdefault(topic.removeprefix(branch), []).append(said)
        else:
            self.told.setdefault(topic, []).append(payload.decode())
        self._news.set()

    def last(self, key: str) -> Any:  # noqa: ANN401  text or an object
        """What was told last of a thing; None is nothing yet."""
        return (self.told.get(key) or [None])[-1]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Say something."""
        assert self.session is not None
        assert self.session.publish(topic, payload, retain=retain)

    def say(self, kind: str, message: Message) -> None:
        """As the hub does."""
        self.publish(topics.result(self.site.id, kind), encode(message), retain=True)

    def device(self, who: str, leaf: str, message: Message) -> None:
        """As a device does."""
        self.publish(topics.device(self.site.id, who, leaf), encode(message), retain=True)

    async def until(self, true: Callable[[], bool], timeout_s: float = 20) -> None:
        """Wait for messages until something holds."""
        async with asyncio.timeout(timeout_s):
            while not true():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def telling(mosquitto: Mosquitto, site: Site, clock: Clock) -> AsyncIterator[None]:
    """`machiai homeassistant`, ended in order."""
    adapter = await asyncio.to_thread(Adapter, site, clock, address_of(mosquitto))
    task = asyncio.create_task(adapter.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


@asynccontextmanager
async def listening(mosquitto: Mosquitto, site: Site, *more: str) -> AsyncIterator[Facility]:
    """A facility at an open broker, which hears these topics, too."""
    made = Facility(site)
    up = asyncio.Event()
    made.session = Session(
        address_of(mosquitto),
        "test",
        subscriptions=["homeassistant/#", f"{topics.home_assistant(site.id)}/#", *more],
        on_message=made.message,
        on_connection=lambda _: up.set(),
    )
    task = asyncio.create_task(made.session.run())
    try:
        await asyncio.wait_for(up.wait(), 10)
        yield made
    finally:
        task.cancel()
        await asyncio.wait([task])
