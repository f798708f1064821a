"""A line between a client and the broker that can be cut, slowed, stalled or left half open."""

import asyncio
import contextlib

from broker.embedded import free_port

HOST = "127.0.0.1"
_CHUNK = 65536


class Proxy:
    """One client's line. It works everywhere, and is the same for all that are compared."""

    def __init__(self, broker_port: int) -> None:
        self.port = free_port()
        self.delay_s = 0.0
        self._broker_port = broker_port
        self._is_cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._links: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)

    def end(self) -> None:
        """Stop listening and drop all."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """The cable is out: all connections break, new ones are refused at once."""
        self._is_cut = True
        for ends in self._links:
            for end in ends:
                end.transport.abort()

    def stall(self) -> None:
        """Nothing gets through any more, and nobody is told."""
        self._flows.clear()

    def half_open(self) -> None:
        """The broker's side is gone; the client's side is still there, and silent."""
        self.stall()
        for _, upstream in self._links:
            upstream.transport.abort()

    def heal(self) -> None:
        """The line is as it should be; a client whose other side is gone is told now."""
        self._is_cut, self.delay_s = False, 0.0
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._is_cut:
                raise ConnectionError
            there, upstream = await asyncio.open_connection(HOST, self._broker_port)
        except OSError:
            writer.transport.abort()
            return
        link = (writer, upstream)
        self._links.add(link)
        try:
            await asyncio.wait(
                [
                    asyncio.ensure_future(self._pump(reader, upstream)),
                    asyncio.ensure_future(self._pump(there, writer)),
                ],
                return_when=asyncio.ALL_COMPLETED,
            )
        finally:
            self._links.discard(link)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flows.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
        await self._flows.wait()  # a stalled line does not tell that the other side is gone
        writer.transport.abort()
