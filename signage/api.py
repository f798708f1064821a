"""The feed over HTTP: what may be cached, what has not changed, and what went wrong."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from datetime import UTC, date, datetime
from http import HTTPStatus

import msgspec
from aiohttp import web

from models.contract import codec
from models.site import Site
from signage import feed, schema
from signage.bulletin import Bulletin
from signage.cache import Cache, Render
from signage.exports import atom, cap, ngsi_ld, parkapi
from signage.forecast import Forecasts
from signage.history import Days, History
from signage.mirror import Mirror
from signage.ready import Ready
from signage.schema import ADDRESSES
from signage.stream import Stream

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CACHED = "public, max-age=5, stale-while-revalidate=30, stale-if-error=300"
_RETRY_AFTER_S = 5
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Date, Age, Retry-After",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, Last-Event-ID",
    "Access-Control-Max-Age": "86400",
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Api:
    """All below `/api/v1`, and `/openapi.json`."""

    def __init__(
        self, site: Site, mirror: Mirror, cache: Cache, stream: Stream, days: Days | None = None
    ) -> None:
        """Take where the past is kept; without it there is none."""
        self._site = site
        self._mirror = mirror
        self._cache = cache
        self._stream = stream
        self._days = days
        self._bulletin = Bulletin(site.id)
        self._forecasts = Forecasts(mirror)
        self._ready = Ready(
            {
                **_CORS,
                "Cache-Control": _CACHED,
                "Content-Type": schema.JSON,
                "Server": "machiai",
                "X-Content-Type-Options": "nosniff",
            },
            mirror.clock.speed,
        )
        encode = msgspec.json.encode
        self._fixed = {
            "sites": feed.render_sites(site),
            "parkApi": encode(parkapi.cities(site)),
            "siteSchema": encode(schema.site_schema()),
            "forecastSchema": encode(schema.forecast_schema()),
            "description": encode(schema.openapi(feed.SCHEMA_VERSION, site)),
        }

    def add_to(self, app: web.Application) -> None:
        """Register all addresses, and what must be noticed though nobody asks."""
        handlers: dict[str, Handler] = {
            "site": self._other,
            "stream": self._events,
            "forecast": self._forecast,
            "history": self._history,
            "historyDay": self._history_day,
            "notices": self._notices,
            "alert": self._alert,
            "ngsiLd": self._ngsi_ld,
            "parkApiCity": self._park_api_city,
        }
        router = app.router
        router.add_get(f"/api/v1/sites/{self._site.id}", self._document)  # found without a pattern
        for name, address in ADDRESSES.items():
            router.add_get(address.path, handlers.get(name) or self._same(name, address.kind))
        router.add_get("/openapi.json", self._same("description", schema.JSON))
        app.cleanup_ctx.append(self._following)

    async def _following(self, app: web.Application) -> AsyncIterator[None]:
        _ = app
        task = asyncio.create_task(self._follow(), name="bulletin")
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _follow(self) -> None:
        """Take note of each notice that comes and goes."""
        while True:
            version = self._mirror.version
            self._listen(self._mirror.clock.now())
            await self._mirror.changed(version)

    def _listen(self, now: datetime) -> None:
        self._bulletin.follow(feed.notices(self._mirror, now), now)

    async def _document(self, request: web.Request) -> web.StreamResponse:
        mirror = self._mirror
        if not mirror.has_news:
            return _starting()
        now = mirror.clock.now()
        rendered = self._cache("feed", self._render, now)
        answer = self._ready.answer(request, rendered, now)
        if answer is not None:
            return answer
        made = _conditional(request, rendered.body, rendered.etag, schema.JSON)
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

    async def _forecast(self, request: web.Request) -> web.StreamResponse:
        return self._told(request, "forecast", self._forecasts.render, schema.JSON)

    async def _ngsi_ld(self, request: web.Request) -> web.StreamResponse:
        def render(now: datetime) -> tuple[bytes, datetime]:
            document = feed.document(self._mirror, now)
            made = ngsi_ld.entities(document, self._site, self._site.site.location)
            body = msgspec.json.encode([codec.plain(entity) for entity in made])
            return body, feed.good_until(self._mirror, now)

        return self._told(request, "ngsiLd", render, ngsi_ld.TYPE)

    async def _park_api_city(self, request: web.Request) -> web.StreamResponse:
        def render(now: datetime) -> tuple[bytes, datetime]:
            document = feed.document(self._mirror, now)
            made = parkapi.city(document, self._site, self._site.site.location)
            return _json(made), feed.good_until(self._mirror, now)

        return self._told(request, "parkApiCity", render, schema.JSON)

    async def _notices(self, request: web.Request) -> web.StreamResponse:
        language = request.match_info["lang"]
        if language not in self._site.site.languages:
            raise web.HTTPNotFound(text=f"No notice is told in {language!r} here.")

        def render(now: datetime) -> tuple[bytes, datetime]:
            self._listen(now)
            alerts, updated = self._bulletin.alerts, self._bulletin.updated
            body = atom.render(alerts, self._site, language, updated or now)
            ends = [alert.ends for alert in alerts]
            return body, min([feed.good_until(self._mirror, now), *ends])

        return self._told(request, ("notices", language), render, atom.TYPE)

    async def _alert(self, request: web.Request) -> web.StreamResponse:
        self._know(request)
        if not self._mirror.has_news:
            return _starting()
        self._listen(self._mirror.clock.now())
        for alert in self._bulletin.alerts:
            if alert.identifier == request.match_info["alert"]:
                body = cap.render(alert, self._site, test=self._mirror.clock.is_simulated)
                made = _conditional(request, body, alert.identifier, cap.TYPE)
                made.headers["X-Accel-Expires"] = "0"  # it may be taken back at any moment
                return made
        raise web.HTTPNotFound(text="There is no such notice now.")

    async def _history(self, request: web.Request) -> web.StreamResponse:
        self._know(request)
        if self._days is None:
            body = _json(History(site=self._site.id, days=()))
        else:
            body = _json(await asyncio.to_thread(self._days.history))
        return _conditional(request, body, _tag(body), schema.JSON)

    async def _history_day(self, request: web.Request) -> web.StreamResponse:
        self._know(request)
        said = request.match_info["day"]
        if self._days is not None and _DAY.fullmatch(said):
            with contextlib.suppress(ValueError):  # the 30th of February
                body = await asyncio.to_thread(self._days.read, date.fromisoformat(said))
                if body is not None:
                    return _conditional(request, body, _tag(body), "text/csv")
        raise web.HTTPNotFound(text=f"Nothing is known of {said!r} here.")

    def _told(
        self, request: web.Request, key: Hashable, render: Render, kind: str
    ) -> web.StreamResponse:
        """What is made of the hub's results, once a change."""
        self._know(request)
        if not self._mirror.has_news:
            return _starting()
        now = self._mirror.clock.now()
        rendered = self._cache(key, render, now)
        made = _conditional(request, rendered.body, rendered.etag, kind)
        made.headers["X-Accel-Expires"] = str(self._ready.proxy_s(rendered, now))
        return made

    def _same(self, name: str, kind: str) -> Handler:
        """What never changes while this process lives."""
        body = self._fixed[name]

        async def handle(request: web.Request) -> web.StreamResponse:
            rendered = self._cache(name, lambda _: (body, datetime.max.replace(tzinfo=UTC)))
            return _conditional(request, rendered.body, rendered.etag, kind)

        return handle

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
        is_ours = request.path.startswith(("/api/", "/openapi.json"))
        if error.status < HTTPStatus.BAD_REQUEST or not is_ours:
            raise
        if request.method == "OPTIONS" and error.status == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = {**_CORS, **_PREFLIGHT, "Allow": error.headers["Allow"]}
            return web.Response(status=HTTPStatus.NO_CONTENT, headers=allowed)
        detail = error.text or ""
        made = problem(error.status, "" if detail.startswith(str(error.status)) else detail)
        if "Allow" in error.headers:
            made.headers["Allow"] = error.headers["Allow"]
        return made


def _starting() -> web.Response:
    return problem(503, "Nothing has been heard from the hub yet.", _RETRY_AFTER_S)


def _json(message: msgspec.Struct) -> bytes:
    """A document, its times written as on the wire."""
    return msgspec.json.encode(codec.plain(message))


def _tag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:24]


def _conditional(request: web.Request, body: bytes, tag: str, kind: str) -> web.Response:
    headers = dict(_CORS) | {"ETag": f'"{tag}"', "Cache-Control": _CACHED}
    asked = request.if_none_match or ()
    if any(known.value in (tag, "*") for known in asked):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, content_type=kind, headers=headers)
