"""A few cards of the page, to stand within a page of somebody else."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from models.site import Lot, Service, Site
from signage.assets import environment
from signage.cache import Cache
from signage.mirror import Mirror
from signage.pages.page import Page, html

_POLICY = (  # as everywhere, but that anybody may frame it: it shows nothing that is not public
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors *; object-src 'none'"
)


class EmbedPage:
    """`/embed`: all services and car parks, or one `?service=` and one `?lot=`."""

    def __init__(self, site: Site, mirror: Mirror, cache: Cache, page: Page) -> None:
        self._site = site
        self._mirror = mirror
        self._cache = cache
        self._page = page

    async def page(self, request: web.Request) -> web.Response:
        """The whole page, which stays current by itself."""
        return self._response("embed.html", request)

    async def part(self, request: web.Request) -> web.Response:
        """What changes in it."""
        return self._response("embed_part.html", request)

    def _response(self, template: str, request: web.Request) -> web.Response:
        language = self._page.language(request)
        service = _asked(request, "service", self._site.services)
        lot = _asked(request, "lot", self._site.car_parks)
        asked = {"service": service, "lot": lot}
        only = {kind: name for kind, name in asked.items() if name}

        def render(now: datetime) -> tuple[bytes, datetime]:
            board = self._page.painter(language).board(
                self._mirror,
                now,
                services=(service,) if service else (),
                lots=(lot,) if lot else () if service else None,
                zones=(),
            )
            if lot and not service:
                board = msgspec.structs.replace(board, services=())
            context = self._page.context(language, now, "/embed/part", board)
            context["part"] += "".join(f"&{urlencode({k: v})}" for k, v in only.items())
            body = environment().get_template(template).render(context)
            return body.encode(), board.good_until

        response = html(self._cache((template, language, service, lot), render).body, self._mirror)
        response.headers["Content-Security-Policy"] = _POLICY
        return response


def _asked(request: web.Request, kind: str, known: Sequence[Service | Lot]) -> str:
    """The id asked for; nothing if none is.

    Raises:
        web.HTTPNotFound: there is no such one here.
    """
    name = request.query.get(kind, "")
    if name and name not in (one.id for one in known):
        ids = ", ".join(one.id for one in known)
        raise web.HTTPNotFound(text=f"want a {kind} of {ids}, got {name!r} - at `?{kind}=`")
    return name
