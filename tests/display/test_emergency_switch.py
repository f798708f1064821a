"""The emergency switch at a display's own Pi: gpiozero's mock pins, and nothing else that works."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPin
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import Clock
from models.contract.observations import PostNotice, Reading
from models.contract.results import NoticeResult
from models.site import Display, Site, Switch
from signage.display.emergency import Emergencies, standing
from signage.display.station import Station
from signage.display.switch import Contacts, Means, Switched
from signage.display.switch import Switch as SwitchPart
from signage.mirror import Mirror
from signage.wording import LANGUAGES
from tests.signage.office import HandClock, Hub

PIN, KEY = 17, 27
TABLE = Switch(pin=PIN, drill_pin=KEY, bounce_ms=20)


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ([], ["open"]),
        ([(PIN, True)], ["emergency"]),
        ([(PIN, True), (KEY, True)], ["drill"]),
        ([(KEY, True)], ["open"]),
    ],
    ids=["open, or a broken wire", "closed", "closed with the key", "the key alone"],
)
def test_what_the_first_levels_mean(levels: list[tuple[int, bool]], said: list[Means]) -> None:
    contacts, told = Contacts(TABLE), []
    for pin in (PIN, KEY):
        told += contacts.feed(pin, False, 0.0)
    for pin, closed in levels:
        told += contacts.feed(pin, closed, 0.001)
    told += contacts.due(0.01)
    assert told == [], "nobody knows before the contacts have rested"
    assert contacts.due_s is not None
    assert contacts.due(0.03) == said
    assert contacts.due_s is None


def test_a_key_that_is_turned_meanwhile_makes_a_drill_of_it_and_back() -> None:
    contacts, told, t_s = Contacts(TABLE), [], 0.0
    for pin, closed in ((PIN, False), (PIN, True), (KEY, True), (KEY, False), (PIN, False)):
        told += contacts.feed(pin, closed, t_s)
        t_s += 1
        told += contacts.due(t_s)
    assert told == ["open", "emergency", "drill", "emergency", "open"]


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 0.019)), max_size=40))
def test_a_contact_that_only_bounces_says_nothing(bounces: list[tuple[bool, float]]) -> None:
    contacts, t_s = Contacts(TABLE), 0.0
    assert contacts.feed(PIN, False, t_s) == []
    assert contacts.due(1.0) == ["open"]
    t_s = 2.0
    for closed, wait_s in bounces:
        assert contacts.feed(PIN, closed, t_s) == []
        contacts.feed(PIN, False, t_s + wait_s)
        t_s += wait_s
    contacts.feed(PIN, False, t_s)
    assert contacts.due(t_s + 1) == []


class Wired(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin with a contact to ground, which stays closed whoever opens and closes the pin."""

    closed = False

    def drive_low(self) -> None:
        self.closed = True
        super().drive_low()

    def drive_high(self) -> None:
        self.closed = False
        super().drive_high()

    def _set_pull(self, value: str) -> None:
        closed = self.closed
        super()._set_pull(value)
        if closed:
            self.drive_low()


@pytest.fixture
def gpio() -> Iterator[MockFactory]:
    Device.pin_factory = MockFactory(pin_class=Wired)
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = None


class Pi:
    """A display with a switch, no hub and no network; what it would tell the hub."""

    def __init__(self, site: Site, folder: Path, clock: Clock | None = None) -> None:
        display = Display(id="lobby-1", switch=TABLE)
        site = msgspec.structs.replace(site, displays=(display,))
        self.station = Station(site, display, Mirror(site, clock or Clock()), folder)
        self.emergencies = Emergencies(self.station)
        self.switch = SwitchPart(self.station, self.emergencies.switched)
        self.told: list[tuple[str, Reading]] = []
        self.station.observe = self._observe
        self.task: asyncio.Task[None] | None = None

    async def _observe(self, name: str, reading: Reading) -> None:
        self.told.append((name, reading))

    async def start(self) -> None:
        run = self.switch.steps()["switch"]
        self.task = asyncio.create_task(run())

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])

    def shown(self) -> list[tuple[str, bool]]:
        """Which emergencies, and whether they are drills."""
        screen = self.emergencies._screen
        found = standing(screen.notices(), self.station.clock.now()).shown
        return [(name, notice.drill) for name, notice in found]

    async def until(self, true: Callable[[], bool]) -> float:
        """Wait until the screen says so, woken as its browser is; in how many seconds."""
        begun = self.station.clock.monotonic()
        async with asyncio.timeout(10):
            while not true():
                version = self.station.mirror.version
                if not true():
                    await self.station.mirror.changed(version)
        return self.station.clock.monotonic() - begun


async def pi_at(site: Site, folder: Path, clock: Clock | None = None) -> Pi:
    pi = await asyncio.to_thread(Pi, site, folder, clock)
    await pi.start()
    await pi.until(lambda: pi.emergencies._screen._switched is not None)
    return pi


async def test_closed_is_shown_within_two_seconds_with_everything_else_dead(
    site: Site, tmp_path: Path, gpio: MockFactory
) -> None:
    pi = await pi_at(site, tmp_path)
    try:
        assert pi.shown() == []
        assert pi.told == []
        await asyncio.to_thread(gpio.pin(PIN).drive_low)
        took_s = await pi.until(lambda: pi.shown() == [("switch-lobby-1", False)])
        assert took_s < 2
        await asyncio.to_thread(gpio.pin(KEY).drive_low)
        await pi.until(lambda: pi.shown() == [("switch-lobby-1", True)])
        await asyncio.to_thread(gpio.pin(PIN).drive_high)
        await pi.until(lambda: pi.shown() == [])
    finally:
        await pi.stop()
    assert [name for name, _ in pi.told] == ["switch-lobby-1"] * 3
    readings = [reading for _, reading in pi.told if isinstance(reading, PostNotice)]
    assert [(r.cancel, r.drill) for r in readings] == [(False, False), (False, True), (True, False)]
    assert readings[0].severity == "emergency"
    assert set(readings[0].texts) == set(LANGUAGES)


class Stepping(Clock):
    """Wall time as a test sets it; the rest is true."""

    at = datetime(1970, 1, 1, 0, 0, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


async def test_a_clock_that_is_set_meanwhile_ends_nothing(
    site: Site, tmp_path: Path, gpio: MockFactory
) -> None:
    clock = Stepping()
    pi = await pi_at(site, tmp_path, clock)
    try:
        await asyncio.to_thread(gpio.pin(PIN).drive_low)
        await pi.until(lambda: bool(pi.shown()))
        for year in (2026, 2090, 1970):
            clock.at = datetime(year, 11, 24, tzinfo=UTC)
            assert pi.shown() == [("switch-lobby-1", False)]
            said = await asyncio.to_thread(pi.emergencies._screen._render, clock.at)
            assert "data-emergency" in said[0].decode()
            assert "発表" not in said[0].decode()
    finally:
        await pi.stop()


async def test_a_pulled_out_wire_is_no_emergency(
    site: Site, tmp_path: Path, gpio: MockFactory
) -> None:
    pi = await pi_at(site, tmp_path)
    try:
        assert gpio.pin(PIN).pull == "up"  # nothing on it reads as open
        assert pi.shown() == []
    finally:
        await pi.stop()


async def test_a_display_that_starts_again_with_the_switch_closed_shows_it_and_tells_it_once(
    site: Site, tmp_path: Path, gpio: MockFactory
) -> None:
    pi = await pi_at(site, tmp_path)
    await asyncio.to_thread(gpio.pin(PIN).drive_low)
    await pi.until(lambda: bool(pi.shown()))
    again = None
    try:
        async with asyncio.timeout(10):
            while not (tmp_path / "switch.json").exists():
                await asyncio.sleep(0)
        await pi.stop()
        again = await pi_at(site, tmp_path)
        assert again.shown() == [("switch-lobby-1", False)]
        assert again.told == []
        await asyncio.to_thread(gpio.pin(PIN).drive_high)
        await again.until(lambda: again.shown() == [])
    finally:
        if again is not None:
            await again.stop()
    assert [reading for _, reading in again.told] == [PostNotice(by="lobby-1", cancel=True)]


async def test_opened_while_it_was_off_ends_it_everywhere(
    site: Site, tmp_path: Path, gpio: MockFactory
) -> None:
    (tmp_path / "switch.json").write_bytes(b'"emergency"')
    pi = await pi_at(site, tmp_path)
    async with asyncio.timeout(10):
        while not pi.told:
            await asyncio.sleep(0)
    await pi.stop()
    assert gpio.pin(PIN).state
    assert pi.told == [("switch-lobby-1", PostNotice(by="lobby-1", cancel=True))]


def test_its_own_notice_from_the_hub_is_believed_only_while_nobody_reads_the_switch(
    site: Site, tmp_path: Path
) -> None:
    clock = HandClock()
    pi = Pi(site, tmp_path, clock)
    hub = Hub(pi.station.site, clock)
    hub.mirror = pi.station.mirror
    hub.say(
        "notice/switch-lobby-1",
        NoticeResult(**hub.times(valid_s=600), severity="emergency", texts={"ja": "外へ"}),
    )
    assert pi.shown() == [("switch-lobby-1", False)]
    pi.emergencies.switched(Switched(None))
    assert pi.shown() == []


async def test_without_pins_staff_are_told_and_the_display_goes_on(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Device.pin_factory = None
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "native")
    pi = await asyncio.to_thread(Pi, site, tmp_path)
    changed = asyncio.Event()
    pi.station.alerts.changed = changed.set
    await pi.start()
    async with asyncio.timeout(10):
        await changed.wait()
    assert "want GPIO 17, 27" in pi.station.alerts.why
    await pi.stop()
    assert pi.task is not None
    assert pi.task.cancelled()
