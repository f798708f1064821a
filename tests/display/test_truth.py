"""Screen truth with real broker, hub, display and browser: staff hear of a wrong screen."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from broker.clock import starting_at
from models.contract.observations import People, PostNotice, Queue, SetCount, SetLevel
from tests.browsing import Watched
from tests.conftest import Mosquitto
from tests.display.real import DISPLAY, Office, open_office

pytestmark = pytest.mark.browser

SPEED = 60.0
NOON = datetime(2026, 11, 24, 1, 32, tzinfo=UTC)
ALERT, SCREEN = f"hub/alert/{DISPLAY}", f"{DISPLAY}/screen"
FIRE = {"ja": "火事です。外へ出てください。", "en": "Fire. Please leave the building."}


@pytest.fixture
def office(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Office]:
    """Ten people wait for the tax office, on a screen that shows it."""
    with open_office(mosquitto, tmp_path, starting_at(NOON, SPEED)) as opened:
        opened.told.observe("tax", Queue(waiting=8, called="12", open=1))
        opened.told.observe("moving", SetLevel(level=3))
        opened.told.observe("lobby", People(count=21))
        opened.told.observe("front", SetCount(count=40, by="staff"))
        opened.told.until(lambda now: now.get("hub/zone/lobby", {}).get("people") == 21)
        yield opened


@pytest.fixture
def page(office: Office, browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
    watched = Watched(opened)
    yield watched.open(office.url)
    opened.close()
    assert [error for error in watched.errors if "Failed to load resource" not in error] == []


def shows(people: int) -> Any:  # noqa: ANN401
    """Whether the screen reports so many in the lobby."""

    def true(now: dict[str, Any]) -> bool:
        zones = now.get(SCREEN, {}).get("zones", [])
        return [zone["numbers"] for zone in zones] == [{"people": [people]}]

    return true


def test_a_screen_that_stands_still_is_told_to_staff_until_it_moves_again(
    office: Office, page: Page
) -> None:
    screen = office.told.until(lambda now: shows(21)(now) and now[SCREEN])
    assert {row["id"]: (row["level"], row["numbers"]) for row in screen["services"]} == {
        "tax": (screen["services"][0]["level"], screen["services"][0]["numbers"]),
        "moving": (3, {"people": [], "wait": []}),
    }
    assert screen["services"][0]["numbers"]["people"] == [8]
    assert screen["lots"][0]["numbers"]["free"] == [60]
    assert (screen["layer"], screen["language"]) == ("board", "ja")
    page.route("**/part*", lambda route: route.abort())
    office.told.observe("lobby", People(count=55))
    why = office.told.until(lambda now: now.get(ALERT, {}).get("why"))
    assert "zone lobby: want level" in why
    assert "people 55, got level" in why
    assert why.endswith("on display l-1")
    page.unroute("**/part*")
    office.told.observe("lobby", People(count=22))
    office.told.until(lambda now: shows(22)(now) and ALERT not in now)


def test_an_emergency_that_is_not_on_the_screen_is_told_to_staff(
    office: Office, page: Page
) -> None:
    fire = PostNotice(by="staff", severity="emergency", texts=FIRE)
    office.told.observe("fire", fire)
    seen = [{"id": "fire", "ago_s": 0}]
    office.told.until(lambda now: now.get(SCREEN, {}).get("emergencies") == seen)
    assert ALERT not in office.told.retained
    page.evaluate("document.getElementById('emergency').remove()")
    why = office.told.until(lambda now: now.get(ALERT, {}).get("why"))
    assert "emergency fire is not on the screen" in why
    page.reload()
    office.told.until(lambda now: now[SCREEN]["emergencies"] == seen and ALERT not in now)


def test_a_display_that_dies_is_told_to_staff_until_it_is_back(office: Office, page: Page) -> None:
    office.told.until(shows(21))
    assert not page.is_closed()
    assert ALERT not in office.told.retained
    office.processes["display"].end(9)
    assert office.told.until(lambda now: now[f"{DISPLAY}/state"]["state"] == "lost")
    why = office.told.until(lambda now: now.get(ALERT, {}).get("why"))
    assert "it cannot be reached since" in why
    office.processes["display"].start()
    office.told.until(lambda now: ALERT not in now)


def test_a_page_that_says_nothing_is_told_though_its_pi_is_well(office: Office, page: Page) -> None:
    office.told.until(shows(21))
    page.route("**/screen", lambda route: route.abort())
    state = office.told.until(
        lambda now: now[f"{DISPLAY}/state"]["state"] == "alert" and now[f"{DISPLAY}/state"]
    )
    assert "want the page to say each minute what it paints" in state["why"]
    why = office.told.until(lambda now: now.get(ALERT, {}).get("why"))
    assert "nobody knows what it shows" in why
    page.unroute("**/screen")
    office.told.until(lambda now: ALERT not in now)
    office.told.until(lambda now: now[f"{DISPLAY}/state"]["state"] == "ready")
