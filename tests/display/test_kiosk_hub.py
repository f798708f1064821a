"""A hub or broker that returns is on the screen at once, and the page was never opened anew."""

import asyncio
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from broker.clock import Clock
from models.contract.observations import SetLevel
from tests.conftest import Mosquitto
from tests.display.keeping import kept, until
from tests.display.real import Office, open_office

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.usefixtures("chromium")]

SHOWN_S = 5.0
GONE = "!!document.querySelector('.banner')?.checkVisibility()"


def shows(level: int) -> str:
    return f"!!document.querySelector('#service-tax .level-{level}')?.checkVisibility()"


def kill_hub(office: Office) -> None:
    office.processes["hub"].end(signal.SIGKILL)


def start_hub(office: Office) -> None:
    """And wait until it says that it is there."""
    office.processes["hub"].start()
    office.told.until(lambda retained: retained["hub/state"]["state"] == "ready")


def test_hub_and_broker_return(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with open_office(mosquitto, tmp_path, Clock()) as office:
        asyncio.run(they_return(mosquitto, office))


async def they_return(mosquitto: Mosquitto, office: Office) -> None:
    port = urlsplit(office.url).port or 0
    async with kept(office.site, office.site.displays[0], port) as screen:
        await asyncio.to_thread(office.told.observe, "tax", SetLevel(level=2))
        await until(lambda: screen.see(shows(2)))
        before = await screen.loaded()

        await asyncio.to_thread(kill_hub, office)
        await until(lambda: screen.see(GONE))
        await asyncio.to_thread(start_hub, office)
        assert await until(lambda: screen.see(f"!({GONE})")) <= SHOWN_S

        await asyncio.to_thread(mosquitto.kill)
        await asyncio.to_thread(mosquitto.start)
        await asyncio.to_thread(office.told.observe, "tax", SetLevel(level=4))
        assert await until(lambda: screen.see(shows(4))) <= SHOWN_S

        assert await screen.loaded() == before, "the page's own stream was enough"
