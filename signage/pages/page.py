"""The resident's page: complete as HTML; what JavaScript adds is only that it stays current."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from models.contract.codec import stamp
from models.site import Site
from signage.assets import environment
from signage.cache import Cache, Source
from signage.feed.exports.schema_org import json_ld
from signage.mirror import Mirror
from signage.packed import Stamped
from signage.painter import Painter
from signage.spoken import preferred
from signage.stream import milliseconds
from signage.view import Board
from signage.wording import SHAPES, Words

_LONGEST = timedelta(hours=1)

OWN_NAMES = {
    "ja": "日本語",
    "ja-Hira": "やさしい日本語",
    "en": "English",
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
    "ko": "한국어",
    "vi": "Tiếng Việt",
    "pt-BR": "Português",
    "tl": "Filipino",
}


class Page:
    """Pages and their parts of one site, in each language."""

    def __init__(
        self,
        site: Site,
        mirror: Mirror,
        cache: Cache,
        root: str = "",
        others: Sequence[Mirror] = (),
    ) -> None:
        """Take where the pages of this site begin, `/minami`, and the other offices of a city."""
        self._root = root
        self.notify: tuple[str, ...] = ()  # the ways in which a holder of a ticket can be told
        self.has_guide = False  # whether there is a guide to lead to
        self._site = site
        self._mirror = mirror
        self._cache = cache
        self._languages: Sequence[str] = site.site.languages or ("ja",)
        self._words: dict[str, Words] = {
            code: Words(code, site.zone_info) for code in self._languages
        }
        self._painters = {code: Painter(site, words, others) for code, words in self._words.items()}

    def language(self, request: web.Request) -> str:
        """The language asked for, else the one that the browser would like best."""
        asked = request.query.get("lang", "")
        if asked in self._words:
            return asked
        return preferred(request.headers.get("Accept-Language", ""), self._languages)

    def board(self, language: str, now: datetime) -> Board:
        """What the site shows now."""
        return self._painters[language].board(self._mirror, now)

    def painter(self, language: str) -> Painter:
        """Who makes boards in a language."""
        return self._painters[language]

    def words(self, language: str) -> Words:
        """The texts of a language."""
        return self._words[language]

    async def page(self, request: web.Request) -> web.Response:
        """`/`: the whole page."""
        return self._response("page.html", request)

    async def part(self, request: web.Request) -> web.Response:
        """`/part`: what changes in it."""
        return self._response("page_part.html", request)

    async def text(self, request: web.Request) -> web.Response:
        """`/text`: the same in plain lines."""
        return self._response("text.html", request)

    def frame(self, language: str, now: datetime, part: str) -> dict[str, Any]:
        """What the frame of every page is given; it costs little."""
        return {
            "words": self._words[language],
            "now": stamp(now),
            "speed": f"{self._mirror.clock.speed:g}",
            "root": self._root,
            "notify": self.notify,
            "has_guide": self.has_guide,
            "seen": self._words[language].moment(now),
            "part": f"{self._root}{part}?lang={language}",
            "zone": self._site.site.timezone,
            "site_id": self._site.id,
            "languages": [(code, OWN_NAMES[code]) for code in self._languages],
        }

    def context(
        self, language: str, now: datetime, part: str, board: Board | None = None
    ) -> dict[str, Any]:
        """What every template of a page is given; the board is that of all if none is named."""
        words = self._words[language]
        return self.frame(language, now, part) | {
            "board": board or self.board(language, now),
            "has_tickets": any(self._mirror.line(s.id) for s in self._site.services),
            "shapes": SHAPES,
            "json_ld": json_ld(self._site, language, now),
            "limits": [
                (
                    words.name(service.name),
                    words(
                        "page.limits",
                        **{
                            name: f"{limit:g}"
                            for name, limit in zip(
                                ("first", "second", "third"), service.levels_minutes, strict=True
                            )
                        },
                    ),
                )
                for service in self._site.services
                if self._painters[language].shows(service.id, now)
            ],
        }

    def still(
        self,
        template: str,
        request: web.Request,
        more: Callable[[Words, datetime], tuple[dict[str, Any], Iterable[datetime]]],
    ) -> web.Response:
        """A page that does not change while one looks; it is made anew each hour at least.

        Args:
            template: its file.
            request: says the language.
            more: what else the template is given at a moment, and when that ends.
        """
        language = self.language(request)

        def render(now: datetime) -> tuple[bytes, datetime]:
            given, ends = more(self._words[language], now)
            context = self.context(language, now, "/part") | given
            body = environment().get_template(template).render(context)
            return body.encode(), min([now + _LONGEST, *ends])

        return html(self._cache((template, language), render).body, self._mirror)

    def _response(self, template: str, request: web.Request) -> web.Response:
        language = self.language(request)

        def render(now: datetime) -> tuple[bytes, datetime]:
            context = self.context(language, now, "/part")
            html = environment().get_template(template).render(context)
            return html.encode(), context["board"].good_until

        rendered = self._cache((template, language), render)
        return html(rendered.body, self._mirror)


def html(body: bytes, source: Source) -> web.Response:
    """A page or a part of one, stamped with the moment it is served: its own clock starts there."""
    now, tag = b"%d" % milliseconds(source.clock.now()), source.tag.encode()
    headers = {
        "Cache-Control": "no-store",  # a page from a cache would take its age for now
        "Vary": "Accept-Language",  # it speaks the reader's language unless `?lang=` says which
    }
    return Stamped(body, {b"@NOW@": now, b"@TAG@": tag}, headers)
