"""Web processes that have every page there is: an office's, with notices and demo, and a city's."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from models.site import Site
from signage.feed import feed
from signage.feed.history import Days
from signage.notify.inbox import Inbox
from signage.notify.notices import Notices, Wish
from signage.notify.store import Store
from signage.web import city_app, web_app
from tests.signage import test_accuracy
from tests.signage.office import HandClock, Hub, Served
from tests.signage.town import ServedTown, Town

STATES = (
    "busy",
    "full",
    "crowded",
    "ageing",
    "stale",
    "closed",
    "no_data",
    "paused",
    "hub_gone",
    "emergency",
)
LINE = tuple(f"A{n}" for n in range(124, 136))
_SILENT = ("closed", "no_data")
_TICKETS = ("/ticket?number=A127", "/ticket?number=A123", "/ticket?number=Z999")
_EXAMPLES = {
    "/privacy/cameras/{device}/poster": ["/privacy/cameras/cam-lobby/poster"],
    "/notify/{service}/{number}": ["/notify/moving/A127"],
    "/notify/confirm/{token}": ["/notify/confirm/gone"],
    "/notify/stop/{token}": ["/notify/stop/gone"],
    "/for/{service}": ["/for/moving"],
    "/guide/{purpose}": ["/guide/moving-out", "/guide/tax-return", "/guide/toilet"],
}
# A city's offices have an office's pages.
_NO_PAGES = ("/api/", "/static/", "/voice/", "/content/", "/minami", "/kita")


class House:
    """One process, and where its pages are."""

    def __init__(
        self, name: str, app: web.Application, base: str, more: Iterable[str] = ()
    ) -> None:
        """Take addresses that the router does not tell."""
        self.name, self._app, self.base, self._more = name, app, base, list(more)
        self.tokens: list[str] = []

    @property
    def unknown(self) -> list[str]:
        """Addresses with a pattern of which we have no example: a page may hide there."""
        return [path for path in self._addresses("{") if path not in _EXAMPLES]

    def pages(self) -> list[str]:
        """Where a whole page is served: every address is asked."""
        asked = [*self._addresses(""), *self._more]
        for pattern in self._addresses("{"):
            asked += _EXAMPLES.get(pattern, [])
            asked += [pattern.format(token=token) for token in self.tokens if "{token}" in pattern]
        return sorted({path for path in asked if "{" not in path and self._is_page(path)})

    def _addresses(self, sign: str) -> list[str]:
        """All that answer GET and have the sign in them."""
        return [
            one.canonical
            for one in self._app.router.resources()
            if sign in one.canonical
            and not one.canonical.startswith(_NO_PAGES)
            and not one.canonical.endswith("/part")
            and any(route.method == "GET" for route in one)
        ]

    def _is_page(self, path: str) -> bool:
        """Whether HTML comes, and more than a part of a page; a stream ends as we leave."""
        try:
            with urllib.request.urlopen(self.base + path, timeout=10) as answer:
                is_html = answer.headers.get_content_type() == "text/html"
                return is_html and bool(answer.read(15).lower() == b"<!doctype html>")
        except urllib.error.HTTPError:
            return False


@contextmanager
def office(site: Site, folder: Path, state: str) -> Iterator[list[House]]:
    """The example in a state: its web process, and the one on a display."""
    hub = Hub(site, HandClock())
    served = Served(hub)
    store = Store(folder / f"{state}.sqlite")
    notices = Notices(site, hub.mirror, store, {"mail": Inbox()}, "http://127.0.0.1")
    days = Days(folder / state, site)
    app = web_app(site, hub.mirror, hub.clock, demo=True, days=days, notices=notices)
    made = House("office", app, served._start(app), _TICKETS)
    shown = served.lobby
    display = House("display", shown, served.display)
    loop = served._loop
    running = asyncio.run_coroutine_threadsafe(notices.run(), loop)
    try:
        if state not in _SILENT:
            served.do(hub.ready)
            served.do(lambda: hub.line("moving", *LINE))
            served.do(lambda: test_accuracy.say(hub))
        asyncio.run_coroutine_threadsafe(notices.opened(), loop).result(10)
        wish = Wish(
            way="mail",
            address="hanako@example.jp",
            service="moving",
            number=LINE[-1],
            language="ja",
            walk_s=300.0,
        )
        asked = asyncio.run_coroutine_threadsafe(notices.ask(wish, None), loop).result(10)
        if asked.holder is not None:
            made.tokens.append(asked.holder.token)
        served.do(getattr(hub, state))
        days.note(feed.document(hub.mirror, hub.clock.now()))
        yield [made, display]
    finally:
        running.cancel()
        served.close()
        store.close()


@contextmanager
def city(state: str) -> Iterator[House]:
    """A city of two offices, the first of them in a state."""
    town = Town()
    served = ServedTown(town)
    made = House("city", city_app(town.city, {}), served.base, ["/?sort=name", "/minami/"])
    try:
        served.do(town.busy)
        if state != "busy":
            served.do(getattr(town.minami, state))
            served.do(town.settle)
        yield made
    finally:
        served.close()
