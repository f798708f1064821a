"""The web process: what is served, and what keeps it current."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from aiohttp import web

from broker.acl import WEB
from broker.clock import Clock
from broker.session import Address, Session
from models.site import Site
from signage.city import City
from signage.feed.api import Api
from signage.feed.history import Days, keep, kept
from signage.mirror import Mirror
from signage.notify.notices import Notices
from signage.notify.opening import looked_after
from signage.notify.pages import NotifyPages
from signage.office import Office
from signage.pages.city_page import CityPage
from signage.pages.demo import DemoPage, note
from signage.serving import WATCH_S, Step, bare_app, each, serve
from signage.staff.house import House
from signage.staff.opening import staffed

DEMO = web.AppKey("demo", DemoPage)


def web_app(
    site: Site,
    mirror: Mirror,
    clock: Clock,
    *,
    demo: bool = False,
    days: Days | None = None,
    notices: Notices | None = None,
    house: House | None = None,
) -> web.Application:
    """The public pages and the feed of one office. Reads its files: call it outside a loop."""
    office = Office(mirror, days=days)
    app = bare_app(clock, [mirror], [office.documents.stream])
    office.add_to(app)
    Api([office.documents]).add_to(app)
    if notices is not None:
        NotifyPages(notices, mirror, office.page).add_to(app)
    if house is not None:
        house.add_to(app)
    if demo:
        app[DEMO] = DemoPage(site, mirror, office.cache, office.page)
        app.router.add_get("/demo", app[DEMO].page)
        app.router.add_get("/demo/part", app[DEMO].part)
    return app


def city_app(
    city: City,
    days: Mapping[str, Days],
    notices: Mapping[str, Notices] = MappingProxyType({}),
    houses: Iterable[House] = (),
) -> web.Application:
    """The same of several offices, each below its id, and their city's page. As `web_app`."""
    offices = [
        Office(m, f"/{m.site.id}", days.get(m.site.id), [o for o in city.mirrors if o is not m])
        for m in city.mirrors
    ]
    front = CityPage(city)
    streams = [front.stream, *(office.documents.stream for office in offices)]
    app = bare_app(city.clock, city.mirrors, streams)
    for path, handler in front.pages().items():
        app.router.add_get(path, handler)
    for office in offices:
        office.add_to(app)
        if office.site.id in notices:
            told = notices[office.site.id]
            NotifyPages(told, office.mirror, office.page, office.root).add_to(app)
    for house in houses:
        house.add_to(app)
    Api([office.documents for office in offices]).add_to(app)
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
        staffed(mirrors, clock, address) as staff,
    ):
        houses = {name: one.house for name, one in staff.items()}
        if isinstance(heard, City):
            make = partial(city_app, heard, days, notices, list(houses.values()))
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
                house=houses.get(own),
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
        for one in staff.values():
            steps |= one.steps()
        steps["watch"] = partial(each, WATCH_S, heard.watch)
        others = [mirror for mirror in mirrors if mirror.site.id not in staff]
        if others:
            steps["mqtt"] = _public(others, heard, address).run
        await serve(app, (host, port), steps)


def _public(mirrors: Sequence[Mirror], heard: Mirror | City, address: Address) -> Session:
    """One connection for all offices that have no staff's pages: those have their own."""

    def connection(up: bool) -> None:  # noqa: FBT001  the session's callback
        for mirror in mirrors:
            mirror.connection(up)

    return Session(
        address,
        WEB,
        subscriptions=[topic for mirror in mirrors for topic in mirror.subscriptions],
        on_message=heard.apply,
        on_connection=connection,
    )
