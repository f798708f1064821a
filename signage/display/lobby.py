"""The lobby page of one display, as large as its farthest reader needs it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from aiohttp import web

from models.site import Display, Site
from signage.assets import environment
from signage.cache import Cache
from signage.display.layout import layout_of
from signage.display.station import Part, Station
from signage.feed.responses import Handler
from signage.mirror import Mirror
from signage.pages.page import html
from signage.painter import Painter
from signage.qr import qr
from signage.wording import Words


class Lobby:
    """The page of one display and the part of it that changes."""

    def __init__(  # noqa: PLR0917
        self,
        site: Site,
        display: Display,
        mirror: Mirror,
        cache: Cache,
        here: str = "",
        root: str = "",
    ) -> None:
        """Take where it is served: a browser on the display's Pi and a preview differ.

        Raises:
            BadSite: its text would be too small for its farthest reader.
        """
        self._root = root
        self._here = here
        self._layout = layout_of(display, f"$.displays[{site.displays.index(display)}]")
        self._site = site
        self._display = display
        self._mirror = mirror
        self._cache = cache
        self._languages: Sequence[str] = display.languages or ("ja",)
        self._words: dict[str, Words] = {
            code: Words(code, site.zone_info) for code in self._languages
        }
        self._painters = {code: Painter(site, words) for code, words in self._words.items()}
        self._qr = qr(site.site.url) if site.site.url else None

    def routes(self) -> Mapping[str, Handler]:
        """Who answers at each path below the root."""
        here = self._here
        return {
            here or "/": self.page,
            f"{here}/part": self.part,
            f"{here}/layout.css": self.sizes,
        }

    async def page(self, request: web.Request) -> web.Response:
        """The whole page."""
        return self._response("display.html", request)

    async def part(self, request: web.Request) -> web.Response:
        """What changes in it."""
        return self._response("display_part.html", request)

    async def sizes(self, request: web.Request) -> web.Response:
        """How large everything is."""
        _ = request
        css, headers = self._layout.style, {"Cache-Control": "no-cache"}
        return web.Response(text=css, content_type="text/css", headers=headers)

    def _response(self, template: str, request: web.Request) -> web.Response:
        asked = request.query.get("lang", "")
        first = asked if asked in self._words else self._languages[0]
        rendered = self._cache(
            (template, self._display.id, first), lambda now: self._render(template, first, now)
        )
        return html(rendered.body, self._mirror)

    def _render(self, template: str, first: str, now: datetime) -> tuple[bytes, datetime]:
        boards = {
            code: painter.board(
                self._mirror,
                now,
                services=self._display.services,
                lots=self._display.lots,
                zones=self._display.zones,
            )
            for code, painter in self._painters.items()
        }
        made = (
            environment()
            .get_template(template)
            .render(
                board=boards[first],
                words=self._words[first],
                seconds=[
                    (boards[code], self._words[code]) for code in self._languages if code != first
                ],
                speed=f"{self._mirror.clock.speed:g}",
                root=self._root,
                layout=self._layout,
                touch=self._display.touch and not self._here,
                low=self._display.low,
                sizes=f"{self._root}{self._here}/layout.css",
                part=f"{self._root}{self._here}/part?lang={first}",
                zone=self._site.site.timezone,
                clock=now.astimezone(self._site.zone_info).strftime("%H:%M"),
                qr=self._qr,
                **self._more(now),
            )
        )
        return made.encode(), boards[first].good_until

    def _more(self, now: datetime) -> dict[str, object]:
        """What a page of another kind tells besides."""
        _ = now
        return {}


class Board(Part):
    """The board as a part of a display, at `/`."""

    def __init__(self, station: Station) -> None:
        self._lobby = Lobby(station.site, station.display, station.mirror, station.cache)

    def routes(self) -> Mapping[str, Handler]:
        """The page and what changes in it."""
        return self._lobby.routes()
