"""A city of two offices, each with a hub that says what it likes."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from aiohttp import web

from models.contract.results import Free, LotResult, ServiceResult
from models.site import Site, parse
from signage.city import City
from signage.web import city_app
from tests.signage.office import EXAMPLE, HandClock, Hub

KITA = EXAMPLE.with_name("kita.toml")


def sites() -> list[Site]:
    """The example's city: minami, which is busy, and kita, where it is quiet."""
    return [parse(path.read_text("utf-8"), path.name) for path in (EXAMPLE, KITA)]


class Town:
    """All offices of a city by one clock, and the web process's view of them."""

    def __init__(self, of: list[Site] | None = None, speed: float = 1.0) -> None:
        self.clock = HandClock(speed=speed)
        self.hubs = [Hub(site, self.clock) for site in of or sites()]
        self.city = City([hub.mirror for hub in self.hubs])

    @property
    def minami(self) -> Hub:
        return self.hubs[0]

    @property
    def kita(self) -> Hub:
        return self.hubs[1]

    def busy(self) -> None:
        """A morning on which the way to kita is worth it for one thing."""
        self.minami.busy()
        self.kita.ready()
        self.kita.service("certificates", 1, 1, (1, 3, 5))
        self.kita.service("moving", 1, 3, (7, 12, 19))
        self.kita.service("mynumber", 2, 4, (18, 24, 33))
        free = Free(p10=1, p50=2, p90=3)
        self.kita.say(
            "lot/north",
            LotResult(
                **self.kita.times(), state="open", vacancy="few", free=free, capacity=18,
                basis="gates",
            ),
        )  # fmt: skip
        self.settle()

    def closed(self, hub: Hub) -> None:
        """An office shuts for the day."""
        until = self.clock.now().replace(hour=23, minute=30)
        times: dict[str, Any] = {"at": self.clock.now(), "valid_until": until, "opens_at": until}
        for service in hub.site.services:
            hub.say(f"service/{service.id}", ServiceResult(**times, state="closed"))
        self.settle()

    def settle(self) -> None:
        """As much time as the city's page takes to notice, in the process alone."""
        self.clock.seconds += 10 * self.clock.speed
        self.city.watch()


class ServedTown:
    """Its web process over HTTP, in a loop of its own as browsers are in theirs."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="served")
        self._thread.start()
        self._runner = web.AppRunner(city_app(town.city, {}), shutdown_timeout=1)
        self.base = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)

    async def _start(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def do(self, step: Callable[[], object]) -> None:
        """Run a step in the server's loop, where the session's callbacks run."""
        done: Future[object] = Future()
        self._loop.call_soon_threadsafe(lambda: done.set_result(step()))
        done.result(10)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
