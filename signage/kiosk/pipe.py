"""Chrome's DevTools protocol over two pipes: nothing listens, so nobody else can drive the browser.

Source: chromedevtools.github.io/devtools-protocol; `--remote-debugging-pipe` reads JSON that ends
with a NUL from file 3 and answers on file 4.
"""

import asyncio
import itertools
import os
from collections.abc import Callable
from typing import Any

import msgspec

from models.errors import Unavailable

_ANSWER_S = 5.0
_LONGEST_BYTES = 64 << 20
"""A picture of a 4K screen, in base64, and room to spare."""


class Said(msgspec.Struct, frozen=True):
    """An answer, or an event if it has no id."""

    id: int | None = None
    method: str = ""
    params: dict[str, Any] = {}
    result: dict[str, Any] = {}
    error: dict[str, Any] | None = None


OnEvent = Callable[[Said], None]


class Pipe(asyncio.Protocol):
    """One browser's end of the line. `on_event` is called in the loop."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self._writer: asyncio.WriteTransport | None = None
        self._reader: asyncio.BaseTransport | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Said]] = {}
        self._unread = bytearray()
        self._decode = msgspec.json.Decoder(Said).decode

    async def open(self, reading: int, writing: int) -> None:
        """Take both files over; they are closed by `close`."""
        loop = asyncio.get_running_loop()
        reads, writes = os.fdopen(reading, "rb", 0), os.fdopen(writing, "wb", 0)
        self._writer, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, writes)
        self._reader, _ = await loop.connect_read_pipe(lambda: self, reads)

    def tell(self, method: str, session: str = "", **params: object) -> int:
        """Send a command; gives the number of its answer.

        Raises:
            Unavailable: the browser has ended.
        """
        if self._writer is None or self._writer.is_closing():
            raise Unavailable(f"want the browser to {method}, it has ended")
        number = next(self._numbers)
        told: dict[str, object] = {"id": number, "method": method, "params": params}
        if session:
            told["sessionId"] = session
        self._writer.write(msgspec.json.encode(told) + b"\0")
        return number

    async def ask(
        self, method: str, session: str = "", *, patience_s: float = _ANSWER_S, **params: object
    ) -> dict[str, Any]:
        """Send a command and wait for its answer.

        Raises:
            Unavailable: the browser has ended, it refuses, or it hangs.
        """
        number = self.tell(method, session, **params)
        answer: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(patience_s):
                said = await answer
        except TimeoutError:
            raise Unavailable(f"want {method} within {patience_s:g} s, got no answer") from None
        finally:
            del self._waiting[number]
        if said.error is not None:
            why = str(said.error.get("message", said.error))[:200]
            raise Unavailable(f"want the browser to {method}, got: {why}")
        return said.result

    def close(self) -> None:
        """Let go: a browser whose pipe is closed ends by itself."""
        for transport in (self._writer, self._reader):
            if transport is not None:
                transport.close()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._unread += data
        *whole, rest = self._unread.split(b"\0")
        if len(rest) > _LONGEST_BYTES:
            self.close()
            return
        self._unread = rest
        for message in whole:
            self._hear(bytes(message))

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop: nobody will answer any more."""
        _ = exc
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unavailable("want an answer of the browser, it has ended"))

    def _hear(self, message: bytes) -> None:
        said = self._decode(message)
        if said.id is None:
            self._on_event(said)
            return
        answer = self._waiting.get(said.id)
        if answer is not None and not answer.done():
            answer.set_result(said)
