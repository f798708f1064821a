"""Server-sent events: each is encoded once and written to every reader's transport."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from datetime import datetime

import msgspec
from aiohttp import HttpVersion11, web

from signage.cache import Source

PING_S = 15.0
_GATHER_S = 0.001  # what the hub says in one breath goes out as one
_CALM_S = 0.05  # and then nothing for so long: changes closer together go out as one
_RETRY_MS = (1000, 4000)  # each reader is told another pause, so that they do not all come at once
_BEHIND_BYTES = (
    1 << 20
)  # a reader that has so much unread is let go; it gets a snapshot when it returns


class Reader:
    """One open connection."""

    def __init__(self, transport: asyncio.Transport, chunked: bool) -> None:  # noqa: FBT001
        """Take whether it reads HTTP/1.1 chunks; a proxy of HTTP/1.0 does not."""
        self._transport = transport
        self._chunked = chunked
        self.gone = asyncio.Event()

    def write(self, events: bytes, chunk: bytes | None = None) -> None:
        """Send, and let go whoever has left or does not read."""
        transport = self._transport
        if transport.is_closing():
            self.gone.set()
        elif transport.get_write_buffer_size() > _BEHIND_BYTES:
            transport.abort()
            self.gone.set()
        else:
            transport.write((chunk or _chunk(events)) if self._chunked else events)


class Stream:
    """The readers of one source."""

    def __init__(self, source: Source, told: Callable[[], bytes]) -> None:
        """Take what a snapshot tells, in one line."""
        self._source = source
        self._told = told
        self._readers: set[Reader] = set()
        self._pump: asyncio.Task[None] | None = None

    @property
    def readers(self) -> int:
        """How many listen now."""
        return len(self._readers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One reader, until it goes."""
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                "Access-Control-Allow-Origin": "*",
            }
        )
        with contextlib.suppress(ConnectionError):  # who is gone already is no fault
            await response.prepare(request)
        transport = request.transport
        if request.method == "HEAD" or transport is None:
            return response
        reader = Reader(transport, request.version >= HttpVersion11)
        retry = random.randint(*_RETRY_MS)  # noqa: S311  jitter, no secret
        known = request.headers.get("Last-Event-ID") == self._source.tag
        news = b"" if known else self._snapshot()
        reader.write(f"retry: {retry}\n\n".encode() + news + self._ping())
        self._readers.add(reader)
        try:
            await reader.gone.wait()
        finally:
            self._readers.discard(reader)
        with contextlib.suppress(ConnectionError):
            await response.write_eof()
        return response

    def start(self) -> None:
        """Begin to send; from here to `close` it lives in the running loop."""
        self._pump = asyncio.create_task(self._run(), name="stream")

    async def _run(self) -> None:
        """Tell the readers of each change and, when there is none, that we are still here."""
        version = self._source.version
        while True:
            try:
                async with asyncio.timeout(PING_S):
                    await self._source.changed(version)
            except TimeoutError:
                self._send(self._ping())
                continue
            await asyncio.sleep(_GATHER_S)
            version = self._source.version
            self._send(self._snapshot() + self._ping())
            await asyncio.sleep(_CALM_S)

    async def close(self) -> None:
        """Let all readers go."""
        for reader in self._readers:
            reader.gone.set()
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump

    def _send(self, events: bytes) -> None:
        chunk = _chunk(events)
        for reader in self._readers:
            reader.write(events, chunk)

    def _snapshot(self) -> bytes:
        said = f"id: {self._source.tag}\nevent: snapshot\ndata: "
        return said.encode() + self._told() + b"\n\n"

    def _ping(self) -> bytes:
        now = self._source.clock.now()
        return b"event: ping\ndata: " + msgspec.json.encode({"now": milliseconds(now)}) + b"\n\n"


def milliseconds(at: datetime) -> int:
    """Since 1970, as JavaScript counts."""
    return round(at.timestamp() * 1000)


def _chunk(events: bytes) -> bytes:
    """One chunk of HTTP/1.1, so that it can go to a transport as it is."""
    return b"%x\r\n%b\r\n" % (len(events), events)
