"""The feed over HTTP: what may be cached, what has not changed, and what went wrong."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
from aiohttp import web

from models.site import Site
from signage import feed, schema
from signage.cache import Cache
from signage.mirror import Mirror
from signage.ready import Ready
from signage.stream import Stream

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CACHED = "public, max-age=5, stale-while-revalidate=30, stale-if-error=300"
_RETRY_AFTER_S = 5
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Date, Retry-After",
}


class Api:
    """All below `/api/v1`, and `/openapi.json`."""

    def __init__(self, site: Site, mirror: Mirror, cache: Cache, stream: Stream) -> None:
        self._site = site
        self._mirror = mirror
        self._cache = cache
        self._stream = stream
        self._ready = Ready(
            {
                **_CORS,
                "Cache-Control": _CACHED,
                "Content-Type": "application/json",
                "Server": "machiai",
                "X-Content-Type-Options": "nosniff",
            },
            mirror.clock.speed,
        )
        self._sites = feed.render_sites(site)
        self._schema = msgspec.json.encode(schema.site_schema())
        self._openapi = msgspec.json.encode(schema.openapi(feed.SCHEMA_VERSION))

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Register all addresses."""
        router.add_get("/api/v1/sites", self._list)
        router.add_get(f"/api/v1/sites/{self._site.id}", self._document)  # found without a pattern
        router.add_get("/api/v1/sites/{site}", self._other)
        router.add_get("/api/v1/sites/{site}/stream", self._events)
        router.add_get(schema.SITE_SCHEMA, self._json_schema)
        router.add_get("/openapi.json", self._description)

    async def _list(self, request: web.Request) -> web.Response:
        return self._fixed(request, "sites", self._sites)

    async def _json_schema(self, request: web.Request) -> web.Response:
        return self._fixed(request, "schema", self._schema, "application/schema+json")

    async def _description(self, request: web.Request) -> web.Response:
        return self._fixed(request, "openapi", self._openapi)

    async def _document(self, request: web.Request) -> web.StreamResponse:
        mirror = self._mirror
        if not mirror.has_news:
            return problem(503, "Nothing has been heard from the hub yet.", _RETRY_AFTER_S)
        now = mirror.clock.now()
        rendered = self._cache("feed", self._render, now)
        answer = self._ready.answer(request, rendered, now)
        if answer is not None:
            return answer
        made = _conditional(request, rendered.body, rendered.etag, "application/json")
        made.headers["X-Accel-Expires"] = str(self._ready.proxy_s(rendered, now))
        return made

    def _render(self, now: datetime) -> tuple[bytes, datetime]:
        return feed.render(self._mirror, now)

    async def _other(self, request: web.Request) -> web.StreamResponse:
        self._know(request)
        return await self._document(request)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self._know(request)
        return await self._stream.handle(request)

    def _fixed(
        self, request: web.Request, key: str, body: bytes, kind: str = "application/json"
    ) -> web.Response:
        """What never changes while this process lives."""
        rendered = self._cache(key, lambda _: (body, datetime.max.replace(tzinfo=UTC)))
        return _conditional(request, rendered.body, rendered.etag, kind)

    def _know(self, request: web.Request) -> None:
        if request.match_info["site"] != self._site.id:
            raise web.HTTPNotFound(text=f"There is no site {request.match_info['site']!r} here.")


def problem(status: int, detail: str = "", retry_after_s: int | None = None) -> web.Response:
    """An error as RFC 9457 wants it."""
    said = feed.Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    headers = dict(_CORS) | {"Cache-Control": "no-store"}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return web.Response(
        status=status,
        body=msgspec.json.encode(said),
        content_type="application/problem+json",
        headers=headers,
    )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of the API as problem documents; those of pages as they are."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST or not request.path.startswith("/api/"):
            raise
        detail = error.text or ""
        made = problem(error.status, "" if detail.startswith(str(error.status)) else detail)
        if "Allow" in error.headers:
            made.headers["Allow"] = error.headers["Allow"]
        return made


def _conditional(request: web.Request, body: bytes, tag: str, kind: str) -> web.Response:
    headers = dict(_CORS) | {"ETag": f'"{tag}"', "Cache-Control": _CACHED}
    asked = request.if_none_match or ()
    if any(known.value in (tag, "*") for known in asked):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, content_type=kind, headers=headers)
