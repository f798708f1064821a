"""What a page in a browser reads back from its own glass is what the hub told, in every state."""

import os
import queue
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, Page

from models.contract.results import Message, Result, Screen
from models.screens.truth import Patience, Said, differences
from models.site import Display, Site
from signage.wording import LANGUAGES
from tests.browsing import STATES, Watched
from tests.signage.office import HandClock, Hub, Served

pytestmark = pytest.mark.browser

PANELS = {
    "wide": ((1920, 1080), 5),
    "tall": ((1080, 1920), 5),
    "far": ((1920, 1080), 10),
    "far-tall": ((1080, 1920), 10),
}
SHOWN = [state for state in (*STATES, "hub_gone") if state != "crowded"]  # that is of calls, too
WHOLE = os.environ.get("MACHIAI_MATRIX") == "whole"
CASES = [
    (state, LANGUAGES[(3 * i + j) % len(LANGUAGES)], name)
    for i, state in enumerate(SHOWN)
    for j, name in enumerate(PANELS)
    if WHOLE or i % len(PANELS) == j
]
PATIENCE_S = 30


@pytest.fixture(scope="module")
def panels(site: Site) -> Site:
    """The example office with a display of each layout."""
    shared = {"lots": ["front"], "zones": ["lobby"], "languages": LANGUAGES}
    displays = tuple(
        msgspec.convert({"id": name, "panel_px": size, "reader_m": reader_m, **shared}, Display)
        for name, (size, reader_m) in PANELS.items()
    )
    return msgspec.structs.replace(site, displays=displays)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(locale="ja-JP")
    yield made
    made.close()


def told(hub: Hub) -> dict[str, Result]:
    """All that the hub has said of what a board shows."""
    site, mirror = hub.site, hub.mirror
    found = {
        **{f"service/{one.id}": mirror.service(one.id) for one in site.services},
        **{f"lot/{one.id}": mirror.lot(one.id) for one in site.car_parks},
        **{f"zone/{one.id}": mirror.zone(one.id) for one in site.zones},
        "calls": mirror.calls(),
    }
    return {key: result for key, result in found.items() if result is not None}


def board(reports: queue.Queue[Message]) -> Screen:
    """The first report of a page that no call takes over."""
    while True:
        screen = reports.get(timeout=PATIENCE_S)
        assert isinstance(screen, Screen)
        if screen.layer != "takeover":
            return screen


@pytest.mark.parametrize(("state", "language", "panel"), CASES)
def test_a_true_page_reads_itself_rightly(
    panels: Site, page: Page, state: str, language: str, panel: str
) -> None:
    ordered = sorted(panels.displays, key=lambda display: display.id != panel)
    hub = Hub(msgspec.structs.replace(panels, displays=tuple(ordered)), HandClock())
    served = Served(hub)
    try:
        served.do(getattr(hub, state))
        reports: queue.Queue[Message] = queue.Queue()
        served.station.tell = lambda _leaf, message: reports.put(message)
        width, height = PANELS[panel][0]
        page.set_viewport_size({"width": width, "height": height})
        watched = Watched(page)
        watched.open(f"{served.display}/?lang={language}")
        screen = board(reports)
    finally:
        served.close()
    said = Said(Patience())
    said.note(told(hub), hub.clock.now())
    hub.clock.move(20)
    services = {service.id for service in hub.site.services}
    assert list(differences(screen, said, hub.clock.now(), services)) == []
    assert (screen.layer, screen.language) == ("board", language)
    assert screen.services or screen.pages > 1
    assert screen.clock == (hub.clock.now()).astimezone(hub.site.zone_info).strftime("%H:%M")
    assert [error for error in watched.errors if "Failed to load resource" not in error] == []


def test_what_lies_over_the_board_hides_it(served: Served, page: Page) -> None:
    reports: queue.Queue[Message] = queue.Queue()
    served.station.tell = lambda _leaf, message: reports.put(message)
    served.do(served.hub.busy)
    page.set_viewport_size({"width": 1920, "height": 1080})
    Watched(page).open(served.display)
    seen = board(reports)
    assert (seen.layer, seen.services[0].ago_s) == ("board", 0)
    assert seen.called == ("A123", "A122", "B045", "C007")
    page.evaluate("document.getElementById('dark').hidden = false")
    dark = board(reports)
    assert dark.layer == "dark"
    assert all(row.ago_s > 0 for row in (*dark.services, *dark.lots, *dark.zones))
    assert (dark.called, dark.clock) == (None, None)


def test_a_report_that_is_none_is_refused(served: Served, page: Page) -> None:
    said: list[Message] = []
    served.station.tell = lambda _leaf, message: said.append(message)
    answer = page.request.post(f"{served.display}/screen", data=b'{"layer": "poster"}')
    assert answer.status == 400
    assert "want" in answer.text() or "Invalid" in answer.text()
    assert said == []


def test_a_window_that_somebody_opened_beside_the_panel_is_not_the_panel(
    served: Served, page: Page
) -> None:
    said: list[Message] = []
    served.station.tell = lambda _leaf, message: said.append(message)

    def report(language: str, query: str = "") -> None:
        data = f'{{"layer": "board", "language": "{language}"}}'
        assert page.request.post(f"{served.display}/screen{query}", data=data).status == 204

    report("en")
    report("ja", "?kept")
    report("en")
    served.do(lambda: served.hub.clock.move(181))
    report("en")
    assert [one.language for one in said if isinstance(one, Screen)] == ["en", "ja", "en"]
