"""The web process and the display process: what is served, and what keeps it current."""

import asyncio
import email.utils
import resource
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from aiohttp import web

from broker.clock import Clock
from broker.session import Address, Session
from models.errors import Unavailable
from models.site import Site
from signage import assets
from signage.cache import Cache
from signage.city import City
from signage.feed.api import Api
from signage.feed.documents import Documents
from signage.feed.history import Days, keep, kept
from signage.feed.responses import problems, unheard
from signage.mirror import Mirror
from signage.notify.notices import Notices
from signage.notify.opening import looked_after
from signage.notify.pages import NotifyPages
from signage.office import Office
from signage.pages.city_page import CityPage
from signage.pages.demo import DemoPage, note
from signage.pages.display import Lobby
from signage.stream import Stream
from signage.wording import drill_words

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
    site: Site,
    mirror: Mirror,
    clock: Clock,
    *,
    demo: bool = False,
    days: Days | None = None,
    notices: Notices | None = None,
) -> web.Application:
    """The public pages and the feed of one office. Reads its files: call it outside a loop."""
    office = Office(mirror, days=days)
    app = _app(clock, [mirror], [office.documents.stream])
    office.add_to(app)
    Api([office.documents]).add_to(app)
    if notices is not None:
        NotifyPages(notices, mirror, office.page).add_to(app)
    if demo:
        app[DEMO] = DemoPage(site, mirror, office.cache, office.page)
        app.router.add_get("/demo", app[DEMO].page)
        app.router.add_get("/demo/part", app[DEMO].part)
    return app


def city_app(
    city: City, days: Mapping[str, Days], notices: Mapping[str, Notices] = MappingProxyType({})
) -> web.Application:
    """The same of several offices, each below its id, and their city's page. As `web_app`."""
    offices = [
        Office(m, f"/{m.site.id}", days.get(m.site.id), [o for o in city.mirrors if o is not m])
        for m in city.mirrors
    ]
    front = CityPage(city)
    streams = [front.stream, *(office.documents.stream for office in offices)]
    app = _app(city.clock, city.mirrors, streams)
    for path, handler in front.pages().items():
        app.router.add_get(path, handler)
    for office in offices:
        office.add_to(app)
        if office.site.id in notices:
            told = notices[office.site.id]
            NotifyPages(told, office.mirror, office.page, office.root).add_to(app)
    Api([office.documents for office in offices]).add_to(app)
    return app


def display_app(site: Site, display_id: str, mirror: Mirror, clock: Clock) -> web.Application:
    """The lobby page at `/`, for the browser on the same Pi. Reads its files here, as `web_app`.

    Raises:
        BadSite: no such display.
    """
    display, cache = site.display(display_id), Cache(mirror)
    stream = Documents(mirror, cache).stream
    app = _app(clock, [mirror], [stream])
    lobby = Lobby(site, display, mirror, cache, "/part")
    for path, handler in {"/": lobby.page, "/part": lobby.part, "/stream": stream.handle}.items():
        app.router.add_get(path, handler)
    return app


async def serve_web(
    sites: Sequence[Site],
    clock: Clock,
    address: Address,
    *,
    host: str,
    port: int,
    demo_seed: int | None = None,
) -> None:
    """Serve the public pages of one office, or of several, until cancelled.

    Raises:
        BadSite: the offices cannot be served together.
        Unavailable: the port is taken.
    """
    mirrors = [Mirror(site, clock) for site in sites]
    heard: Mirror | City = mirrors[0] if len(mirrors) == 1 else City(mirrors)
    demo = demo_seed is not None
    shown = f"http://{host}:{port}" if demo else None
    async with (
        kept(sites, clock, demo=demo) as days,
        looked_after(mirrors, clock, demo=shown) as notices,
    ):
        if isinstance(heard, City):
            make = partial(city_app, heard, days, notices)
        else:
            own = heard.site.id
            make = partial(
                web_app,
                heard.site,
                heard,
                clock,
                demo=demo,
                days=days.get(own),
                notices=notices.get(own),
            )
        app = await asyncio.to_thread(make)
        steps: dict[str, Step] = {
            f"history {m.site.id}": partial(keep, days[m.site.id], m)
            for m in mirrors
            if m.site.id in days
        }
        steps |= {f"notices {name}": told.run for name, told in notices.items()}
        if demo_seed is not None:
            steps["truth"] = partial(note, app[DEMO], mirrors[0], demo_seed)
        await _serve(app, heard, address, "web", (host, port), steps)


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


def _app(clock: Clock, mirrors: Sequence[Mirror], streams: Sequence[Stream]) -> web.Application:
    """What all processes serve: files, health, and the same headers everywhere."""
    assets.environment()
    assets.static_files()
    drill_words()
    app = web.Application(middlewares=[problems])

    async def sign(request: web.Request, response: web.StreamResponse) -> None:
        _ = request
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["Date"] = email.utils.format_datetime(clock.now(), usegmt=True)
        response.headers["Server"] = "machiai"

    async def healthz(request: web.Request) -> web.Response:
        _ = request
        lost = [mirror.site.id for mirror in mirrors if mirror.hub_gone]
        if len(lost) == len(mirrors):  # one office without its hub is no reason to end the others
            return unheard()
        version = sum(mirror.version for mirror in mirrors)
        return web.json_response({"status": "ok", "version": version, "lost": lost})

    async def pump(app: web.Application) -> None:
        _ = app
        for stream in streams:
            stream.start()

    async def close(app: web.Application) -> None:
        _ = app
        for stream in streams:
            await stream.close()

    app.on_response_prepare.append(sign)
    app.on_startup.append(pump)
    app.on_shutdown.append(close)
    app.router.add_get("/static/{name}", assets.serve)
    app.router.add_get("/healthz", healthz)
    return app


def runner_of(app: web.Application) -> web.AppRunner:
    """How both processes serve.

    A request ends with its connection: else one whose sender has gone would be kept for seconds,
    and a flood of such would fill memory.
    """
    return web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_S, handler_cancellation=True)


async def _serve(  # noqa: PLR0917
    app: web.Application,
    heard: Mirror | City,
    address: Address,
    who: str,
    where: tuple[str, int],
    steps: dict[str, Step],
) -> None:
    """Serve the app and run the steps beside it, until cancelled."""
    session = Session(
        address,
        who,
        subscriptions=heard.subscriptions,
        on_message=heard.apply,
        on_connection=heard.connection,
    )
    steps = {"mqtt": session.run, "watch": partial(_each, _WATCH_S, heard.watch), **steps}
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
