"""The feed of all offices: which addresses there are, and who answers at each."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from signage.feed import feed, schema
from signage.feed.documents import Documents
from signage.feed.exports import parkapi
from signage.feed.responses import Handler, conditional, tag_of
from signage.feed.schema import ADDRESSES

_SITE = "{site}"


class Api:
    """All below `/api/v1`, and `/openapi.json`."""

    def __init__(self, offices: Sequence[Documents]) -> None:
        self._offices = offices
        sites = [office.site for office in offices]
        encode = msgspec.json.encode
        self._fixed = {
            "sites": feed.render_sites(*sites),
            "parkApi": encode(parkapi.cities(*sites)),
            "siteSchema": encode(schema.site_schema()),
            "forecastSchema": encode(schema.forecast_schema()),
            "description": encode(schema.openapi(feed.SCHEMA_VERSION, *sites)),
        }

    def add_to(self, app: web.Application) -> None:
        """Register all addresses."""
        router = app.router
        for office in self._offices:
            path = ADDRESSES["site"].path.replace(_SITE, office.site.id)
            router.add_get(path, office.document)  # found without a pattern
            app.cleanup_ctx.append(office.following)
        for name, address in ADDRESSES.items():
            of_office = _SITE in address.path
            router.add_get(
                address.path, self._each(name) if of_office else self._same(name, address.kind)
            )
        router.add_get("/openapi.json", self._same("description", schema.JSON))

    def _each(self, name: str) -> Handler:
        """Whichever office is asked for answers."""
        handlers = {office.site.id: office.handlers[name] for office in self._offices}

        async def handle(request: web.Request) -> web.StreamResponse:
            handler = handlers.get(request.match_info["site"])
            if handler is None:
                raise web.HTTPNotFound(
                    text=f"There is no site {request.match_info['site']!r} here."
                )
            return await handler(request)

        return handle

    def _same(self, name: str, kind: str) -> Handler:
        """What never changes while this process lives."""
        body = self._fixed[name]
        tag = tag_of(body)

        async def handle(request: web.Request) -> web.StreamResponse:
            return conditional(request, body, tag, kind)

        return handle
