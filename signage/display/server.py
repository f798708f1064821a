"""What a display's Pi serves to the browser on it, and what keeps it current."""

import asyncio
from functools import partial
from pathlib import Path

from aiohttp import web

from broker import service
from broker.clock import Clock
from broker.session import Address
from models.site import Site
from signage.display.link import Link
from signage.display.lobby import Board
from signage.display.station import Part, Station
from signage.feed.documents import Documents
from signage.mirror import Mirror
from signage.serving import WATCH_S, Step, bare_app, each, serve


def parts_of(station: Station) -> list[Part]:
    """All that a display does: a new part is one line here. Reads their files."""
    return [
        Board(station),
    ]


def display_app(station: Station, parts: list[Part]) -> web.Application:
    """All that the browser on the same Pi asks for. Reads its files: call it outside a loop."""
    stream = Documents(station.mirror, station.cache).stream
    app = bare_app(station.clock, [station.mirror], [stream])
    app.router.add_get("/stream", stream.handle)
    for part in parts:
        for path, handler in part.routes().items():
            app.router.add_get(path, handler)
        for path, handler in part.posts().items():
            app.router.add_post(path, handler)
    return app


async def serve_display(  # noqa: PLR0917
    site: Site, display_id: str, clock: Clock, address: Address, folder: Path, port: int
) -> None:
    """Serve one display on 127.0.0.1 until cancelled.

    Raises:
        BadSite: no such display.
        SensorFailed: its folder cannot be written.
        Unavailable: the port is taken.
    """
    station = Station(site, site.display(display_id), Mirror(site, clock), folder)
    link = await asyncio.to_thread(Link, station, address)
    parts = await asyncio.to_thread(parts_of, station)
    app = await asyncio.to_thread(display_app, station, parts)
    steps: dict[str, Step] = {
        "mqtt": link.run,
        "watch": partial(each, WATCH_S, station.mirror.watch),
        "watchdog": service.watchdog,
        "goodbye": partial(service.until_cancelled, link.goodbye),
    }
    for part in parts:
        steps |= part.steps()
    service.notify("READY=1")
    await serve(app, ("127.0.0.1", port), steps)
