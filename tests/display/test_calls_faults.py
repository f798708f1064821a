"""Each call is on the screen once, whatever is killed: broker, hub, display, browser, page.

The short form is one fault of each kind. `MACHIAI_CALLS=10000` is the whole: so many calls, a fault
every eighty of them.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from signal import SIGKILL
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import sync_playwright

from broker.clock import starting_at
from tests.conftest import Mosquitto
from tests.display.called import QUIET, Clerks, Screen, wrong
from tests.display.real import Office, open_office

pytestmark = [pytest.mark.browser, pytest.mark.broker]

SPEED = 15.0
"""What holds for five minutes holds for twenty true seconds: each fault must be over by then."""
EVERY_S = 4.5
"""Of the office's time; a screen shows one every three seconds."""
SHORT, WHOLE = 70, int(os.environ.get("MACHIAI_CALLS", "0"))
FAULT_EVERY = 80 if WHOLE else 10
MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=ZoneInfo("Asia/Tokyo"))


@pytest.mark.timeout(7200 if WHOLE else 240)
def test_no_call_is_dropped_or_doubled_while_everything_fails(
    chromium: str, mosquitto: Mosquitto, tmp_path: Path, record_property: Callable[..., None]
) -> None:
    clock, count = starting_at(MORNING, SPEED), WHOLE or SHORT
    path = tmp_path / "site.toml"
    path.write_text(QUIET, "utf-8")
    faults: Counter[str] = Counter()
    with (
        open_office(mosquitto, tmp_path, clock, site_file=path) as office,
        sync_playwright() as playwright,
        Screen(playwright, chromium, tmp_path, office.url) as screen,
    ):
        clerks = Clerks(office.told, clock, count, EVERY_S, lambda: len(set(screen.shown)))
        clerks.start()
        try:
            for number, name in enumerate(schedule(count // FAULT_EVERY - 1), 1):
                screen.until_shown(number * FAULT_EVERY)
                FAULTS[name](office, mosquitto, screen, clerks)
                faults[name] += 1
            while clerks.is_alive():
                screen.listen()
            screen.until_shown(len(clerks.called))
        finally:
            clerks.end()
        lives = list(screen.lives.values())
    again = len(screen.shown) - len(set(screen.shown))
    record_property("figures", f"{len(clerks.called)} calls, {faults}, {again} shown anew")
    assert wrong(lives, clerks.called) == []
    assert again <= faults["reload"] + faults["crash"] + faults["browser"]
    assert sum(faults.values()) == count // FAULT_EVERY - 1


def schedule(count: int) -> list[str]:
    """So many faults, each kind as often as the others."""
    chance = random.Random(count)
    return [
        name
        for _ in range(-(-count // len(FAULTS)))
        for name in chance.sample(list(FAULTS), len(FAULTS))
    ][:count]


def _broker(_office: Office, mosquitto: Mosquitto, _screen: Screen, clerks: Clerks) -> None:
    """It has forgotten everything when it is back, a few calls later."""
    mosquitto.kill()
    clerks.until_called(len(clerks.called) + 6)
    mosquitto.start()


def _process(name: str) -> Callable[[Office, Mosquitto, Screen, Clerks], None]:
    def fault(office: Office, _mosquitto: Mosquitto, _screen: Screen, clerks: Clerks) -> None:
        office.processes[name].end(SIGKILL)
        clerks.until_called(len(clerks.called) + 2)
        office.processes[name].start()

    return fault


def _browser(_office: Office, _mosquitto: Mosquitto, screen: Screen, _clerks: Clerks) -> None:
    screen.start_again()


def _crash(_office: Office, _mosquitto: Mosquitto, screen: Screen, _clerks: Clerks) -> None:
    screen.crash()


def _reload(_office: Office, _mosquitto: Mosquitto, screen: Screen, _clerks: Clerks) -> None:
    screen.reload()


FAULTS = {
    "broker": _broker,
    "hub": _process("hub"),
    "display": _process("display"),
    "browser": _browser,
    "crash": _crash,
    "reload": _reload,
}
