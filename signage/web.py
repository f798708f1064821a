"""The web process and the display process: what is served, and what keeps it current."""

import asyncio
import email.utils
import resource
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web

from broker.clock import Clock
from broker.service import state_folder
from broker.session import Address, Session
from models.calendar import Calendar
from models.errors import Unavailable
from models.site import Site
from models.world.office import live
from signage import assets
from signage.accuracy import AccuracyPage
from signage.api import Api, problem, problems
from signage.cache import Cache
from signage.demo import DemoPage, Truth
from signage.display import Lobby
from signage.history import Days, keep
from signage.mirror import Mirror
from signage.outlook import OutlookPage
from signage.page import Page
from signage.stream import Stream

STREAM = web.AppKey("stream", Stream)
DEMO = web.AppKey("demo", DemoPage)

Step = Callable[[], Coroutine[Any, Any, None]]
"""Something that runs as long as the process."""

_WATCH_S = 0.5
_CLOSE_S = 2.0
_BACKLOG = 1024  # after a cut all readers come back at once
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def web_app(
    site: Site, mirror: Mirror, clock: Clock, *, demo: bool = False, days: Days | None = None
) -> web.Application:
    """The public pages and the feed. Reads its files here: call it outside a running loop."""
    app, cache = _app(mirror, clock)
    page = Page(site, mirror, cache)
    app.router.add_get("/", page.page)
    app.router.add_get("/part", page.part)
    app.router.add_get("/text", page.text)
    app.router.add_get("/accuracy", AccuracyPage(site, mirror, page).page)
    app.router.add_get("/outlook", OutlookPage(site, mirror, page).page)
    Api(site, mirror, cache, app[STREAM], days).add_to(app)
    for display in site.displays:
        lobby = Lobby(site, display, mirror, cache, f"/lobby/{display.id}/part")
        app.router.add_get(f"/lobby/{display.id}", lobby.page)
        app.router.add_get(f"/lobby/{display.id}/part", lobby.part)
    if demo:
        app[DEMO] = DemoPage(site, mirror, cache, page)
        app.router.add_get("/demo", app[DEMO].page)
        app.router.add_get("/demo/part", app[DEMO].part)
    return app


def display_app(site: Site, display_id: str, mirror: Mirror, clock: Clock) -> web.Application:
    """The lobby page at `/`, for the browser on the same Pi. Reads its files here, as `web_app`.

    Raises:
        BadSite: no such display.
    """
    app, cache = _app(mirror, clock)
    lobby = Lobby(site, site.display(display_id), mirror, cache, "/part")
    app.router.add_get("/", lobby.page)
    app.router.add_get("/part", lobby.part)
    return app


async def serve_web(
    site: Site,
    clock: Clock,
    address: Address,
    *,
    host: str,
    port: int,
    demo_seed: int | None = None,
) -> None:
    """Serve the public pages until cancelled.

    Raises:
        Unavailable: the port is taken.
    """
    mirror = Mirror(site, clock)
    demo = demo_seed is not None
    async with _days(site, clock, demo=demo) as days:
        app = await asyncio.to_thread(web_app, site, mirror, clock, demo=demo, days=days)
        steps: dict[str, Step] = {}
        if days is not None:
            steps["history"] = partial(keep, days, mirror)
        if demo_seed is not None:
            steps["truth"] = partial(_note_truth, app[DEMO], mirror, demo_seed)
        await _serve(app, mirror, address, "web", (host, port), steps)


@asynccontextmanager
async def _days(site: Site, clock: Clock, *, demo: bool) -> AsyncIterator[Days | None]:
    """Where history is kept: the demo's goes with it, and what else is made up leaves none."""
    if not clock.is_simulated:
        yield Days(state_folder("web", None) / "history", site)
    elif demo:
        folder = await asyncio.to_thread(TemporaryDirectory, prefix="machiai-demo-")
        try:
            yield Days(Path(folder.name), site)
        finally:
            await asyncio.to_thread(folder.cleanup)
    else:
        yield None


async def serve_display(
    site: Site,
    display_id: str,
    clock: Clock,
    address: Address,
    *,
    host: str = "127.0.0.1",
    port: int,
) -> None:
    """Serve one display's page until cancelled.

    Raises:
        BadSite: no such display.
        Unavailable: the port is taken.
    """
    mirror = Mirror(site, clock)
    app = await asyncio.to_thread(display_app, site, display_id, mirror, clock)
    await _serve(app, mirror, address, display_id, (host, port), {})


def _app(mirror: Mirror, clock: Clock) -> tuple[web.Application, Cache]:
    """What both processes serve: files, the stream, health, and the same headers everywhere."""
    assets.environment()
    assets.static_files()
    app = web.Application(middlewares=[problems])
    cache = Cache(mirror)
    stream = app[STREAM] = Stream(mirror, cache)

    async def sign(request: web.Request, response: web.StreamResponse) -> None:
        _ = request
        response.headers.update(_HEADERS)
        response.headers["Date"] = email.utils.format_datetime(clock.now(), usegmt=True)
        response.headers["Server"] = "machiai"

    async def healthz(request: web.Request) -> web.Response:
        _ = request
        if mirror.hub_gone:
            return problem(503, "The hub cannot be heard.", 5)
        return web.json_response({"status": "ok", "version": mirror.version})

    async def pump(app: web.Application) -> None:
        app[STREAM].start()

    async def close(app: web.Application) -> None:
        await app[STREAM].close()

    app.on_response_prepare.append(sign)
    app.on_startup.append(pump)
    app.on_shutdown.append(close)
    app.router.add_get("/stream", stream.handle)
    app.router.add_get("/static/{name}", assets.serve)
    app.router.add_get("/healthz", healthz)
    return app, cache


def runner_of(app: web.Application) -> web.AppRunner:
    """How both processes serve.

    A request ends with its connection: else one whose sender has gone would be kept for seconds,
    and a flood of such would fill memory.
    """
    return web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_S, handler_cancellation=True)


async def _serve(  # noqa: PLR0917
    app: web.Application,
    mirror: Mirror,
    address: Address,
    who: str,
    where: tuple[str, int],
    steps: dict[str, Step],
) -> None:
    """Serve the app and run the steps beside it, until cancelled."""
    session = Session(
        address,
        who,
        subscriptions=mirror.subscriptions,
        on_message=mirror.apply,
        on_connection=mirror.connection,
    )
    steps = {"mqtt": session.run, "watch": partial(_each, _WATCH_S, mirror.watch), **steps}
    runner = runner_of(app)
    await runner.setup()
    _allow_readers()
    host, port = where
    try:
        try:
            await web.TCPSite(runner, host, port, backlog=_BACKLOG).start()
        except OSError as error:
            why = error.strerror or str(error)
            raise Unavailable(f"want to serve at {host}:{port}, got: {why}") from None
        async with asyncio.TaskGroup() as group:
            for name, step in steps.items():
                group.create_task(step(), name=name)
    finally:
        await runner.cleanup()


def _allow_readers() -> None:
    """Each reader of a stream is an open file: as many as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _each(seconds: float, step: Callable[[], None]) -> None:
    while True:
        step()
        await asyncio.sleep(seconds)


async def _note_truth(page: DemoPage, mirror: Mirror, seed: int) -> None:
    """Live each day of the demo's office beside the mirror."""
    calendar = Calendar(mirror.site)
    today: date | None = None
    version = -1
    while True:
        now = mirror.clock.now()
        if calendar.day_of(now) != today:
            today = calendar.day_of(now)
            made = await asyncio.to_thread(live, mirror.site, today, seed)
            page.truth = Truth(mirror, made, since=now)
        if page.truth is not None:
            page.truth.tick(now)
        try:
            async with asyncio.timeout(_WATCH_S):
                version = await mirror.changed(version)
        except TimeoutError:
            continue
