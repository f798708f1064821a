"""Polls the page of a vendor's queue display. Three polls in vain and it counts as gone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import urljoin, urlsplit

import msgspec

from edge.sensors import Output, Port, Settings, refer
from models.contract.ids import Id
from models.errors import BadPayload, BadSite, SensorFailed
from models.sensing.queue_page import MAX_BYTES, Find, Page, QueueRule, encoding_of
from models.sensing.ticket_lines import Encoding
from models.site import Seconds, Site, Table

if TYPE_CHECKING:
    import aiohttp

_PATIENCE = 3
_MOST_REDIRECTS = 3
_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"User-Agent": "machiai", "Accept-Encoding": "identity"}  # nothing that could unpack

Where = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
"""A JSON pointer if it begins with /, else a regular expression whose first group is the value."""


class Shown(Table, frozen=True, kw_only=True):
    """Where the numbers of one service stand on the page."""

    service: Id
    waiting: Where
    called: Where | None = None
    open: Where | None = None


class QueueSettings(Settings, frozen=True, kw_only=True):
    """One page in the site file."""

    url: str
    services: Annotated[tuple[Shown, ...], msgspec.Meta(min_length=1)]
    every_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 20.0
    timeout_s: Seconds = 10.0
    encoding: Encoding | None = None  # None: as the server says, else UTF-8


class Queue:
    """One page that shows one or more queues."""

    Settings: ClassVar = QueueSettings

    def __init__(self, settings: QueueSettings, site: Site) -> None:
        self._settings = settings
        self._host = _host(settings.url)
        if self._host is None:
            raise BadSite(f"want http://... or https://..., got {settings.url!r} - at `$.url`")
        self._rules = []
        for i, shown in enumerate(settings.services):
            path = f"services[{i}]"
            refer(site, f"{path}.service", "services", shown.service)
            self._rules.append(
                QueueRule(
                    shown.service,
                    waiting=Find(shown.waiting, f"{path}.waiting"),
                    called=Find(shown.called, f"{path}.called") if shown.called else None,
                    open_counters=Find(shown.open, f"{path}.open") if shown.open else None,
                )
            )

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""
        return [Output("queue", rule.service) for rule in self._rules]

    async def run(self, port: Port) -> None:
        """Poll until cancelled.

        Raises:
            SensorFailed: three polls in a row gave no number.
        """
        import aiohttp  # noqa: PLC0415  only who polls pays for it

        failures = 0
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        ) as session:
            while True:
                failures = 0 if await self._poll(session, port) else failures + 1
                if failures == _PATIENCE:
                    raise SensorFailed(f"want numbers of {self._host}, got none {failures} times")
                await port.clock.sleep(self._settings.every_s)

    async def _poll(self, session: "aiohttp.ClientSession", port: Port) -> bool:
        """Emit what the page shows now; whether that was anything."""
        try:
            page = await self._page(session)
        except BadPayload as error:
            port.refuse(str(error))
            return False
        await port.describe(f"page of {self._host}")
        told = False
        for rule in self._rules:
            try:
                queue = rule.read(page)
            except BadPayload as error:
                port.refuse(str(error))
            else:
                await port.emit(rule.service, queue)
                told = True
        return told

    async def _page(self, session: "aiohttp.ClientSession") -> Page:
        """The page as it is now.

        Raises:
            BadPayload: no answer, another host's, an error or too much.
        """
        import aiohttp  # noqa: PLC0415

        try:
            return await self._follow(session)
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:  # the last of names
            raise BadPayload(f"want the page, got {type(error).__name__}") from None

    async def _follow(self, session: "aiohttp.ClientSession") -> Page:
        url = self._settings.url
        for _ in range(1 + _MOST_REDIRECTS):
            async with session.get(url, allow_redirects=False) as answer:
                if answer.status not in _REDIRECTS:
                    return await self._read(answer)
                url = urljoin(url, answer.headers.get("Location", ""))
            if _host(url) != self._host:
                raise BadPayload("want a page of the same host, got a redirect to another")
        raise BadPayload(f"want at most {_MOST_REDIRECTS} redirects, got more")

    async def _read(self, answer: "aiohttp.ClientResponse") -> Page:
        if answer.status != _OK:
            raise BadPayload(f"want status {_OK}, got {answer.status}")
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > MAX_BYTES:
                break
        return Page(bytes(body), self._settings.encoding or encoding_of(answer.charset))


def _host(url: str) -> str | None:
    """The host of an address on the web, None if it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None
