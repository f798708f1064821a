"""A hub that ships what it takes, and one that cannot."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from broker.clock import Clock
from broker.hub.history.ship import Shipper
from broker.hub.history.sqlite import milliseconds
from broker.hub.hub import Hub
from broker.session import Session
from models.contract import topics
from models.contract.codec import decode
from models.contract.observations import People
from models.contract.results import HubAbout, Shipping
from models.site import Influx, Site
from tests.broker.rig import SITE, Pi, address_of, hub_at, running, until
from tests.broker.shipped import Filled, is_whole, resident_kib
from tests.broker.victoria import Victoria
from tests.conftest import ROOT, Mosquitto

logger = logging.getLogger(__name__)


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[Victoria]:
    made = Victoria(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.kill()


def shipping_to(url: str) -> Site:
    return msgspec.structs.replace(SITE, influx=Influx(url=url))


class Abouts:
    """What the hub says of itself."""

    def __init__(self) -> None:
        self.last: Shipping | None = None

    def hear(self, _: str, payload: bytes, retain: bool) -> None:  # noqa: ARG002, FBT001
        self.last = decode(HubAbout, payload).shipping

    async def is_cut(self) -> bool:
        return self.last is not None and "want an answer" in self.last.why

    async def is_well(self) -> bool:
        return self.last is not None and self.last == Shipping(lag_s=0, waiting=0)


async def test_what_the_hub_takes_is_at_the_city_s_server(
    mosquitto: Mosquitto, victoria: Victoria, tmp_path: Path
) -> None:
    address, counts = address_of(mosquitto), [3, 1, 4, 1, 5]
    start_ms = milliseconds(Clock().now())
    async with (
        hub_at(address, tmp_path / "hub", site=shipping_to(victoria.url)),
        running(partial(Pi, address, tmp_path / "outbox.sqlite")) as pi,
    ):
        for count in counts:
            await pi.delivery.keep("lobby", People(count=count), None)

        async def arrived() -> bool:
            found = await asyncio.to_thread(victoria.samples)
            values = {at: value for name, _, at, value in found if name == "machiai_people_count"}
            return [values[at] for at in sorted(values)] == counts and min(values) >= start_ms

        await until(arrived)


async def test_a_server_that_is_away_is_told_and_stops_nothing(
    mosquitto: Mosquitto, victoria: Victoria, tmp_path: Path
) -> None:
    address, abouts = address_of(mosquitto), Abouts()
    topic = topics.result(SITE.id, "about")
    session = Session(address, "reader", subscriptions=[topic], on_message=abouts.hear)
    reader = asyncio.create_task(session.run())
    await asyncio.to_thread(victoria.kill)
    async with (
        hub_at(address, tmp_path / "hub", site=shipping_to(victoria.url)),
        running(partial(Pi, address, tmp_path / "outbox.sqlite")) as pi,
    ):
        await pi.delivery.keep("lobby", People(count=1), None)
        await pi.drained()
        await until(abouts.is_cut)
        await asyncio.to_thread(victoria.start)
        await until(abouts.is_well)
    reader.cancel()
    await asyncio.wait([reader])


def test_a_hub_without_the_table_never_loads_the_library() -> None:
    code = "import sys, broker.hub.hub; print('influxdb_client' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False"


def test_a_hub_without_the_library_says_so_in_one_line(tmp_path: Path) -> None:
    """As on a machine where only machiai[hub] is installed."""
    site = tmp_path / "site.toml"
    site.write_text(
        '[site]\nid = "rig"\nname = { en = "Rig" }\n'
        'hours = [{ days = "mon-sun", open = "00:00", close = "24:00" }]\n'
        '[influx]\nurl = "https://influx.example.jp"\n',
        "utf-8",
    )
    code = (
        "import sys; sys.modules['influxdb_client'] = None; import machiai; "
        f"sys.exit(machiai.main(['hub', {str(site)!r}, '--state', {str(tmp_path)!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 66
    (line,) = done.stderr.splitlines()
    assert line.startswith("machiai: want machiai[influx] installed")
    assert "$.influx" in line


async def test_a_mistake_of_ours_ends_shipping_and_not_the_hub(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.hub.history.ship.Shipper._turn", lambda _: 1 // 0)
    address = address_of(mosquitto)
    async with (
        hub_at(address, tmp_path / "hub", site=shipping_to("http://127.0.0.1:1")) as hub,
        running(partial(Pi, address, tmp_path / "outbox.sqlite")) as pi,
    ):
        await pi.delivery.keep("lobby", People(count=1), None)
        await pi.drained()
        assert "ZeroDivisionError" in shipped_by(hub).why


def shipped_by(hub: Hub) -> Shipping:
    assert hub._shipper is not None
    return hub._shipper.told()


def test_memory_holds_one_page_however_long_the_server_is_away(tmp_path: Path) -> None:
    """A minute's rows of an office come between two tries; MACHIAI_INFLUX=whole is a day of it."""
    minutes = 1440 if is_whole() else 20
    filled = Filled(tmp_path / "journal.sqlite")
    shipper = Shipper(SITE.id, Influx(url="http://127.0.0.1:1"), Clock(), filled.path)
    sizes = []
    for _ in range(minutes):
        filled.write(3000)
        assert shipper._turn() >= 1
        sizes.append(resident_kib())
    logger.info("resident KiB at each tenth: %s", sizes[:: max(1, minutes // 10)])
    told = shipper.told()
    assert "want an answer" in told.why
    assert told.waiting == 3000 * minutes
    assert sizes[-1] - sizes[len(sizes) // 4] < 4096, sizes
    shipper._server.close()
    filled.journal.close()
