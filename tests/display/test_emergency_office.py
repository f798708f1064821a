"""Emergencies through a whole office: a real broker, a real hub, ten displays, staff at a shell."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
from playwright.sync_api import Browser

from broker.clock import Clock
from models.contract.observations import PostNotice
from signage.display.server import serve_display
from tests.conftest import ROOT, Mosquitto
from tests.display.real import TEXT, Office, free_port, open_office

pytestmark = pytest.mark.timeout(300)

COUNT = 10
CLOCK = Clock()
WITHIN_S = 2.0
OUT = {"ja": "火事です。外へ避難してください。", "en": "Fire! Leave the building."}
DISPLAYS = "".join(f'[[displays]]\nid = "l-{n}"\n' for n in range(2, COUNT + 1))
COMMAND = [sys.executable, "-m", "machiai", "notice"]
WATCH = """new MutationObserver(() => {
  const layer = document.getElementById("emergency");
  if (layer) window[layer.hidden ? "gone" : "shown"] ??= Date.now();
}).observe(document, { subtree: true, childList: true, attributes: true });"""


def emergency(**also: Any) -> PostNotice:  # noqa: ANN401
    return PostNotice(**{"by": "cap", "severity": "emergency", "texts": OUT} | also)


class Displays:
    """More displays of an office, each a server with a connection of its own."""

    def __init__(self, office: Office, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="displays")
        self._thread.start()
        self.urls = [office.url]
        self._tasks: list[asyncio.Task[None]] = []
        for display in office.site.displays[1:]:
            port = free_port()
            self.urls.append(f"http://127.0.0.1:{port}")
            serving = serve_display(
                office.site, display.id, CLOCK, office.address, folder / display.id, port
            )
            self._loop.call_soon_threadsafe(self._serve, serving)
        office.told.until(
            lambda retained: all(f"{d.id}/state" in retained for d in office.site.displays)
        )

    def _serve(self, serving: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(self._loop.create_task(serving))

    def when(
        self, true: Callable[[str], bool], urls: Sequence[str] | None = None
    ) -> Future[list[float]]:
        """When the layer of each is so, seconds since 1970; asked again and again from now."""

        async def of(session: aiohttp.ClientSession, url: str) -> float:
            while True:
                async with session.get(f"{url}/emergency") as answer:
                    if true(await answer.text()):
                        return CLOCK.now().timestamp()
                await asyncio.sleep(0.02)

        async def of_all() -> list[float]:
            async with aiohttp.ClientSession() as session, asyncio.timeout(60):
                return await asyncio.gather(*(of(session, url) for url in urls or self.urls))

        return asyncio.run_coroutine_threadsafe(of_all(), self._loop)

    def close(self) -> None:
        async def end() -> None:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def office(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Office]:
    path = tmp_path / "site.toml"
    path.write_text(TEXT.replace("[freshness]", f"{DISPLAYS}[freshness]"), "utf-8")
    with open_office(mosquitto, tmp_path, CLOCK, site_file=path) as made:
        yield made


@pytest.mark.browser
def test_all_ten_displays_show_an_emergency_within_two_seconds_and_end_it_so(
    office: Office, tmp_path: Path, browser: Browser
) -> None:
    displays = Displays(office, tmp_path)
    pages = [browser.new_page(viewport={"width": 960, "height": 540}) for _ in range(2)]
    try:
        for page, url in zip(pages, displays.urls, strict=False):
            page.add_init_script(WATCH)
            page.goto(f"{url}/")
            page.wait_for_selector("html[data-ready]", state="attached")
        for reading, is_so, mark in (
            (emergency(), lambda text: "火事" in text, "shown"),
            (PostNotice(by="cap", cancel=True), lambda text: "火事" not in text, "gone"),
        ):
            for page in pages:
                page.evaluate("gone = shown = undefined")
            found = displays.when(is_so)
            begun_s = CLOCK.now().timestamp()
            office.told.observe("fire", reading)
            took_s = [at - begun_s for at in found.result(60)]
            assert len(took_s) == COUNT
            assert max(took_s) < WITHIN_S, took_s
            for page in pages:
                page.wait_for_function(f"() => window.{mark}")
                assert page.evaluate(mark) / 1000 - begun_s < WITHIN_S
    finally:
        for page in pages:
            page.close()
        displays.close()


def layer(office: Office) -> str:
    with urllib.request.urlopen(f"{office.url}/emergency", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def until(office: Office, true: Callable[[str], bool]) -> None:
    """Ask the display until it shows what it should."""
    begun_s = time.perf_counter()
    while True:
        try:
            said = layer(office)
        except OSError:
            said = "no answer"
        else:
            if true(said):
                return
        assert time.perf_counter() - begun_s < 60, said


def test_no_death_of_anything_ends_an_emergency_or_brings_one_back(
    office: Office, mosquitto: Mosquitto
) -> None:
    hub, display = office.processes["hub"], office.processes["display"]
    office.told.observe("fire", emergency())
    until(office, lambda text: "火事" in text)
    hub.end(signal.SIGKILL)
    mosquitto.kill()
    assert "火事" in layer(office)
    display.end(signal.SIGKILL)
    display.start()  # with neither hub nor broker
    until(office, lambda text: "火事" in text)
    office.told.observe("fire", PostNotice(by="cap", cancel=True))  # nobody can hear it yet
    office.told.observe("flood", emergency(texts={"ja": "大雨です。"}))
    display.end(signal.SIGKILL)
    mosquitto.start()  # it has kept nothing: it had no time to write
    hub.start()
    display.start()
    until(office, lambda text: "大雨" in text and "火事" not in text)
    hub.end(signal.SIGKILL)
    hub.start()
    office.told.until(lambda retained: retained.get("hub/state", {}).get("state") == "ready")
    assert "大雨" in layer(office)
    assert "火事" not in layer(office)


def test_a_switch_works_with_the_network_dead_and_reaches_the_others_when_it_is_back(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    path = tmp_path / "site.toml"
    wired = '[[displays]]\nid = "l-2"\nswitch = { pin = 17 }\n'
    path.write_text(TEXT.replace("[freshness]", f"{wired}[freshness]"), "utf-8")
    Device.pin_factory = MockFactory()
    try:
        with open_office(mosquitto, tmp_path, CLOCK, site_file=path) as office:
            displays = Displays(office, tmp_path)
            try:
                mosquitto.kill()
                pin = Device.pin_factory.pin(17)
                begun_s = CLOCK.now().timestamp()
                pin.drive_low()
                own = displays.when(lambda text: "switch-l-2" in text, displays.urls[1:])
                assert own.result(60)[0] - begun_s < WITHIN_S
                assert "switch" not in layer(office)
                mosquitto.start()
                displays.when(lambda text: "switch-l-2" in text).result(60)
                pin.drive_high()
                displays.when(lambda text: "switch" not in text).result(60)
            finally:
                displays.close()
    finally:
        Device.pin_factory.reset()
        Device.pin_factory = None


def notice(office: Office, folder: Path, *words: str) -> tuple[int, str]:
    """`machiai notice …` as staff call it: how it ended, and what it said."""
    done = subprocess.run(
        [*COMMAND, str(folder / "site.toml"), *words, "--state", str(folder / "desk")],
        env={**os.environ, "MACHIAI_BROKER": f"mqtt://127.0.0.1:{office.address.port}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_staff_at_a_shell_need_a_second_person(office: Office, tmp_path: Path) -> None:
    text = ["--text", "ja=避難してください。", "--text", "en=Leave."]
    code, said = notice(office, tmp_path, "post", "quake", "--by", "総務課", *text)
    assert (code, "proposed by 総務課" in said) == (0, True), said
    assert "避難" not in layer(office)
    code, said = notice(office, tmp_path, "confirm", "quake", "--by", "総務 課")
    assert (code, "want another person" in said) == (64, True), said
    code, said = notice(office, tmp_path, "confirm", "flood", "--by", "保健課")
    assert (code, "want a proposal" in said) == (64, True), said
    code, said = notice(office, tmp_path, "confirm", "quake", "--by", "保健課")
    assert (code, "quake: shown" in said) == (0, True), said
    assert "  ja: 避難してください。" in said
    until(office, lambda shown: "避難してください。" in shown and "drill" not in shown)
    code, said = notice(office, tmp_path, "cancel", "quake", "--by", "保健課")
    assert (code, "taken down" in said) == (0, True), said
    until(office, lambda shown: "避難" not in shown)


def test_a_drill_at_a_shell(office: Office, tmp_path: Path) -> None:
    for act, by in (("drill", "総務課"), ("confirm", "保健課")):
        assert notice(office, tmp_path, act, "quake", "--by", by)[0] == 0
    until(office, lambda shown: "【訓練】" in shown and 'class="drill"' in shown)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["post", "A B", "--by", "x"], "matching regex"),
        (["post", "a", "--by", ""], "length >= 1"),
        (["post", "a", "--by", "x", "--text", "hello"], "LANGUAGE=TEXT"),
        (["post", "a", "--by", "x", "--severity", "info"], "want --text"),
    ],
)
def test_what_no_notice_can_have_is_refused(tmp_path: Path, words: list[str], wrong: str) -> None:
    (tmp_path / "site.toml").write_text(TEXT, "utf-8")
    done = subprocess.run(
        [*COMMAND, str(tmp_path / "site.toml"), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 64
    assert wrong in done.stderr
