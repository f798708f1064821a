"""Reads a book of reservations, from a file or the web, and tells how many come when: not who."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from urllib.parse import urljoin

import msgspec

from broker.service import secret_file
from edge.alerts.settings import check_place, host_of, is_address
from edge.alerts.web import session
from edge.sensors import Output, Port, Settings, refer
from models.contract.ids import Id
from models.contract.observations import Bookings as Reading
from models.errors import BadPayload, BadSite, SensorFailed
from models.sensing.booked import (
    MAX_BYTES,
    Columns,
    Read,
    Row,
    Wanted,
    counted,
    csv_rows,
    json_rows,
    plain,
    steps_of,
)
from models.sensing.booked_ics import COLUMNS, ics_rows
from models.sensing.ticket_lines import Encoding
from models.site import Seconds, Site, Table, short_name

if TYPE_CHECKING:
    import aiohttp

_PATIENCE = 3
_AGAIN_S = 3600.0  # an unchanged day that is not today is told again so often
_OK = 200
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CANCELLED = ("cancelled", "canceled", "取消", "取り消し", "キャンセル", "true", "1")

Column = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""The name of a column; in JSON where it stands in an element, in a calendar a property."""


class BookedService(Table, frozen=True, kw_only=True):
    """Which rows are of a service."""

    service: Id
    column: Column | None = None  # None: all are
    words: tuple[str, ...] = msgspec.field(name="is", default=())


class BookingsSettings(Settings, frozen=True, kw_only=True):
    """One book in the site file."""

    source: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    format: Literal["csv", "json", "ics"]
    services: Annotated[tuple[BookedService, ...], msgspec.Meta(min_length=1)]
    date: Column | None = None
    time: Column | None = None  # None: the date has it
    count: Column | None = None  # None: each row is one
    places: Column | None = None
    cancelled: Column | None = None
    cancelled_is: tuple[str, ...] | None = None  # None: the usual words
    list: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] = ","
    encoding: Encoding = "utf-8"
    days: Annotated[int, msgspec.Meta(ge=1, le=28)] = 14
    every_s: Annotated[float, msgspec.Meta(ge=10, le=86_400)] = 300.0
    timeout_s: Seconds = 20.0
    token_file: str | None = None


class Bookings:
    """One book of reservations."""

    Settings: ClassVar = BookingsSettings

    def __init__(self, settings: BookingsSettings, site: Site) -> None:
        check_place(settings.source, "source")
        takes = {service.id for service in site.services if service.bookings is not None}
        for i, told in enumerate(settings.services):
            refer(site, f"services[{i}].service", "services", told.service)
            if told.service not in takes:
                want = f"want `bookings` of {told.service}, got none"
                raise BadSite(f"{want} - at `$.services[{i}].service`")
            if (told.column is None) != (not told.words):
                raise BadSite(f"want both of column, is or neither - at `$.services[{i}]`")
        self._settings = settings
        self._zone = site.zone_info
        self._columns = _columns(settings)
        self._wanted = tuple(
            Wanted(service=one.service, column=one.column, words=frozenset(map(plain, one.words)))
            for one in settings.services
        )
        self._told: dict[tuple[str, date], tuple[Reading, float]] = {}
        self._read_before = ""

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""
        return [Output("bookings", one.service) for one in self._wanted]

    async def run(self, port: Port) -> None:
        """Read until cancelled.

        Raises:
            SensorFailed: three times in a row nothing could be told.
        """
        source = self._settings.source
        place = host_of(source) if is_address(source) else short_name(source)
        failures = 0
        async with session(self._settings.timeout_s) as web:
            while True:
                try:
                    await self._tell(port, *await self._body(web))
                except BadPayload as error:
                    port.refuse(str(error))
                    failures += 1
                else:
                    failures = 0
                    await port.describe(f"{self._settings.format} of {place}")
                if failures == _PATIENCE:
                    raise SensorFailed(f"want reservations of {place}, got none {failures} times")
                await port.clock.sleep(self._settings.every_s)

    async def _tell(self, port: Port, body: bytes, at: datetime | None) -> None:
        """What is new, today in any case: that nothing has changed keeps it young.

        Args:
            port: where to.
            body: the book.
            at: when it was written; None is now.
        """
        today, now_s = port.clock.now().astimezone(self._zone).date(), port.clock.monotonic()
        read = await asyncio.to_thread(self._read, body, today)
        for why, times in self._newly_refused(body, read).items():
            for _ in range(times):
                port.refuse(why)
        self._told = {key: told for key, told in self._told.items() if key[1] >= today}
        for service, days in read.days.items():
            for reading in days:
                key = (service, reading.day)
                before, told_s = self._told.get(key, (None, 0.0))
                if reading != before or reading.day == today or now_s - told_s >= _AGAIN_S:
                    await port.emit(service, reading, at)
                    self._told[key] = reading, now_s

    def _read(self, body: bytes, today: date) -> Read:
        settings, columns = self._settings, self._columns
        return counted(self._rows(body), columns, self._wanted, self._zone, today, settings.days)

    def _rows(self, body: bytes) -> Sequence[Row]:
        settings, columns = self._settings, self._columns
        named = [one.column for one in self._wanted if one.column]
        if settings.format == "ics":
            return ics_rows(body, named)
        read = (columns.date, columns.time, columns.count, columns.places, columns.cancelled)
        named += [name for name in read if name]
        if settings.format == "csv":
            return csv_rows(body, settings.encoding, settings.delimiter, named)
        return json_rows(body, settings.list, named)

    def _newly_refused(self, body: bytes, read: Read) -> Counter[str]:
        """What is refused of a book that was not read before; else the same rows again."""
        digest = hashlib.sha256(body).hexdigest()
        before, self._read_before = self._read_before, digest
        return Counter() if digest == before else read.refused

    # ── where it comes from ───────────────────────────────────────────────────────────────────

    async def _body(self, web: "aiohttp.ClientSession") -> tuple[bytes, datetime | None]:
        """The book as it is now; of a file also when it was written: nobody may write it any more.

        Raises:
            BadPayload: it is not to be had.
        """
        source = self._settings.source
        if not is_address(source):
            return await asyncio.to_thread(_file, Path(source))
        import aiohttp  # noqa: PLC0415  only who polls pays for it

        try:
            return await self._fetch(web, source), None
        except (aiohttp.ClientError, TimeoutError, UnicodeError) as error:
            raise BadPayload(f"want an answer, got {type(error).__name__}") from None

    async def _fetch(self, web: "aiohttp.ClientSession", url: str) -> bytes:
        headers, host = await asyncio.to_thread(self._headers), host_of(url)
        for _ in range(1 + _MOST_REDIRECTS):
            async with web.get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status not in _REDIRECTS:
                    return await _all(answer)
                url = urljoin(url, answer.headers.get("Location", ""))
            if host_of(url) != host:  # who is sent elsewhere would take the token there
                raise BadPayload("want the same host over https, got a redirect to another")
        raise BadPayload(f"want at most {_MOST_REDIRECTS} redirects, got more")

    def _headers(self) -> dict[str, str]:
        if self._settings.token_file is None:
            return {}
        try:
            token = Path(secret_file(self._settings.token_file)).read_text("ascii").strip()
        except (OSError, UnicodeError):
            raise BadPayload("want a token in `token_file`, got none") from None
        if not token.isprintable():
            raise BadPayload("want one line in `token_file`, got more")
        return {"Authorization": f"Bearer {token}"}


def _columns(settings: BookingsSettings) -> Columns:
    """What the columns mean, for this format."""
    if settings.format == "ics":
        if settings.date or settings.time or settings.count or settings.places:
            raise BadSite("want no columns of a calendar, got some - at `$.format`")
        return COLUMNS
    if settings.date is None:
        raise BadSite(f"want the column of a {settings.format} book, got none - at `$.date`")
    if settings.format == "json":
        steps = {name: getattr(settings, name) for name in ("date", "time", "count", "places")}
        steps |= {"cancelled": settings.cancelled, "list": settings.list}
        steps |= {f"services[{i}].column": s.column for i, s in enumerate(settings.services)}
        for path, written in steps.items():
            if written:
                steps_of(written, path)
    return Columns(
        date=settings.date,
        time=settings.time,
        count=settings.count,
        places=settings.places,
        cancelled=settings.cancelled,
        cancelled_is=frozenset(map(plain, settings.cancelled_is or _CANCELLED)),
    )


def _file(path: Path) -> tuple[bytes, datetime]:
    try:
        if not path.is_file():  # a pipe would keep us for ever
            raise BadPayload("want a file, got none")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1), datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise BadPayload(f"want a file, got {type(error).__name__}") from None


async def _all(answer: "aiohttp.ClientResponse") -> bytes:
    if answer.status != _OK:
        raise BadPayload(f"want status {_OK}, got {answer.status}")
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise BadPayload(f"want at most {MAX_BYTES} bytes, got more")
    return bytes(body)
