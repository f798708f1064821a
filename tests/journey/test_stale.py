"""kill -9 of a camera's agent: its number goes within 90 s, and is never shown as new."""

import asyncio
import contextlib
import email.utils
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from broker.clock import starting_at
from broker.embedded import free_port
from tests.journey.conftest import EXAMPLE, Office

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
"""Ten o'clock in Tokyo on a Tuesday."""
SPEED = 20.0
FEED, PAGE = "/api/v1/sites/minami", "/part?lang=ja"


class Visitor:
    """Asks the web process again and again, and holds each answer against its own `Date`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.now = TEN
        self.zone: dict[str, Any] = {}
        self.card = ""

    async def look(self) -> None:
        """One look at the feed and the page."""
        async with self._session.get(FEED) as answer:
            if answer.status != 200:
                return
            self.now = email.utils.parsedate_to_datetime(answer.headers["Date"])
            self.zone = (await answer.json())["zones"][0]
        if self.zone["people"] is not None:
            assert datetime.fromisoformat(self.zone["valid_until"]) > self.now
        async with self._session.get(PAGE) as answer:
            self.now = email.utils.parsedate_to_datetime(answer.headers["Date"])
            found = re.search(r'id="zone-lobby".*?</li>', await answer.text(), re.DOTALL)
        assert found is not None
        self.card = found[0]
        until = re.search(r'data-until="(\d+)"', self.card)
        if 'class="count"' in self.card:
            assert until is not None
            assert int(until[1]) / 1000 > self.now.timestamp()

    async def until(self, shows_people: bool, timeout_s: float = 60) -> None:  # noqa: FBT001
        """Look until the number of people is there, or is not."""
        async with asyncio.timeout(timeout_s):
            while (self.zone.get("people") is not None) != shows_people:
                await self.look()
                await asyncio.sleep(0.02)


@pytest.mark.broker
async def test_a_killed_camera_is_said_to_be_checked_within_90_seconds(office: Office) -> None:
    clock = starting_at(TEN, SPEED)
    port = free_port()
    office.process("hub", str(EXAMPLE), "--state", str(office.folder / "hub"), clock=clock)
    office.process("web", str(EXAMPLE), "--port", str(port), clock=clock)
    camera = office.process(
        "edge",
        str(EXAMPLE),
        *("--device", "cam-lobby", "--simulate", "1", "--state", str(office.folder / "edge")),
        clock=clock,
    )
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        visitor = Visitor(session)
        async with asyncio.timeout(30):
            while not visitor.zone:
                await asyncio.sleep(0.05)
                with contextlib.suppress(aiohttp.ClientConnectionError):  # it is still starting
                    await visitor.look()
        await visitor.until(shows_people=True)
        assert 'class="count"' in visitor.card
        assert "確認中" not in _shown(visitor.card)
        camera.kill()
        killed_at = clock.now()
        await visitor.until(shows_people=False)
        assert visitor.now - killed_at <= timedelta(seconds=91), "90, and a Date of whole seconds"
        await visitor.look()
        assert "確認中" in _shown(visitor.card)
        assert 'class="count"' not in visitor.card
        gone_at = visitor.now
        while visitor.now < gone_at + timedelta(seconds=60):
            await visitor.look()
            assert visitor.zone["people"] is None, "the old number came back"
        camera.start()
        await visitor.until(shows_people=True)
        assert datetime.fromisoformat(visitor.zone["observed_at"]) > killed_at


def _shown(card: str) -> str:
    """The card without what is only there for the time when its value has gone."""
    return re.sub(r"<p class=\"how\" data-gone>.*?</p>", "", card, flags=re.DOTALL)
