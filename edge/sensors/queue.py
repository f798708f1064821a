"""Polls the page of a vendor's queue display. Three polls in vain and it counts as gone."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import urljoin, urlsplit

import msgspec

from edge.sensors import Output, Port, Settings, refer
from models.contract.ids import Id
from models.contract.observations import Queue as Shows
from models.errors import BadPayload, BadSite, SensorFailed
from models.sensing.queue_page import MAX_BYTES, Find, Made, Page, QueueRule, encoding_of
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
"""`待ち人数 {waiting}人`, `html: …`, `table: …`, `json: …` or a JSON pointer: see `Find`."""


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
    encoding: Encoding | None = None  # None: as the server says, else the page, else UTF-8
    updated: Where | None = None  # when the page was made; None: it is believed to be of now
    fresh_s: Seconds = 300.0  # an older one is refused


class Queue:
    """One page that shows one or more queues."""

    Settings: ClassVar = QueueSettings

    def __init__(self, settings: QueueSettings, site: Site) -> None:
        self._settings = settings
        self._host = host_of(settings.url)
        if self._host is None:
            raise BadSite(f"want http://... or https://..., got {settings.url!r} - at `$.url`")
        updated = settings.updated
        self._made = updated and Made(
            Find(updated, "updated", "time"), site.zone_info, settings.fresh_s
        )
        self._rules = []
        for i, shown in enumerate(settings.services):
            path = f"services[{i}]"
            refer(site, f"{path}.service", "services", shown.service)
            self._rules.append(
                QueueRule(
                    shown.service,
                    waiting=Find(shown.waiting, f"{path}.waiting"),
                    called=Find(shown.called, f"{path}.called", "called") if shown.called else None,
                    open_counters=Find(shown.open, f"{path}.open", "open") if shown.open else None,
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
        failures = 0
        async with session(self._settings.timeout_s) as polls:
            while True:
                failures = 0 if await self._poll(polls, port) else failures + 1
                if failures == _PATIENCE:
                    raise SensorFailed(f"want numbers of {self._host}, got none {failures} times")
                await port.clock.sleep(self._settings.every_s)

    async def look(self, polls: "aiohttp.ClientSession") -> Page:
        """The page as it is now.

        Raises:
            BadPayload: no answer, another host's, an error or too much.
        """
        return await page_at(polls, self._settings.url, self._settings.encoding)

    def read(self, page: Page, now: datetime) -> Iterator[tuple[str, Shows | BadPayload]]:
        """What the page says of each service, or why it says nothing.

        Raises:
            BadPayload: it is not of now.
        """
        if self._made:
            self._made.check(page, now)
        for rule in self._rules:
            try:
                yield rule.service, rule.read(page)
            except BadPayload as error:
                yield rule.service, error

    async def _poll(self, polls: "aiohttp.ClientSession", port: Port) -> bool:
        """Emit what the page shows now; whether that was anything."""
        try:
            page = await self.look(polls)
            read = list(self.read(page, port.clock.now()))
        except BadPayload as error:
            port.refuse(str(error))
            return False
        await port.describe(f"page of {self._host}")
        told = False
        for service, said in read:
            if isinstance(said, BadPayload):
                port.refuse(str(said))
            else:
                await port.emit(service, said)
                told = True
        return told


def session(timeout_s: float) -> "aiohttp.ClientSession":
    """What polls."""
    import aiohttp  # noqa: PLC0415  only who polls pays for it

    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


async def page_at(polls: "aiohttp.ClientSession", url: str, encoding: Encoding | None) -> Page:
    """The page of an address.

    Raises:
        BadPayload: no answer, another host's, an error or too much.
    """
    import aiohttp  # noqa: PLC0415

    try:
        return await _follow(polls, url, encoding)
    except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:  # the last of names
        raise BadPayload(f"want the page, got {type(error).__name__}") from None


async def _follow(polls: "aiohttp.ClientSession", url: str, encoding: Encoding | None) -> Page:
    host = host_of(url)
    for _ in range(1 + _MOST_REDIRECTS):
        async with polls.get(url, allow_redirects=False) as answer:
            if answer.status not in _REDIRECTS:
                return await _read(answer, encoding)
            url = urljoin(url, answer.headers.get("Location", ""))
        if host_of(url) != host:
            raise BadPayload("want a page of the same host, got a redirect to another")
    raise BadPayload(f"want at most {_MOST_REDIRECTS} redirects, got more")


async def _read(answer: "aiohttp.ClientResponse", encoding: Encoding | None) -> Page:
    if answer.status != _OK:
        raise BadPayload(f"want status {_OK}, got {answer.status}")
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            break
    return Page(bytes(body), encoding or encoding_of(answer.charset, bytes(body[:4096])))


def host_of(url: str) -> str | None:
    """The host of an address on the web, None if it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None
