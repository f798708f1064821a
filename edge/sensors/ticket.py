"""Lines of a ticket machine, from a serial port, from a TCP server or as a TCP server.

A connection that is lost is a SensorFailed: the agent says so, waits and connects again. Only a
machine that connects to us may come and go, as some do for every line.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import IO, Annotated, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from edge.sensors import Output, Port, Settings, refer
from models.contract.ids import Id
from models.contract.observations import TicketEvent
from models.errors import BadPayload, BadSite, SensorFailed
from models.sensing.ticket_lines import (
    EVENTS,
    Encoding,
    Lines,
    TicketFormat,
    TicketLine,
    TicketLines,
)
from models.site import Site, Table

_CHUNK = 4096
_CONNECT_S = 10
_MOST_CONNECTIONS = 8
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # dead within a minute


class SerialLine(Table, frozen=True, kw_only=True):
    """How a serial port is set; the query of its source."""

    baud: Annotated[int, msgspec.Meta(ge=50, le=4_000_000)] = 9600
    bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop: Literal[1, 2] = 1


class Source(msgspec.Struct, frozen=True):
    """Where the lines come from: `host` is the path of a serial port."""

    scheme: Literal["serial", "tcp", "listen"]
    host: str
    port: int = 0
    line: SerialLine = SerialLine()


class TicketSettings(Settings, frozen=True, kw_only=True):
    """One ticket machine in the site file; `TicketFormat` says what the keys mean."""

    source: str  # serial:///dev/ttyUSB0?baud=9600, tcp://host:port, listen://address:port
    pattern: Annotated[str, msgspec.Meta(max_length=1000)]
    services: dict[str, Id] | None = None  # None: the machine prints our ids
    events: dict[str, TicketEvent] | None = None  # None: it prints our words
    counters: dict[str, Id] | None = None  # None: it prints our ids; what is not among them is none
    service: Id | None = None
    event: TicketEvent | None = None
    number: str = "{number}"
    encoding: Encoding = "utf-8"
    at_format: str | None = None


class Ticket:
    """One ticket machine."""

    Settings: ClassVar = TicketSettings

    def __init__(self, settings: TicketSettings, site: Site) -> None:
        self._title = settings.source
        self._source = _source(settings.source)
        ids = {service.id: service.id for service in site.services}
        services = ids if settings.services is None else settings.services
        counters = settings.counters
        for word, service in services.items():
            refer(site, f"services.{word}", "services", service)
        for word, counter in (counters or {}).items():
            refer(site, f"counters.{word}", "counters", counter)
        if settings.service is not None:
            refer(site, "service", "services", settings.service)
        named = services.values() if settings.service is None else [settings.service]
        self._services = tuple(dict.fromkeys(named))
        self._lines = TicketLines(
            TicketFormat(
                pattern=settings.pattern,
                services=services,
                events=EVENTS if settings.events is None else settings.events,
                counters={c.id: c.id for c in site.counters} if counters is None else counters,
                service=settings.service,
                event=settings.event,
                number=settings.number,
                encoding=settings.encoding,
                at_format=settings.at_format,
                zone=site.zone_info,
            )
        )

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""
        return [Output("ticket", service) for service in self._services]

    def read(self, line: bytes) -> TicketLine:
        """What a line says.

        Raises:
            BadPayload: why it says nothing.
        """
        return self._lines.read(line)

    async def run(self, port: Port) -> None:
        """Read lines until cancelled.

        Raises:
            SensorFailed: no such port or machine, or the connection to it has ended.
        """
        if self._source.scheme == "listen":
            await self._listen(port)
        async with self._opened() as reader:
            await port.describe(f"lines from {self._title}")
            await self._take(reader, port, asyncio.Lock())
        raise SensorFailed(f"want lines from {self._title}, got the end of the connection")

    async def _take(self, reader: asyncio.StreamReader, port: Port, turn: asyncio.Lock) -> None:
        """Emit what the lines say, in their order, until the stream ends."""
        lines = Lines()
        while chunk := await _chunk(reader):
            async with turn:
                for line in lines.feed(chunk):
                    try:
                        said = self.read(line)
                    except BadPayload as error:
                        port.refuse(str(error))
                    else:
                        await port.emit(said.service, said.ticket, said.at)
        if lines.rest:
            port.refuse("want a line to its end, got the end of the connection")

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[asyncio.StreamReader]:
        """What we read from: a serial port or a TCP server."""
        source = self._source
        try:
            if source.scheme == "serial":
                reader, transport = await _serial(source.host, source.line)
            else:
                async with asyncio.timeout(_CONNECT_S):
                    reader, writer = await asyncio.open_connection(source.host, source.port)
                transport = writer.transport
                _keep_alive(writer)
        except (OSError, ValueError) as error:
            why = str(error) or "no answer"
            raise SensorFailed(f"want lines from {self._title}, got: {why}") from None
        try:
            yield reader
        finally:
            transport.close()

    async def _listen(self, port: Port) -> None:
        """Serve machines that connect to us. Never returns."""
        machines = asyncio.TaskGroup()
        turn = asyncio.Lock()
        count = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal count
            count += 1
            try:
                if count <= _MOST_CONNECTIONS:
                    await self._take(reader, port, turn)
                else:
                    port.refuse(f"want at most {_MOST_CONNECTIONS} connections, got another")
            finally:
                count -= 1
                writer.close()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            _keep_alive(writer)
            machines.create_task(serve(reader, writer), name=f"{self._title} connection")

        try:
            server = await asyncio.start_server(connected, self._source.host, self._source.port)
        except (OSError, ValueError) as error:
            raise SensorFailed(f"want to listen at {self._title}, got: {error}") from None
        try:
            async with machines:
                host, number = server.sockets[0].getsockname()[:2]
                await port.describe(f"lines at {host} port {number}")
                await asyncio.get_running_loop().create_future()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None  # the agent knows errors one at a time
        finally:
            server.close()


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    """The next bytes; none at the end, whichever way it came."""
    try:
        return await reader.read(_CHUNK)
    except OSError:
        return b""


async def _serial(
    path: str, line: SerialLine
) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    def opened() -> IO[bytes]:
        import serial  # noqa: PLC0415  only who has a serial port needs pyserial

        device: IO[bytes] = serial.Serial(
            path,
            baudrate=line.baud,
            bytesize=line.bits,
            parity=line.parity,
            stopbits=line.stop,
            exclusive=True,  # of two readers each would get half of the lines
        )
        return device

    device = await asyncio.to_thread(opened)
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), device
    )
    return reader, transport


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Find out that a machine is gone which could not say goodbye."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):  # Linux has them
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _source(text: str) -> Source:
    """Where the lines come from.

    Raises:
        BadSite: not of a form that we know.
    """
    try:
        parts = urlsplit(text)
        host, number = parts.hostname, parts.port
        if parts.scheme == "serial" and parts.path.startswith("/dev/") and not parts.netloc:
            line = msgspec.convert(dict(parse_qsl(parts.query)), SerialLine, strict=False)
            return Source("serial", parts.path, line=line)
    except ValueError as error:
        why = str(error).replace(" - at `$.", " as `").replace(" - at `$`", "")
        raise BadSite(f"want a source, got {text!r}: {why} - at `$.source`") from None
    match parts.scheme:
        case "tcp" if host and number and not parts.path and not parts.query:
            return Source("tcp", host, number)
        case "listen" if host and number is not None and not parts.path and not parts.query:
            return Source("listen", host, number)
    wanted = "serial:///dev/..., tcp://host:port or listen://address:port"
    raise BadSite(f"want {wanted}, got {text!r} - at `$.source`")
