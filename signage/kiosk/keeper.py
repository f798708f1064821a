"""Keeps the display's page on the screen, whatever happens to it, the browser or its server."""

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
from pathlib import Path

import msgspec

from broker import service
from broker.clock import Clock
from models.errors import Unavailable
from models.site import Display, Site
from signage.kiosk import ladder
from signage.kiosk.browser import Browser
from signage.kiosk.ladder import Climb, Rung, Sight, Trouble
from signage.kiosk.server import Server
from signage.kiosk.told import Ask, Order, Told
from signage.kiosk.waiting import waiting_page

logger = logging.getLogger("machiai.kiosk")

PICTURE_BYTES = 45_000
"""Of a picture of the page: in base64 it fits into a message."""

_LOOK_S = 1.0
_NOT_SERVED_S = 0.25
_FIRST_WORD_S = 0.5
_PROFILE_MIB = 128.0
_WEIGH_S = 60.0


class Keeper:
    """One browser, one page, one ladder."""

    def __init__(self, site: Site, display: Display, port: int, *, headless: bool) -> None:
        self._clock = Clock()  # the machine's, whatever the office's is
        self._server = Server(port)
        self._waiting = waiting_page(site, display)
        self._headless = display.panel_px if headless else None
        self._news = asyncio.Event()
        self._heard = asyncio.Event()
        self._browser = self._new_browser()
        self._screen = ""
        """The name under which the page was opened; empty while the waiting page is shown."""
        self._opened_s = self._served_s = self._weighed_s = 0.0
        self._told: Told | None = None
        """What the server said last; None while it does not answer."""
        self._told_of = ""
        """Of which page that was; of another it tells nothing."""
        self._orders: list[Order] = []
        self._climb: Climb | None = None
        self._why = ""
        self._is_at_end = False

    async def run(self) -> None:
        """Keep it until cancelled.

        Raises:
            Missing: chromium is not installed.
            Unavailable: the compositor must be started anew.
        """
        self._climb = await asyncio.to_thread(_remembered)
        try:
            async with self._server, asyncio.TaskGroup() as group:
                group.create_task(self._hear(), name="server")
                group.create_task(self._keep(), name="browser")
        finally:
            await self._browser.end()

    # ── the server ────────────────────────────────────────────────────────────────────────────

    async def _hear(self) -> None:
        """Ask the server again and again."""
        while True:
            screen = self._screen
            try:
                told = await self._server.ask(Ask(screen=screen, why=self._why))
            except Unavailable as error:
                if self._told is not None:
                    logger.warning("%s", error)
                self._told = None
                self._heard.set()
                await asyncio.sleep(_NOT_SERVED_S)
                continue
            if self._told is None:
                self._served_s = self._up_s()
            self._told, self._told_of = told, screen
            self._orders += told.orders
            self._heard.set()
            if told.orders or not self._screen:
                self._news.set()

    # ── the browser ───────────────────────────────────────────────────────────────────────────

    async def _keep(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_WORD_S):
                await self._heard.wait()
        await self._start()
        service.notify("READY=1")
        while True:
            if not self._is_at_end:
                service.notify("WATCHDOG=1")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._news.wait()
            self._news.clear()
            await self._look()

    async def _look(self) -> None:
        """See what is wrong, and do what the ladder says or staff want."""
        wrong, up_s = self._wrong(), self._up_s()
        if wrong is not None:
            step = ladder.rung(wrong, self._climb, up_s)
            if step is not None:
                await self._take(wrong, step)
            return
        if self._climb is not None and ladder.is_over(self._climb, up_s):
            logger.info("the page has been well for %g s", ladder.STEADY_S)
            self._climb, self._why, self._is_at_end = None, "", False
            await asyncio.to_thread(_remember, None)
        if self._browser.unreachable:
            await self._show(self._waiting, "")
        if not self._screen and self._told is not None and await self._server.serves_page():
            await self._show_page()
        while self._orders:
            await self._do(self._orders.pop(0))
        if up_s - self._weighed_s > _WEIGH_S:
            self._weighed_s = up_s
            await self._weigh()

    def _wrong(self) -> Trouble | None:
        browser, told, up_s = self._browser, self._told, self._up_s()
        if not self._screen or told is None:  # nobody hears what it beats
            sight = Sight(runs=browser.runs, crashed=browser.crashed, opened_s=0, beat_s=0)
            return ladder.trouble(sight)
        if self._told_of != self._screen:
            told = Told(asleep=told.asleep)
        served_s = up_s - self._served_s
        return ladder.trouble(
            Sight(
                runs=browser.runs,
                crashed=browser.crashed,
                opened_s=min(up_s - self._opened_s, served_s),
                beat_s=_at_most(told.beat_s, served_s),
                painted_s=_at_most(told.painted_s, served_s),
                asleep=told.asleep,
            )
        )

    async def _take(self, wrong: Trouble, step: Rung) -> None:
        """Go one step up."""
        self._climb = ladder.climbed(self._climb, step, self._up_s())
        self._why = f"{wrong}: {step}, {sum(self._climb.tried.values())} steps so far"
        logger.warning("%s", self._why)
        self._orders.clear()  # what staff wanted of the page that was
        await asyncio.to_thread(_remember, self._climb)
        if step is Rung.RELOAD:
            await self._reload()
        elif step is Rung.BROWSER:
            await self._start()
        elif step is Rung.COMPOSITOR:
            raise Unavailable(f"want the page painted, {wrong} - the compositor is to start anew")
        elif step is Rung.REBOOT:
            await _reboot()
        else:
            self._is_at_end = True  # systemd no longer hears us, and does what its unit says

    async def _start(self) -> None:
        """A new browser, at once on the page if that is served."""
        await self._browser.end()
        self._browser = self._new_browser()
        url = self._waiting
        self._screen = ""
        if self._told is not None and await self._server.serves_page():
            url = self._named()
        try:
            await self._browser.start(url)
        except Unavailable as error:
            logger.warning("%s", error)
        self._opened_s = self._up_s()

    async def _reload(self) -> None:
        """The page in a new process; the waiting page if it is not served now."""
        self._screen = ""
        url = self._waiting
        if self._told is not None and await self._server.serves_page():
            url = self._named()
        try:
            await self._browser.open(url)
        except Unavailable as error:
            logger.warning("%s", error)
        self._opened_s = self._up_s()

    async def _show_page(self) -> None:
        url = self._named()
        await self._show(url, self._screen)

    async def _show(self, url: str, screen: str) -> None:
        self._screen = screen
        try:
            await self._browser.navigate(url)
        except Unavailable as error:
            logger.warning("%s", error)
        self._opened_s = self._up_s()

    async def _do(self, order: Order) -> None:
        """What staff want."""
        logger.info("told to %s", order)
        if order == "reload":
            await self._reload()
        elif order == "restart":
            await self._start()
        else:
            try:
                await self._server.keep(await self._browser.picture(PICTURE_BYTES))
            except Unavailable as error:
                logger.warning("%s", error)

    async def _weigh(self) -> None:
        """A profile that takes too much of the memory that it is in goes with its browser."""
        weight_mib = await self._browser.weight_mib()
        if weight_mib > _PROFILE_MIB:
            logger.warning("want a profile of %g MiB, got %.0f", _PROFILE_MIB, weight_mib)
            await self._start()

    def _named(self) -> str:
        """The page's address under a new name."""
        self._screen = secrets.token_hex(4)
        return self._server.page(self._screen)

    def _new_browser(self) -> Browser:
        return Browser(self._news.set, headless=self._headless)

    def _up_s(self) -> float:
        return self._clock.up_ms() / 1000


def _at_most(seconds: float | None, most_s: float) -> float | None:
    return None if seconds is None else min(seconds, most_s)


async def _reboot() -> None:
    """Boot the machine anew, if that is allowed."""
    program = await asyncio.to_thread(shutil.which, "systemctl")
    if program is None:
        logger.error("want systemctl to boot this machine anew, it is not here")
        return
    process = await asyncio.create_subprocess_exec(
        program, "reboot", stdin=asyncio.subprocess.DEVNULL
    )
    code = await process.wait()
    if code:
        logger.error("want this machine to boot anew, systemctl ended with %d", code)


def _memory() -> Path | None:
    """Where the climb outlives the compositor, and does not outlive the boot."""
    given = os.environ.get("RUNTIME_DIRECTORY")
    return Path(given) / "climb.json" if given else None


def _remembered() -> Climb | None:
    path = _memory()
    if path is None:
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Climb)
    except (OSError, msgspec.DecodeError):
        return None


def _remember(climb: Climb | None) -> None:
    path = _memory()
    if path is None:
        return
    try:
        if climb is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(msgspec.json.encode(climb))
    except OSError as error:
        logger.warning("want to remember the climb in %s, got: %s", path, error.strerror)
