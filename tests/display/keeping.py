"""A keeper of a browser in a test's own loop, and what there is to see of it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from models.errors import Unavailable
from models.site import Display, Site
from signage.kiosk.browser import Browser
from signage.kiosk.keeper import Keeper
from tests.signage.office import Served

PATIENCE_S = 40.0


class Screen:
    """What stands on the screen, as the browser itself tells."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper

    @property
    def browser(self) -> Browser:
        return self.keeper._browser

    @property
    def pid(self) -> int:
        process = self.browser._process
        assert process is not None, "no browser was started"
        return process.pid

    @property
    def profile(self) -> Path:
        profile = self.browser._profile
        assert profile is not None, "no browser was started"
        return profile

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def tell(self, method: str, **params: object) -> None:
        """Do something to the page that it does not answer."""
        self.browser._pipe.tell(method, self.browser._session, **params)

    def run(self, script: str) -> None:
        """Have the page do something, and do not wait for it."""
        self.tell("Runtime.evaluate", expression=f"setTimeout(() => {{ {script} }}, 0)")

    async def see(self, expression: str) -> Any:  # noqa: ANN401
        """What the page knows; None while there is none."""
        try:
            return await self.browser.evaluate(expression)
        except Unavailable:
            return None

    async def loaded(self) -> float:
        """When the page that is there now began, in milliseconds since 1970; 0 without one."""
        ours = "location.pathname === '/' && 'ready' in document.documentElement.dataset"
        return float(await self.see(f"{ours} ? performance.timeOrigin : 0") or 0)

    async def is_painted(self) -> bool:
        """Whether our page is on the screen."""
        paints = "performance.getEntriesByName('first-contentful-paint').length"
        return bool(await self.loaded() and await self.see(paints))


async def until(
    true: Callable[[], Coroutine[Any, Any, object]] | Callable[[], object],
    timeout_s: float = PATIENCE_S,
) -> float:
    """Wait until something holds; gives how long that took, in seconds."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    async with asyncio.timeout(timeout_s):
        while True:
            found = true()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return loop.time() - began_s
            await asyncio.sleep(0.02)


@asynccontextmanager
async def kept(
    site: Site, display: Display, port: int, *, painted: bool = True
) -> AsyncIterator[Screen]:
    """A browser that is kept on the page at a port while the test runs."""
    keeper = Keeper(site, display, port, headless=True)
    task = asyncio.create_task(keeper.run(), name="keeper")
    screen = Screen(keeper)
    try:
        if painted:
            await until(screen.is_painted)
        yield screen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def keeping(served: Served, *, painted: bool = True) -> AsyncIterator[Screen]:
    """The same of a display that is served in this process."""
    port = urlsplit(served.display).port or 0
    async with kept(served.hub.site, served.station.display, port, painted=painted) as screen:
        yield screen
