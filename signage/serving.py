"""What the web process and a display's have in common: headers, health, and how they serve."""

import asyncio
import email.utils
import resource
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from broker import service
from broker.clock import Clock
from models.errors import Unavailable
from signage import assets
from signage.feed.responses import Handler, problems, unheard
from signage.mirror import Mirror
from signage.stream import Stream
from signage.wording import drill_words

Step = Callable[[], Coroutine[Any, Any, None]]
"""Something that runs as long as the process."""

WATCH_S = 0.5
"""How often a mirror looks whether the hub is silent."""

_HERE = frozenset({"127.0.0.1", "localhost"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
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


def bare_app(clock: Clock, mirrors: Sequence[Mirror], streams: Sequence[Stream]) -> web.Application:
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


@web.middleware
async def from_here(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A display's Pi serves its own page and programs alone.

    It listens on the loopback, but a browser there could be sent to somebody else's page, whose
    name may lead to the loopback, too: then `Host` is foreign, or the request says whence it is.
    """
    host = urlsplit(f"//{request.host}").hostname
    if host not in _HERE:
        raise web.HTTPForbidden(text=f"want 127.0.0.1, got {request.host[:80]}")
    if request.method not in _READING and _is_foreign(request):
        raise web.HTTPForbidden(text="want it from a page of this display")
    return await handler(request)


def _is_foreign(request: web.Request) -> bool:
    """Whether a browser says that another page sent this; who says neither is no browser."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site != "same-origin"
    return request.headers.get("Origin") not in {None, f"http://{request.host}"}


def runner_of(app: web.Application) -> web.AppRunner:
    """How both processes serve.

    A request ends with its connection: else one whose sender has gone would be kept for seconds,
    and a flood of such would fill memory.
    """
    return web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_S, handler_cancellation=True)


async def serve(app: web.Application, where: tuple[str, int], steps: Mapping[str, Step]) -> None:
    """Serve the app at a host's port and run the steps beside it, until cancelled.

    Raises:
        Unavailable: the port is taken.
    """
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
        service.notify("READY=1")
        async with asyncio.TaskGroup() as group:
            group.create_task(service.watchdog(), name="watchdog")
            for name, step in steps.items():
                group.create_task(step(), name=name)
    finally:
        await runner.cleanup()


def _allow_readers() -> None:
    """Each reader of a stream is an open file: as many as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def each(seconds: float, step: Callable[[], None]) -> None:
    """Do something again and again, until cancelled."""
    while True:
        step()
        await asyncio.sleep(seconds)
