"""The guide on the phone: what one comes for, and all about it."""

from datetime import datetime

from aiohttp import web

from models.site import Site
from signage.assets import environment
from signage.cache import Cache
from signage.feed.responses import Handler
from signage.guide.reading import guide_if_there
from signage.guide.telling import Teller
from signage.mirror import Mirror
from signage.pages.page import Page, html
from signage.pages.ticket_page import Head

_LONGEST = 60  # letters that are looked for: nobody means anything by more


class GuidePages:
    """`/guide` and `/guide/{purpose}`; none where the office has no guide. Reads a file."""

    def __init__(self, site: Site, mirror: Mirror, cache: Cache, page: Page) -> None:
        self._site = site
        self._mirror = mirror
        self._cache = cache
        self._page = page
        guide = guide_if_there(site)
        self._starts = {place.id for place in guide.places} if guide else set()
        self._tellers: dict[str, Teller] = {}
        if guide is not None:
            for code in site.site.languages:
                self._tellers[code] = Teller(site, guide, page.words(code))

    def routes(self) -> dict[str, Handler]:
        """Who answers at each path."""
        if not self._tellers:
            return {}
        return {
            "/guide": self.all,
            "/guide/{purpose}": self.page,
            "/guide/{purpose}/part": self.part,
        }

    async def all(self, request: web.Request) -> web.Response:
        """All purposes, and those that somebody looks for: made for each, and kept for nobody."""
        language = self._page.language(request)
        typed = request.query.get("find", "")[:_LONGEST].strip()
        teller = self._tellers[language]
        context = self._page.frame(language, self._mirror.clock.now(), "/guide")
        name = context["words"].name(self._site.site.name)
        context |= {
            "board": Head(site=name, as_of="", hub_gone=self._mirror.hub_gone),
            "shelves": teller.shelves(),
            "typed": typed,
            "found": teller.found(typed),
        }
        body = environment().get_template("guide.html").render(context)
        return html(body.encode(), self._mirror)

    async def page(self, request: web.Request) -> web.Response:
        """One purpose."""
        return self._response("guide_purpose.html", request)

    async def part(self, request: web.Request) -> web.Response:
        """What changes in it."""
        return self._response("guide_purpose_part.html", request)

    def _response(self, template: str, request: web.Request) -> web.Response:
        language = self._page.language(request)
        teller = self._tellers[language]
        name = request.match_info["purpose"]
        if not teller.knows(name):
            raise web.HTTPNotFound(text=f"want a purpose of the guide, got {name[:40]!r}")
        asked = request.query.get("from", "")
        start = asked if asked in self._starts else ""
        step_free = request.query.get("steps") == "no"

        def render(now: datetime) -> tuple[bytes, datetime]:
            view = teller.purpose(name, self._mirror, now, start=start, step_free=step_free)
            context = self._page.frame(language, now, f"/guide/{name}/part")
            kept = f"from={start}&" if start else ""
            free = "steps=no&" if step_free else ""
            context |= {
                "board": view.board,
                "view": view,
                "part": f"{context['part']}&{kept}{free}".rstrip("&"),
                "asked": f"{kept}{free}",
                "other": f"?{kept}{'' if step_free else 'steps=no&'}lang={language}",
                "step_free": step_free,
                "now": now,
            }
            return environment().get_template(template).render(context).encode(), view.good_until

        key = (template, language, name, start, step_free)
        return html(self._cache(key, render).body, self._mirror)
