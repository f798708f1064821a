"""The hub tells each who holds a ticket how many are ahead, and takes it away in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec

from broker.clock import Clock, starting_at
from broker.session import Address, Session
from models.contract.codec import decode
from models.contract.observations import Ticket, TicketEvent
from models.contract.results import LineResult
from models.site import Freshness
from tests.broker.rig import PATIENCE_S, SITE, Pi, address_of, hub_at, running
from tests.conftest import Mosquitto

LINE = "machiai/v1/rig/hub/line/tax"
SPEED = 10.0
SOON_FORGOTTEN = msgspec.structs.replace(SITE, freshness=Freshness(ticket_s=20))


class Reader:
    """The line as it stands at the broker; None once it was taken away."""

    def __init__(self) -> None:
        self.line: LineResult | None = None
        self._news = asyncio.Event()

    def hear(self, _topic: str, payload: bytes, _retain: bool) -> None:  # noqa: FBT001
        self.line = decode(LineResult, payload) if payload else None
        self._news.set()

    async def until(self, *numbers: str) -> None:
        """Wait until these wait, in this order."""
        async with asyncio.timeout(PATIENCE_S):
            while self.line is None or tuple(t.number for t in self.line.tickets) != numbers:
                await self.heard()

    async def heard(self) -> None:
        self._news.clear()
        await self._news.wait()

    async def until_gone(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.line is not None:
                await self.heard()


@asynccontextmanager
async def reading(address: Address) -> AsyncIterator[Reader]:
    reader, up = Reader(), asyncio.Event()
    session = Session(
        address,
        "reader",
        subscriptions=[LINE],
        on_message=reader.hear,
        on_connection=lambda _: up.set(),
    )
    task = asyncio.create_task(session.run())
    await up.wait()
    yield reader
    task.cancel()
    await asyncio.wait([task])


async def say(pi: Pi, event: TicketEvent, *numbers: str, at: datetime | None = None) -> None:
    for number in numbers:
        await pi.delivery.keep("tax", Ticket(number=number, event=event, counter="c1"), at)


async def test_a_line_is_told_moves_up_and_goes_with_the_machine_that_tells_of_it(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    address, clock = address_of(mosquitto), starting_at(Clock().now(), SPEED)
    async with (
        reading(address) as reader,
        hub_at(address, tmp_path / "hub", site=SOON_FORGOTTEN, clock=clock),
        running(partial(Pi, address, tmp_path / "outbox.sqlite")) as pi,
    ):
        await say(pi, "issued", "A001", "A002", "A003", at=clock.now())
        await reader.until("A001", "A002", "A003")
        await say(pi, "called", "A001", at=clock.now())
        await reader.until("A002", "A003")
        assert reader.line is not None
        first, second = reader.line.tickets
        assert (first.ahead, second.ahead) == (0, 1)
        assert first.wait is not None
        assert second.wait is not None
        assert first.wait.p50_s <= second.wait.p50_s
        last = reader.line.valid_until
        await reader.until_gone()
        assert clock.now() >= last, "as long as it held it stood there"


async def test_a_hub_that_knows_of_no_ticket_takes_the_line_away_that_it_finds(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    address = address_of(mosquitto)
    async with reading(address) as reader:
        async with (
            hub_at(address, tmp_path / "old"),
            running(partial(Pi, address, tmp_path / "outbox.sqlite")) as pi,
        ):
            await say(pi, "issued", "A001")
            await reader.until("A001")
        async with hub_at(address, tmp_path / "new"):
            await reader.until_gone()
