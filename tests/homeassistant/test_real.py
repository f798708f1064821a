"""The example office in a real Home Assistant, while everything dies: `make test-ha`."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from broker.clock import Clock, starting_at
from broker.session import Session
from models.contract.codec import decode
from models.contract.results import LotResult, ServiceResult, ZoneResult
from models.errors import BadPayload
from models.site import Site, parse
from signage.homeassistant.adapter import Adapter
from signage.homeassistant.entities import configs, words_of
from tests.broker.conftest import OfficeBroker
from tests.broker.rig import address_of
from tests.conftest import ROOT, Mosquitto
from tests.homeassistant.hass import HomeAssistant
from tests.homeassistant.office import TEXT
from tests.journey.conftest import Office

SPEED = 5.0
"""A camera's value holds for 18 s, a message for 6."""

SITE = parse(TEXT)
WORDS = words_of(SITE)
TUESDAY = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
NOWHERE = frozenset({"unavailable", "unknown"})
RESULTS = re.compile(r"\.minami_(service|lot|zone)_")
NUMBERS = re.compile(r"_(wait|people|front_free)$")
COMPLAINT = re.compile(r"^.*(?:ERROR|WARNING).*\.mqtt(?!.*MQTT server).*$", re.MULTILINE)
"""Of what it was told; that its broker is gone is no fault."""

pytestmark = pytest.mark.timeout(1500)


def without_guide(text: str) -> str:
    """The guide's file is not beside it."""
    return text.replace('guide = "example-guide.toml"', "")


@pytest.fixture
def venv() -> Path:
    given = os.environ.get("MACHIAI_HA")
    if given is None:
        pytest.skip("a real Home Assistant takes minutes to install: make test-ha")
    return ROOT / given


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The example office's site file, with a Home Assistant."""
    made = tmp_path / "site.toml"
    made.write_text(without_guide(TEXT), "utf-8")
    return made


@pytest.fixture
def processes(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Office]:
    made = Office(mosquitto, tmp_path)
    yield made
    made.end()


class Watch:
    """Holds what Home Assistant shows against what the hub told, again and again."""

    def __init__(self, hass: HomeAssistant, clock: Clock) -> None:
        self._hass, self._clock = hass, clock
        self._told: dict[str, list[tuple[int | None, datetime]]] = {}
        self.wrong: list[str] = []
        self.looks = 0
        self.numbers = 0

    def message(self, topic: str, payload: bytes, _retain: bool) -> None:  # noqa: FBT001
        """A result of the hub."""
        kind, name = topic.split("/")[-2:]
        with suppress(BadPayload):
            match kind:
                case "service" if payload:
                    service = decode(ServiceResult, payload)
                    self._note(f"service_{name}_waiting", service.waiting, service.valid_until)
                case "lot" if payload:
                    lot = decode(LotResult, payload)
                    free = None if lot.free is None else lot.free.p50
                    self._note(f"lot_{name}_free", free, lot.valid_until)
                case "zone" if payload:
                    zone = decode(ZoneResult, payload)
                    self._note(f"zone_{name}_people", zone.people, zone.valid_until)

    def _note(self, name: str, number: int | None, valid_until: datetime) -> None:
        self._told.setdefault(name.replace("-", "_"), []).append((number, valid_until))

    async def night(self) -> None:
        """Wait until all is over that was told of services and zones."""
        ends = [
            until
            for name, told in self._told.items()
            for number, until in told
            if number is not None and not name.startswith("lot")
        ]
        await self._clock.sleep((max(ends) - self._clock.now()).total_seconds())

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            now = self._clock.now()  # before the answer: it may only be younger than this
            with suppress(aiohttp.ClientError, TimeoutError):
                self._look(await self._hass.states(), now)
            await asyncio.sleep(0.1)

    def _look(self, states: dict[str, Any], now: datetime) -> None:
        self.looks += 1
        for name, told in self._told.items():
            shown = states.get(f"sensor.minami_{name}", {}).get("state", "unavailable")
            if shown in NOWHERE:
                continue
            self.numbers += 1
            if not any(number == int(shown) and now < until for number, until in told):
                self.wrong.append(f"{name}: {shown} at {now}, told {told[-3:]}")


async def until(true: Callable[[dict[str, Any]], bool], hass: HomeAssistant, what: str) -> None:
    """Look at all states until something holds."""
    states: dict[str, Any] = {}
    try:
        async with asyncio.timeout(90):
            while not true(states):
                await asyncio.sleep(0.2)
                states = await hass.states()
    except TimeoutError:
        raise AssertionError(f"want {what}, got {results(states)}") from None


def results(states: dict[str, Any]) -> dict[str, str]:
    """States of what rests on the hub."""
    return {name: one["state"] for name, one in states.items() if RESULTS.search(name)}


def is_told(states: dict[str, Any]) -> bool:
    """Whether each service has a wait, and lot and zone a number."""
    wanted = [name for name in results(states) if NUMBERS.search(name)]
    return len(wanted) == 7 and not NOWHERE & {states[name]["state"] for name in wanted}


def is_gone(states: dict[str, Any]) -> bool:
    """Whether nothing is shown of what rests on the hub."""
    found = results(states)
    return bool(found) and set(found.values()) <= NOWHERE


@asynccontextmanager
async def watched(hass: HomeAssistant, mosquitto: Mosquitto, clock: Clock) -> AsyncIterator[Watch]:
    """Look at it all the time."""
    watch = Watch(hass, clock)
    session = Session(
        address_of(mosquitto),
        "watch",
        subscriptions=["machiai/v1/minami/hub/+/+"],
        on_message=watch.message,
    )
    tasks = [asyncio.create_task(session.run()), asyncio.create_task(watch.run())]
    try:
        yield watch
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_a_real_home_assistant_shows_all_of_the_office_and_nothing_that_is_over(
    venv: Path, file: Path, processes: Office, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    site = await asyncio.to_thread(lambda: parse(file.read_text("utf-8")))
    clock = starting_at(TUESDAY, SPEED)

    def hub() -> Any:  # noqa: ANN401  a process
        state = str(tmp_path / "hub")
        return processes.process("hub", str(file), "--state", state, clock=clock)

    def edge() -> Any:  # noqa: ANN401
        state = str(tmp_path / "edge")
        words = ("edge", str(file), "--device", "all", "--simulate", "1", "--state", state)
        return processes.process(*words, clock=clock)

    def adapter() -> Any:  # noqa: ANN401
        return processes.process("homeassistant", str(file), clock=clock)

    its_hub, its_edge, its_adapter = hub(), edge(), adapter()
    async with (
        HomeAssistant(venv, tmp_path / "hass", mosquitto.port) as hass,
        watched(hass, mosquitto, clock) as watch,
    ):
        await until(is_told, hass, "every result")
        await shows_all(site, hass)

        its_hub.kill()
        await until(is_gone, hass, "no result without a hub")
        assert (await hass.states())["binary_sensor.minami_device_desk_connected"]["state"] == "on"
        its_hub = hub()
        await until(is_told, hass, "results of the new hub")

        its_adapter.kill()
        await until(all_gone, hass, "nothing without who tells it")
        its_adapter = adapter()
        await until(is_told, hass, "results once more")

        hass.kill()
        await hass.start()  # the broker has all that is retained
        await until(is_told, hass, "results after its restart")

        await power_cut(mosquitto, tmp_path / "mosquitto.db")
        its_hub.kill()
        its_adapter.kill()
        hass.kill()
        await watch.night()
        mosquitto.start()
        await hass.start()
        await until(is_gone, hass, "nothing of a day that is past")
        its_hub, its_adapter = hub(), adapter()
        await until(is_told, hass, "results after a night")

        its_edge.kill()
        await until(is_silent, hass, "no number without devices")
        edge()
        await until(is_counted, hass, "numbers of the new agents")

        its_adapter.kill(15)
        renamed = TEXT.replace('"tax-return"', '"tax-advice"')
        await asyncio.to_thread(file.write_text, without_guide(renamed), "utf-8")
        adapter()
        await until(is_renamed, hass, "the service of the new site file alone")
        complaints = COMPLAINT.findall(hass.said())
    assert not complaints
    assert watch.numbers > 100, "else nothing was looked at"
    assert not watch.wrong


async def test_at_the_offices_broker_its_own_certificate_is_enough(
    venv: Path, tmp_path: Path
) -> None:
    def set_up() -> tuple[OfficeBroker, dict[str, str]]:
        made = OfficeBroker(tmp_path, [TEXT])
        pki = made.pki
        for name in ("homeassistant", "ha"):
            pki.sign(name, parse(made.texts[0]))
        made.start()
        files = {"certificate": "ca.pem", "client_cert": "ha.pem", "client_key": "ha.key"}
        return made, {key: (pki.folder / name).read_text() for key, name in files.items()}

    broker, tls = await asyncio.to_thread(set_up)
    site = parse(broker.texts[0])
    try:
        adapter = await asyncio.to_thread(Adapter, site, Clock(), broker.address("homeassistant"))
        task = asyncio.create_task(adapter.run())
        async with HomeAssistant(venv, tmp_path / "hass", broker.port, tls) as hass:
            await until(is_heard, hass, "an office that is heard, and its hub not")
        task.cancel()
        await asyncio.wait([task])
    finally:
        await asyncio.to_thread(broker.kill)


def is_heard(states: dict[str, Any]) -> bool:
    found = states.get("binary_sensor.minami_office_hub", {})
    return len(states) == len(configs(SITE, WORDS, 6)) and found["state"] == "off"


def all_gone(states: dict[str, Any]) -> bool:
    return bool(states) and {one["state"] for one in states.values()} <= NOWHERE


def is_silent(states: dict[str, Any]) -> bool:
    numbers = [name for name in results(states) if NUMBERS.search(name)]
    return bool(numbers) and {states[name]["state"] for name in numbers} <= NOWHERE


def is_counted(states: dict[str, Any]) -> bool:
    """Whether there are people and places; of tickets that it missed an agent knows nothing."""
    return bool(states) and all(
        states[f"sensor.minami_{name}"]["state"] not in NOWHERE
        for name in ("zone_lobby_people", "lot_front_free")
    )


def is_renamed(states: dict[str, Any]) -> bool:
    names = " ".join(states)
    return "tax_advice" in names and "tax_return" not in names


async def power_cut(mosquitto: Mosquitto, kept: Path) -> None:
    """Kill the broker just after it has saved that all are there, and all that is retained."""
    os.kill(mosquitto.pid, signal.SIGUSR1)
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(kept.exists):
            await asyncio.sleep(0.05)
    mosquitto.kill()


async def shows_all(site: Site, hass: HomeAssistant) -> None:
    """Every entity, each with its device behind the office, its area, unit and class."""
    states = await hass.states()
    written = await asyncio.to_thread(lambda: configs(site, words_of(site), 6))
    made = [msgspec.json.decode(config) for config in written.values()]
    assert {config["default_entity_id"] for config in made} == set(states)
    for config in made:
        attributes = states[config["default_entity_id"]]["attributes"]
        for key in ("device_class", "unit_of_measurement", "icon", "state_class"):
            assert attributes.get(key) == config.get(key), config["default_entity_id"]
        known = attributes.get("options")  # of an MQTT sensor since 2024.9
        assert known in (None, config.get("options"))
        own = f"{config['device']['name']} {config['name']}"
        assert attributes["friendly_name"] == own
    assert states["sensor.minami_service_moving_state"]["state"] == "受付中"
    assert states["binary_sensor.minami_office_hub"]["state"] == "on"
    for device in site.devices:
        name = device.id.replace("-", "_")
        assert states[f"binary_sensor.minami_device_{name}_connected"]["state"] == "on"
    areas = {one["area_id"]: one["name"] for one in await hass.ask("config/area_registry/list")}
    devices = {
        one["identifiers"][0][1]: one
        for one in await hass.ask("config/device_registry/list")
        if one["manufacturer"] == "machiai"
    }
    office = devices["machiai/minami"]["id"]
    wanted = {config["device"]["identifiers"][0]: config["device"] for config in made}
    assert set(devices) == set(wanted)
    for name, device in wanted.items():
        assert devices[name]["name"] == device["name"]
        assert areas.get(devices[name]["area_id"]) == device.get("suggested_area")
        assert devices[name]["via_device_id"] == (office if "via_device" in device else None)
