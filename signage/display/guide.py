"""The guide on a screen that is touched: start, search, and all about one purpose."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from markupsafe import Markup

from models.guide.reach import band_mm, panel_mm
from signage.assets import environment
from signage.display.station import Part, Station
from signage.feed.responses import Handler
from signage.guide.reading import guide_if_there
from signage.guide.telling import PurposeView, Teller
from signage.pages.page import OWN_NAMES, html
from signage.qr import qr
from signage.view import WayView
from signage.wording import Words

START, FIND = "start", "find"
MOST_FOUND = 6
"""Of those that somebody may mean, so many have room above the keyboard."""

_LONGEST = 60
_KANA = (
    "あいうえお", "かきくけこ", "さしすせそ", "たちつてと", "なにぬねの",
    "はひふへほ", "まみむめも", "や　ゆ　よ", "らりるれろ", "わ　を　ん",
)  # fmt: skip
_MARKS = "゛゜ー"
_LATIN = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_IN_KANA = ("ja", "ja-Hira")


class Way(msgspec.Struct, frozen=True):
    """A way not to come, with where it is as a picture for a phone: a screen opens nothing."""

    way: WayView
    qr: Markup | None


class Guided(Part):
    """The guide as a part of a display; of one that is not touched it is nothing. Reads a file."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._site = site = station.site
        guide = guide_if_there(site) if station.display.touch else None
        self._languages: tuple[str, ...] = site.site.languages or ("ja",)
        self._first: str = next(iter(station.display.languages), self._languages[0])
        self._words: dict[str, Words] = {}
        self._tellers: dict[str, Teller] = {}
        if guide is not None:
            self._words = {code: Words(code, site.zone_info) for code in self._languages}
            self._tellers = {code: Teller(site, guide, w) for code, w in self._words.items()}

    def routes(self) -> Mapping[str, Handler]:
        """The guide's parts, and how large it is on this panel."""
        if not self._tellers:
            return {}
        return {
            "/guide/part": self.part,
            "/guide/found": self.found,
            "/guide/sizes.css": self.sizes,
        }

    async def part(self, request: web.Request) -> web.Response:
        """What the screen shows: `view` is the start, the search or a purpose."""
        language = self._language(request)
        view = request.query.get("view", START)
        if view not in {START, FIND} and not self._tellers[language].knows(view):
            raise web.HTTPNotFound(text=f"want a purpose of the guide, got {view[:40]!r}")
        step_free = request.query.get("steps") == "no"
        kana = request.query.get("keys", "") or ("kana" if language in _IN_KANA else "latin")

        def render(now: datetime) -> tuple[bytes, datetime]:
            return self._render(language, view, kana, now, step_free=step_free)

        key = ("guide", language, view, step_free, kana == "kana")
        return html(self._station.cache(key, render).body, self._station.mirror)

    async def found(self, request: web.Request) -> web.Response:
        """What fits the letters that somebody typed; they are kept nowhere."""
        language = self._language(request)
        typed = request.query.get("typed", "")[:_LONGEST]
        tiles = self._tellers[language].found(typed)[:MOST_FOUND]
        context = {"words": self._words[language], "typed": typed.strip(), "tiles": tiles}
        body = environment().get_template("guide_found.html").render(context)
        return html(body.encode(), self._station.mirror)

    async def sizes(self, request: web.Request) -> web.Response:
        """How many millimetres the glass has, and where on it one reaches from a wheelchair."""
        _ = request
        (wide, high), (low, top) = panel_mm(self._station.display), band_mm(self._station.display)
        css = (
            f":root {{ --wide-mm: {wide:.1f}; --high-mm: {high:.1f};"
            f" --below-mm: {low:.1f}; --band-mm: {top - low:.1f}; }}\n"
        )
        headers = {"Cache-Control": "no-cache"}
        return web.Response(text=css, content_type="text/css", headers=headers)

    def _language(self, request: web.Request) -> str:
        asked = request.query.get("lang", "")
        return asked if asked in self._tellers else self._first

    def _render(
        self, language: str, view: str, keys: str, now: datetime, *, step_free: bool
    ) -> tuple[bytes, datetime]:
        words, teller = self._words[language], self._tellers[language]
        context = {
            "words": words,
            "view": view,
            "site": words.name(self._site.site.name),
            "languages": [(code, OWN_NAMES[code]) for code in self._languages],
        }
        until = now + timedelta(hours=1)
        if view == START:
            context["shelves"] = teller.shelves()
        elif view == FIND:
            context |= {
                "keys": _KANA if keys == "kana" else _LATIN,
                "marks": _MARKS if keys == "kana" else "",
                "is_kana": keys == "kana",
                "typed": "",
                "tiles": (),
            }
        else:
            told = teller.purpose(
                view,
                self._station.mirror,
                now,
                start=self._station.display.place,
                step_free=step_free,
            )
            context |= self._told(told, language)
            until = told.good_until
        template = environment().get_template("guide_screen.html")
        return template.render(context).encode(), until

    def _told(self, told: PurposeView, language: str) -> dict[str, object]:
        """A purpose, and what a phone can take along of it."""
        place = self._station.display.place
        asked = urlencode(({"from": place} if place else {}) | {"lang": language})
        url = self._site.site.url
        return {
            "told": told,
            "ways": [Way(way, qr(way.url) if way.url else None) for way in told.ways],
            "take": qr(f"{url.rstrip('/')}/guide/{told.id}?{asked}") if url else None,
        }
