"""The panel by the calendar, which display is which, and what was shown."""

import csv
import io
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from models.calendar import Calendar
from models.site import Awake, Site
from signage.display.panel import is_on
from tests.browsing import Watched
from tests.signage.office import HandClock, Hub, Served

NIGHT = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
"""Tuesday 22:00 in Tokyo; the office is open 8:30 to 17:15."""


def tokyo(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+09:00")


@pytest.mark.parametrize(
    ("at", "on"),
    [
        ("2026-11-24T07:59", False),
        ("2026-11-24T08:00", True),
        ("2026-11-24T12:00", True),
        ("2026-11-24T17:44", True),
        ("2026-11-24T17:45", False),
        ("2026-11-23T12:00", False),
        ("2026-11-22T12:00", False),
    ],
    ids=[
        "a minute early",
        "half an hour before",
        "noon",
        "before the half hour is over",
        "half an hour after",
        "a holiday",
        "a Sunday",
    ],
)
def test_the_panel_by_the_calendar(site: Site, at: str, *, on: bool) -> None:
    assert is_on(Awake(), Calendar(site), tokyo(at)) is on
    assert is_on(None, Calendar(site), tokyo(at)), "without the table it is always on"


@pytest.fixture
def sleeping(site: Site) -> Site:
    first, *others = site.displays
    slept = msgspec.structs.replace(first, awake=Awake(before_minutes=30, after_minutes=30))
    return msgspec.structs.replace(site, displays=(slept, *others))


@pytest.fixture
def night(sleeping: Site) -> Iterator[Served]:
    made = Served(Hub(sleeping, HandClock(NIGHT)))
    made.do(made.hub.ready)
    yield made
    made.close()


@pytest.fixture
def lobby(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1920, "height": 1080}, locale="ja-JP")
    yield Watched(page)
    page.close()


@pytest.mark.browser
def test_at_night_the_page_is_black_until_the_office_opens(night: Served, lobby: Watched) -> None:
    page = lobby.open(night.display)
    expect(page.locator("#dark")).to_be_visible()
    assert night.station.asleep
    night.hub.clock.move(10 * 3600)
    expect(page.locator("#dark")).to_be_hidden()
    assert not night.station.asleep
    assert lobby.errors == []


@pytest.mark.browser
def test_who_needs_the_panel_wakes_it_and_lets_it_sleep_again(
    night: Served, lobby: Watched
) -> None:
    page = lobby.open(night.display)
    expect(page.locator("#dark")).to_be_visible()
    night.do(lambda: night.station.awake.add("a test"))
    expect(page.locator("#dark")).to_be_hidden()
    night.do(lambda: night.station.awake.discard("a test"))
    expect(page.locator("#dark")).to_be_visible()


@pytest.mark.browser
def test_somebody_called_after_hours_sees_it(night: Served, lobby: Watched) -> None:
    page = lobby.open(night.display)
    expect(page.locator("#dark")).to_be_visible()
    night.do(lambda: night.hub.call("A101"))
    expect(page.locator("#dark")).to_be_hidden()
    night.hub.clock.move(timedelta(minutes=16).total_seconds())
    expect(page.locator("#dark")).to_be_visible()


@pytest.mark.browser
def test_an_emergency_wakes_it(night: Served, lobby: Watched) -> None:
    page = lobby.open(night.display)
    expect(page.locator("#dark")).to_be_visible()
    night.do(night.hub.emergency)
    expect(page.locator("#dark")).to_be_hidden()
    assert not night.station.asleep


CEC = """#!/bin/sh
echo "$@" > "$(dirname "$0")/said"
"""


def test_the_panel_itself_is_switched_by_cec(
    sleeping: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "cec-ctl"
    program.write_text(CEC, "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    said = tmp_path / "said"
    os.mkfifo(said)  # who reads it waits for what is said
    served = Served(Hub(sleeping, HandClock(NIGHT)))
    try:
        assert said.read_text("ascii") == "--playback --to 0 --standby\n"
        served.hub.clock.move(10 * 3600)
        assert said.read_text("ascii") == "--playback --to 0 --image-view-on\n"
    finally:
        served.close()


@pytest.mark.browser
def test_a_display_says_which_it_is_for_half_a_minute(served: Served, lobby: Watched) -> None:
    page = lobby.open(served.display)
    expect(page.locator("#identify")).to_be_hidden()
    served.do(lambda: served.station.commands["identify"](b""))
    expect(page.locator("#identify")).to_be_visible()
    said = page.locator("#identify p").all_text_contents()
    assert said == ["ロビー大画面", "lobby-1"]
    served.hub.clock.move(31)
    expect(page.locator("#identify")).to_be_hidden()
    assert lobby.errors == []


@pytest.mark.browser
def test_what_was_shown_is_counted_by_item_and_day(served: Served, lobby: Watched) -> None:
    page = lobby.open(f"{served.display}/?screen=kept")
    show(page, "water")
    show(page, "water", "library")
    assert proof(served) == [
        ("2026-11-24", "library", "1", "10:32:00", "10:32:00"),
        ("2026-11-24", "water", "2", "10:32:00", "10:32:00"),
    ]
    served.hub.clock.move(86_400)
    show(page, "water")
    assert ("2026-11-25", "water", "1", "10:32:00", "10:32:00") in proof(served)
    assert lobby.errors == []


def show(page: Page, *items: str) -> None:
    """The page says so with its next beat."""
    with page.expect_response(lambda answer: told(answer.request.post_data, items)):
        for item in items:
            page.evaluate(
                """(item) => document.dispatchEvent(
                    new CustomEvent("machiai:shown", { detail: { item } }))""",
                item,
            )


def told(body: str | None, items: tuple[str, ...]) -> bool:
    return all(f'"{item}"' in (body or "") for item in items)


def proof(served: Served) -> list[tuple[str, ...]]:
    with urllib.request.urlopen(f"{served.display}/proof", timeout=10) as answer:
        heads, *rows = csv.reader(io.StringIO(answer.read().decode()))
    assert heads == ["day", "item", "times", "first", "last"]
    return [tuple(row) for row in rows]


BEAT = b'{"screen": "kept", "frames": 1}'


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "localhost"}, 204),
    ],
    ids=str,
)
def test_a_display_takes_words_of_its_own_page_alone(
    served: Served, headers: dict[str, str], status: int
) -> None:
    request = urllib.request.Request(f"{served.display}/beat", BEAT, headers)
    assert status_of(request) == status


def test_a_name_that_leads_here_reads_nothing(served: Served) -> None:
    foreign = urllib.request.Request(served.display, headers={"Host": "evil.example"})
    assert status_of(foreign) == 403
    assert status_of(urllib.request.Request(served.display)) == 200


def status_of(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)


@pytest.mark.parametrize("path", ["/beat", "/kiosk", "/screenshot"])
def test_what_is_no_word_of_theirs_is_refused(served: Served, path: str) -> None:
    request = urllib.request.Request(f"{served.display}{path}", b'{"screen": 7}')
    assert status_of(request) == 400
