"""Calls as people see them: a browser of its own that can be killed, and what it has shown."""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

from playwright.sync_api import ConsoleMessage, Page, Playwright
from playwright.sync_api import Error as PlaywrightError

from broker.clock import Clock
from models.contract.observations import Ticket
from tests.browsing import FLAGS
from tests.display.real import TEXT, Broadcast

SOUND = "--autoplay-policy=no-user-gesture-required"
"""As the kiosk starts the browser: else no page may make a sound that nobody has touched."""

QUIET = TEXT.replace('id = "l-1"\n', 'id = "l-1"\nquiet = ["00:00-24:00"]\n')
"""The office of `real`, whose screen makes no sound: calls are 3 s apart."""

LOUD = TEXT
_SHOWN = "shown "
_WATCH = """
const life = Math.random();
new MutationObserver((changes) => {
  for (const { addedNodes } of changes)
    for (const node of addedNodes)
      if (node.matches?.(".calling")) console.log("shown " + life + " " + node.dataset.key);
}).observe(document, { childList: true, subtree: true });
"""
_STARTS_S = 60.0
_MOST_WAIT = 25


class Screen:
    """A chromium on the lobby's page. `lives` is what each load of the page has shown, in order."""

    PATIENCE_S = 60.0

    def __init__(self, playwright: Playwright, program: str, folder: Path, url: str) -> None:
        self.lives: dict[str, list[str]] = {}
        self._starts = 0
        self._playwright, self._program, self._folder, self._url = playwright, program, folder, url
        self._process: subprocess.Popen[bytes] | None = None
        self.page: Page
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def shown(self) -> list[str]:
        """All of it."""
        return [key for life in self.lives.values() for key in life]

    def until_shown(self, count: int) -> None:
        """Until so many different calls were on the screen; as long as there come any."""
        seen, end_s = 0, time.perf_counter() + self.PATIENCE_S
        while (came := len(set(self.shown))) < count:
            if came > seen:
                seen, end_s = came, time.perf_counter() + self.PATIENCE_S
            assert time.perf_counter() < end_s, f"{came} of {count} shown"
            self.listen()

    def listen(self) -> None:
        """Let its words come in; without that nothing of what it shows is heard."""
        with contextlib.suppress(PlaywrightError):  # the page was just loaded anew
            self.page.evaluate("new Promise((done) => setTimeout(done, 50))")

    def reload(self) -> None:
        """As staff may tell it to at any time."""
        self.page.reload(wait_until="commit")

    def crash(self) -> None:
        """Its renderer dies; whoever keeps the browser opens the page anew."""
        context = self.page.context
        with self.page.expect_event("crash"):
            self._kill_renderers()
        self._load(context.new_page())

    def _kill_renderers(self) -> None:
        assert self._process is not None
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):  # some end while we look
                group = int((process / "stat").read_text().rpartition(")")[2].split()[2])
                words = (process / "cmdline").read_bytes()
                if group == self._process.pid and b"--type=renderer" in words:
                    os.kill(int(process.name), signal.SIGKILL)

    def kill(self) -> None:
        """As a lack of memory would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=10)
            self._process = None

    def start_again(self) -> None:
        """After it was killed."""
        self.kill()
        self._open()

    def _open(self) -> None:
        self._starts += 1
        profile = self._folder / f"profile-{self._starts}"
        self._process = subprocess.Popen(
            [
                *(self._program, "--headless", *FLAGS, SOUND, f"--user-data-dir={profile}"),
                *("--remote-debugging-port=0", "about:blank"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        port = profile / "DevToolsActivePort"
        end_s = time.perf_counter() + _STARTS_S
        while not (port.exists() and port.read_text("ascii").count("\n")):
            assert time.perf_counter() < end_s, "chromium opens no port"
        address = f"http://127.0.0.1:{port.read_text('ascii').splitlines()[0]}"
        browser = self._playwright.chromium.connect_over_cdp(address)
        self._load(browser.contexts[0].pages[0])

    def _load(self, page: Page) -> None:
        page.add_init_script(_WATCH)
        page.on("console", self._said)
        self.page = page
        page.goto(self._url, wait_until="commit")

    def _said(self, message: ConsoleMessage) -> None:
        if message.text.startswith(_SHOWN):
            life, key = message.text.removeprefix(_SHOWN).split(" ", 1)
            self.lives.setdefault(life, []).append(key)


class Clerks(threading.Thread):
    """Calls so many tickets, some with numbers that were called before; `called` is the truth."""

    def __init__(
        self,
        told: Broadcast,
        clock: Clock,
        count: int,
        every_s: float,
        shown: Callable[[], int],
    ) -> None:
        super().__init__(name="clerks")
        self._shown = shown
        self.called: list[tuple[str, str]] = []
        self._told, self._speed, self._count, self._every_s = told, clock.speed, count, every_s
        self._chance = random.Random(7)
        self._ended = threading.Event()

    def run(self) -> None:
        """All of them, now and then one again: the clerk is sure that nobody has heard."""
        number = 0
        while len(self.called) < self._count:
            number += 1
            service, counter = self._chance.choice((("tax", "c1"), ("moving", "c2")))
            ticket = f"A{number % 90:03}"  # the day's numbers begin anew again and again
            for _ in range(1 + (number % 40 == 0)):
                pause_s = self._chance.uniform(0.1, 1.9) * self._every_s / self._speed
                if self._ended.wait(pause_s):
                    return
                while self._too_many() and not self._ended.wait(0.02):
                    pass  # no office has so many at once
                self._told.observe(service, Ticket(number=ticket, event="called", counter=counter))
                self.called.append((service, ticket))

    def end(self) -> None:
        """Before it is done."""
        self._ended.set()
        self.join(10)

    def until_called(self, count: int) -> None:
        """Until so many were called, or too many wait."""
        while len(self.called) < count and self.is_alive() and not self._too_many():
            self.join(0.05)

    def _too_many(self) -> bool:
        return len(self.called) - self._shown() > _MOST_WAIT


def wrong(lives: list[list[str]], called: list[tuple[str, str]]) -> list[str]:
    """What was dropped, doubled or made up.

    A call that was on the screen as its page died is shown again, from its beginning: only the last
    of a life may be the first of a later one.
    """
    said: list[str] = []
    done: set[str] = set()
    for life in lives:
        said += [f"{key} came twice" for key in life if key in done]
        said += [f"{key} came twice to one page" for key, n in Counter(life).items() if n > 1]
        done.update(life[:-1])
    came = Counter(tuple(key.split("/")[:2]) for key in {key for life in lives for key in life})
    wanted: Counter[tuple[str, ...]] = Counter(called)
    said += [f"{'/'.join(call)} was dropped {n} times" for call, n in (wanted - came).items()]
    said += [f"{'/'.join(call)} was made up {n} times" for call, n in (came - wanted).items()]
    return said
