"""What a display's Pi serves to the browser on it, and what keeps it current."""

import asyncio
from functools import partial
from pathlib import Path

from aiohttp import web

from broker.clock import Clock
from broker.session import Address
from models.site import Site
from signage.display.alone import Alone, Unheard
from signage.display.calls import Calls
from signage.display.content import Content
from signage.display.emergency import Emergencies
from signage.display.guide import Guided
from signage.display.kept import Kept
from signage.display.link import Link
from signage.display.lobby import Board
from signage.display.panel import Panel
from signage.display.proof import Proof
from signage.display.station import Part, Station
from signage.display.switch import Switch
from signage.display.truth import Truth
from signage.feed.documents import Documents
from signage.mirror import Mirror
from signage.serving import WATCH_S, Step, bare_app, each, from_here, serve


def parts_of(station: Station) -> list[Part]:
    """All that a display does: a new part is one line here. Reads their files."""
    emergencies = Emergencies(station)
    proof = Proof(station)
    return [
        Alone(station) if station.alone else Board(station),
        emergencies,
        Switch(station, emergencies.switched),
        Calls(station),
        Content(station),
        Guided(station),
        proof,
        Kept(station, proof),
        Panel(station),
        Truth(station),
    ]


def display_app(station: Station, parts: list[Part]) -> web.Application:
    """All that the browser on the same Pi asks for. Reads its files: call it outside a loop."""
    stream = Documents(station.mirror, station.cache).stream
    app = bare_app(station.clock, [station.mirror], [stream])
    app.middlewares.append(from_here)
    app.router.add_get("/stream", stream.handle)
    for part in parts:
        for path, handler in part.routes().items():
            app.router.add_get(path, handler)
        for path, handler in part.posts().items():
            app.router.add_post(path, handler)
    return app


async def serve_display(  # noqa: PLR0917
    site: Site,
    display_id: str,
    clock: Clock,
    address: Address | None,
    folder: Path,
    port: int,
    *,
    content: Path | None = None,
    sticks: Path | None = None,
) -> None:
    """Serve one display on 127.0.0.1 until cancelled; without an address it stands alone.

    Its playlist lies in `content`, or on a stick that appears below `sticks`.

    Raises:
        BadSite: no such display.
        SensorFailed: its folder cannot be written.
        Unavailable: the port is taken.
    """
    mirror = Mirror(site, clock) if address else Unheard(site, clock)
    display = site.display(display_id)
    station = Station(
        site, display, mirror, folder, content=content, sticks=sticks, alone=address is None
    )
    parts = await asyncio.to_thread(parts_of, station)
    app = await asyncio.to_thread(display_app, station, parts)
    steps: dict[str, Step] = {"watch": partial(each, WATCH_S, station.mirror.watch)}
    if address is not None:
        link = await asyncio.to_thread(Link, station, address)
        steps["mqtt"] = link.run
    for part in parts:
        steps |= part.steps()
    await serve(app, ("127.0.0.1", port), steps)
