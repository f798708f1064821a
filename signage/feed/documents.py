"""What the feed says of one office, over HTTP."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Hashable
from datetime import date, datetime
from functools import partial

import msgspec
from aiohttp import web

from models.contract import codec
from signage import ticket
from signage.cache import Cache, Render
from signage.feed import feed, say, schema
from signage.feed.bulletin import Bulletin
from signage.feed.exports import atom, cap, ngsi_ld, parkapi
from signage.feed.forecast import Forecasts
from signage.feed.history import Days, History
from signage.feed.ready import Ready
from signage.feed.responses import CACHED, CORS, Handler, conditional, starting, tag_of
from signage.mirror import Mirror
from signage.stream import Stream

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Documents:
    """One office's documents; `handlers` answers for each by its `operationId`."""

    def __init__(self, mirror: Mirror, cache: Cache, days: Days | None = None) -> None:
        """Take where the past is kept; without it there is none."""
        self.site = mirror.site
        self.stream = Stream(mirror, self._body)
        self.handlers: dict[str, Handler] = {
            "site": self.document,
            "stream": self.stream.handle,
            "forecast": self._forecast,
            "history": self._history,
            "historyDay": self._history_day,
            "ticket": self._ticket,
            "say": self._say,
            "notices": self._notices,
            "alert": self._alert,
            "ngsiLd": self._ngsi_ld,
            "parkApiCity": self._park_api_city,
        }
        self._mirror = mirror
        self._cache = cache
        self._days = days
        self._bulletin = Bulletin(self.site.id)
        self._forecasts = Forecasts(mirror)
        languages = self.site.site.languages or ("ja",)
        self._sayers = {code: say.Sayer(mirror, code) for code in languages}
        self._render = partial(feed.render, mirror)
        self._ready = Ready(
            {
                **CORS,
                "Cache-Control": CACHED,
                "Content-Type": schema.JSON,
                "Server": "machiai",
                "X-Content-Type-Options": "nosniff",
            },
            mirror.clock.speed,
        )

    async def following(self, app: web.Application) -> AsyncIterator[None]:
        """While the app runs: notice what must be noticed though nobody asks."""
        _ = app
        task = asyncio.create_task(self._follow(), name=f"bulletin {self.site.id}")
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

    async def document(self, request: web.Request) -> web.StreamResponse:
        """How busy the office is now: what is asked for most."""
        mirror = self._mirror
        if not mirror.has_news:
            return starting()
        now = mirror.clock.now()
        rendered = self._cache("feed", self._render, now)
        answer = self._ready.answer(request, rendered, now)
        if answer is not None:
            return answer
        made = conditional(request, rendered.body, rendered.etag, schema.JSON)
        made.headers["X-Accel-Expires"] = str(self._ready.proxy_s(rendered, now))
        return made

    def _body(self) -> bytes:
        return self._cache("feed", self._render).body

    async def _forecast(self, request: web.Request) -> web.StreamResponse:
        return self._told(request, "forecast", self._forecasts.render, schema.JSON)

    async def _ngsi_ld(self, request: web.Request) -> web.StreamResponse:
        def render(now: datetime) -> tuple[bytes, datetime]:
            document = feed.document(self._mirror, now)
            made = ngsi_ld.entities(document, self.site, self.site.site.location)
            body = msgspec.json.encode([codec.plain(entity) for entity in made])
            return body, feed.good_until(self._mirror, now)

        return self._told(request, "ngsiLd", render, ngsi_ld.TYPE)

    async def _park_api_city(self, request: web.Request) -> web.StreamResponse:
        def render(now: datetime) -> tuple[bytes, datetime]:
            document = feed.document(self._mirror, now)
            made = parkapi.city(document, self.site, self.site.site.location)
            return _json(made), feed.good_until(self._mirror, now)

        return self._told(request, "parkApiCity", render, schema.JSON)

    async def _ticket(self, request: web.Request) -> web.StreamResponse:
        """Made for each request: it is kept nowhere, and nobody else may be given it."""
        if not self._mirror.has_news:
            return starting()
        number, service = request.match_info["number"], request.query.get("service")
        if len(number) > ticket.LONGEST:
            raise web.HTTPNotFound(text=f"No number has more than {ticket.LONGEST} signs.")
        if service is not None and service not in {s.id for s in self.site.services}:
            raise web.HTTPNotFound(text=f"There is no service {service!r} here.")
        body = ticket.render(self._mirror, number, service, self._mirror.clock.now())
        made = conditional(request, body, tag_of(body), schema.JSON)
        made.headers["Cache-Control"] = "private, max-age=5"
        made.headers["X-Accel-Expires"] = "0"
        return made

    async def _say(self, request: web.Request) -> web.StreamResponse:
        """In lines for a telephone."""
        language = request.query.get("lang") or next(iter(self._sayers))
        if language not in self._sayers:
            raise web.HTTPNotFound(text=f"Nothing is told in {language!r} here.")
        service = request.query.get("service", "")
        if service and service not in {s.id for s in self.site.services}:
            raise web.HTTPNotFound(text=f"There is no service {service!r} here.")
        render = partial(self._sayers[language].render, service=service)
        made = self._told(request, ("say", language, service), render, say.TYPE)
        if isinstance(made, web.Response) and made.body:
            made.charset = "utf-8"
        return made

    async def _notices(self, request: web.Request) -> web.StreamResponse:
        language = request.match_info["lang"]
        if language not in self.site.site.languages:
            raise web.HTTPNotFound(text=f"No notice is told in {language!r} here.")

        def render(now: datetime) -> tuple[bytes, datetime]:
            self._listen(now)
            alerts, updated = self._bulletin.alerts, self._bulletin.updated
            body = atom.render(alerts, self.site, language, updated or now)
            ends = [alert.ends for alert in alerts]
            return body, min([feed.good_until(self._mirror, now), *ends])

        return self._told(request, ("notices", language), render, atom.TYPE)

    async def _alert(self, request: web.Request) -> web.StreamResponse:
        if not self._mirror.has_news:
            return starting()
        self._listen(self._mirror.clock.now())
        for alert in self._bulletin.alerts:
            if alert.identifier == request.match_info["alert"]:
                body = cap.render(alert, self.site, test=self._mirror.clock.is_simulated)
                made = conditional(request, body, alert.identifier, cap.TYPE)
                made.headers["X-Accel-Expires"] = "0"  # it may be taken back at any moment
                return made
        raise web.HTTPNotFound(text="There is no such notice now.")

    async def _history(self, request: web.Request) -> web.StreamResponse:
        if self._days is None:
            body = _json(History(site=self.site.id, days=()))
        else:
            body = _json(await asyncio.to_thread(self._days.history))
        return conditional(request, body, tag_of(body), schema.JSON)

    async def _history_day(self, request: web.Request) -> web.StreamResponse:
        said = request.match_info["day"]
        if self._days is not None and _DAY.fullmatch(said):
            with contextlib.suppress(ValueError):  # the 30th of February
                body = await asyncio.to_thread(self._days.read, date.fromisoformat(said))
                if body is not None:
                    return conditional(request, body, tag_of(body), "text/csv")
        raise web.HTTPNotFound(text=f"Nothing is known of {said!r} here.")

    def _told(
        self, request: web.Request, key: Hashable, render: Render, kind: str
    ) -> web.StreamResponse:
        """What is made of the hub's results, once a change."""
        if not self._mirror.has_news:
            return starting()
        now = self._mirror.clock.now()
        rendered = self._cache(key, render, now)
        made = conditional(request, rendered.body, rendered.etag, kind)
        made.headers["X-Accel-Expires"] = str(self._ready.proxy_s(rendered, now))
        return made


def _json(message: msgspec.Struct) -> bytes:
    """A document, its times written as on the wire."""
    return msgspec.json.encode(codec.plain(message))
