"""A ticket is drawn and the line moves up: its holder sees it on the phone."""

import asyncio
import contextlib
import html
import re
from datetime import UTC, datetime

import aiohttp
import pytest

from broker.clock import Clock, starting_at
from broker.embedded import free_port
from broker.session import Session
from models.contract import topics
from models.contract.codec import encode_observation
from models.contract.observations import Envelope, Ticket, TicketEvent
from tests.journey.conftest import EXAMPLE, Office

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
"""Ten o'clock in Tokyo on a Tuesday."""


class Machine:
    """Issues and calls tickets of one service, as an agent would say it."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session, self._clock, self._seq = session, clock, 0

    def say(self, event: TicketEvent, *numbers: str, counter: str | None = None) -> None:
        for number in numbers:
            self._seq += 1
            envelope = Envelope(stream="s", seq=self._seq, boot="b", up_ms=0, at=self._clock.now())
            ticket = Ticket(number=number, event=event, counter=counter)
            topic = topics.observation("minami", "desk", "ticket", "moving")
            self._session.publish(topic, encode_observation(envelope, ticket))


async def told(client: aiohttp.ClientSession, number: str, wanted: str) -> str:
    """What the page says of a number, as soon as it says what is wanted."""
    async with asyncio.timeout(30):
        while True:
            text = ""
            with contextlib.suppress(aiohttp.ClientConnectionError):  # it is still starting
                query = {"number": number, "lang": "ja"}
                async with client.get("/ticket/part", params=query) as answer:
                    text = html.unescape(re.sub(r"<[^>]+>", "", await answer.text()))
            if wanted in text:
                return text
            await asyncio.sleep(0.05)


@pytest.mark.broker
async def test_the_holder_of_a_ticket_sees_the_line_move_up_until_the_call(office: Office) -> None:
    clock, port, up = starting_at(TEN, 1), free_port(), asyncio.Event()
    office.process("hub", str(EXAMPLE), "--state", str(office.folder / "hub"), clock=clock)
    web = office.process("web", str(EXAMPLE), "--port", str(port), clock=clock)
    session = Session(
        office.address,
        "desk",
        subscriptions=["machiai/v1/minami/hub/state"],
        on_message=lambda *_: up.set(),  # the hub is there, and hears
        on_connection=lambda _: None,
    )
    running = asyncio.create_task(session.run(), name="desk")
    await up.wait()
    machine = Machine(session, clock)
    machine.say("issued", "A001", "A002", "A003", "A004")
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        assert "分" in await told(client, "a-4", "あと3組")
        machine.say("called", "A001", counter="c2")
        machine.say("called", "A002", counter="c3")
        assert "3番窓口へ" in await told(client, "a-4", "あと1組")
        machine.say("called", "A003", counter="c2")
        await told(client, "a-4", "つぎにお呼びします")
        machine.say("called", "A004", counter="c3")
        assert "3番窓口へ" in await told(client, "a-4", "お呼びしています")
        assert "お呼びしました" in await told(client, "A002", "声をかけてください")
    running.cancel()
    assert web.is_running
    assert "A004" not in web.said(), "a number stays on the phone"
    assert "a-4" not in web.said()
