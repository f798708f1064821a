"""One chromium with one page, from its start to its end."""

import asyncio
import base64
import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.errors import Missing, Unavailable
from signage.kiosk.flags import flags
from signage.kiosk.pipe import Pipe, Said
from signage.kiosk.process import Process

_PROGRAMS = ("chromium", "chromium-browser")
_START_S = 20.0
_END_S = 3.0
_CRASH_S = 1.0
_LOOK_S = 0.02
_PICTURE_PX = 960
_QUALITIES = (70, 50, 30, 15)


class Browser:
    """A browser that shows one page. `news` is called when something happens to it.

    `headless` is width and height of a screen that is not there.
    """

    def __init__(
        self, news: Callable[[], None], *, headless: tuple[int, int] | None = None
    ) -> None:
        self._news = news
        self._headless = headless
        self._crash = asyncio.Event()
        self._pipe = Pipe(self._event)
        self._process: Process | None = None
        self._session = ""
        self._profile: Path | None = None
        self.unreachable = False
        """Whether it shows its own page of an error in place of ours."""

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and not self._process.gone.is_set()

    @property
    def crashed(self) -> bool:
        """Whether the process of its page has ended."""
        return self._crash.is_set()

    async def start(self, url: str) -> None:
        """Start it on a page; returns once it can be driven.

        Raises:
            Missing: chromium is not installed.
            Unavailable: it does not come up.
        """
        program, profile = await asyncio.to_thread(_prepare)
        self._profile = profile
        made = flags(
            profile=str(profile),
            wayland="WAYLAND_DISPLAY" in os.environ,
            headless=self._headless,
            root=os.geteuid() == 0,
        )
        home = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), str(profile))
        try:
            self._process = Process([program, *made, url], {**os.environ, **home}, self._news)
        except OSError as error:
            raise Unavailable(f"want {program} to start, got: {error.strerror}") from None
        await self._pipe.open(self._process.reading, self._process.writing)
        try:
            async with asyncio.timeout(_START_S):
                await self._attach()
        except TimeoutError:
            raise Unavailable(f"want a page of the browser within {_START_S:g} s") from None

    async def open(self, url: str) -> None:
        """Show a page in a process of its own: what runs now, hung or not, is ended.

        Raises:
            Unavailable: the browser does not answer.
        """
        self._pipe.tell("Page.crash", self._session)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CRASH_S):
                await self._crash.wait()
        self._crash.clear()
        await self.navigate(url)

    async def navigate(self, url: str) -> None:
        """Show another page; what is shown stays until that has come.

        Raises:
            Unavailable: the browser does not answer, or cannot get it.
        """
        self.unreachable = False
        said = await self._pipe.ask("Page.navigate", self._session, url=url)
        if said.get("errorText"):
            self.unreachable = True
            raise Unavailable(f"want {url[:60]} shown, got: {said['errorText']}")

    async def picture(self, most_bytes: int) -> bytes:
        """What the page shows, as a JPEG that is not larger.

        Raises:
            Unavailable: the browser does not answer, or it cannot be made as small.
        """
        layout = await self._pipe.ask("Page.getLayoutMetrics", self._session)
        seen = layout["cssLayoutViewport"]
        width, height = seen["clientWidth"], seen["clientHeight"]
        scale = min(1.0, _PICTURE_PX / max(1, width))
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
        picture = b""
        for quality in _QUALITIES:
            taken = await self._pipe.ask(
                "Page.captureScreenshot", self._session, format="jpeg", quality=quality, clip=clip
            )
            picture = base64.b64decode(taken["data"])
            if len(picture) <= most_bytes:
                return picture
        raise Unavailable(f"want a picture of at most {most_bytes} bytes, got {len(picture)}")

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401  whatever the page knows
        """What an expression gives in the page; of a promise what it comes to.

        Raises:
            Unavailable: the browser does not answer.
        """
        said = await self._pipe.ask(
            "Runtime.evaluate",
            self._session,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        return said["result"].get("value")

    async def end(self) -> None:
        """End it, and leave nothing behind."""
        try:
            if self._process is not None:
                with contextlib.suppress(Unavailable):
                    self._pipe.tell("Browser.close")
                await self._process.end(_END_S)
                self._pipe.close()
        finally:
            if self._profile is not None:
                await asyncio.to_thread(shutil.rmtree, self._profile, ignore_errors=True)

    async def weight_mib(self) -> float:
        """How much its profile takes."""
        return await asyncio.to_thread(_weight_mib, self._profile)

    async def _attach(self) -> None:
        """Find the page, and hear of what happens to it."""
        while not self._session:
            listed = await self._pipe.ask("Target.getTargets", patience_s=_START_S)
            pages = [t["targetId"] for t in listed["targetInfos"] if t["type"] == "page"]
            if pages:
                made = await self._pipe.ask(
                    "Target.attachToTarget", targetId=pages[0], flatten=True
                )
                self._session = made["sessionId"]
            else:
                await asyncio.sleep(_LOOK_S)
        await self._pipe.ask("Inspector.enable", self._session)
        await self._pipe.ask("Page.enable", self._session)
        tree = await self._pipe.ask("Page.getFrameTree", self._session)
        self.unreachable = "unreachableUrl" in tree["frameTree"]["frame"]

    def _event(self, said: Said) -> None:
        if said.method == "Inspector.targetCrashed":
            self._crash.set()
            self._news()
        elif said.method == "Page.frameNavigated" and "parentId" not in said.params["frame"]:
            self.unreachable = "unreachableUrl" in said.params["frame"]
            self._news()


def _prepare() -> tuple[str, Path]:
    """Where chromium is, and an empty folder: in memory where systemd gives us one.

    Raises:
        Missing: chromium is not installed.
    """
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        raise Missing("want chromium, it is not installed: apt-get install chromium")
    given = os.environ.get("RUNTIME_DIRECTORY")
    if not given:
        return program, Path(tempfile.mkdtemp(prefix="machiai-kiosk-"))
    profile = Path(given) / "profile"
    shutil.rmtree(profile, ignore_errors=True)  # of one that was killed
    profile.mkdir(mode=0o700)
    return program, profile


def _weight_mib(folder: Path | None) -> float:
    if folder is None:
        return 0.0
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # it is at work in there
            total += path.lstat().st_size
    return total / (1 << 20)
