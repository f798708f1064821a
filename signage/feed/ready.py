"""A response that was encoded before anybody asked for it."""

import email.utils
from datetime import datetime
from http import HTTPStatus

import msgspec
from aiohttp import HttpVersion11, hdrs, web

from signage.cache import Rendered

_FULL_BYTES = 1 << 16  # unread by a client that asks on and on
_CACHED_S = 1  # by the proxy in front
_STEP_S = 2  # a proxy counts whole seconds: what it may keep for one is kept for less than two


class _Encoded(msgspec.Struct, frozen=True):
    """Head and body, and the head alone, as they were written in one second."""

    source: Rendered
    second: int
    whole: bytes
    unchanged: bytes


class Ready:
    """Answers to one address, encoded once a change and second, for they carry the `Date`.

    Args:
        headers: in addition to those that every answer has.
        speed: how many seconds pass for us while one passes for a proxy.
    """

    def __init__(self, headers: dict[str, str], speed: float) -> None:
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._speed = speed
        self._encoded: _Encoded | None = None

    def answer(
        self, request: web.Request, rendered: Rendered, now: datetime
    ) -> web.StreamResponse | None:
        """The plain case, which is nearly every one; None for whoever asks in another way."""
        if (
            request.method != hdrs.METH_GET
            or request.version != HttpVersion11
            or not request.keep_alive
        ):
            return None
        encoded = self._encoded
        second = int(now.timestamp())
        if encoded is None or encoded.source is not rendered or encoded.second != second:
            encoded = self._encoded = self._encode(rendered, now, second)
        known = request.headers.get(hdrs.IF_NONE_MATCH)
        if known is None:
            return _Answer(encoded.whole)
        return _Answer(encoded.unchanged) if known == f'"{rendered.etag}"' else None

    def _encode(self, rendered: Rendered, now: datetime, second: int) -> _Encoded:
        common = (
            f'ETag: "{rendered.etag}"\r\n'
            f"Date: {email.utils.format_datetime(now, usegmt=True)}\r\n"
            f"X-Accel-Expires: {self.proxy_s(rendered, now)}\r\n{self._headers}\r\n"
        )
        return _Encoded(
            rendered,
            second,
            f"{_first(HTTPStatus.OK)}Content-Length: {len(rendered.body)}\r\n{common}".encode()
            + rendered.body,
            f"{_first(HTTPStatus.NOT_MODIFIED)}{common}".encode(),
        )

    def proxy_s(self, rendered: Rendered, now: datetime) -> int:
        """How long a proxy may keep it: not at all when something in it is about to run out."""
        left_s = (rendered.good_until - now).total_seconds() / self._speed
        return _CACHED_S if left_s > _STEP_S else 0


class _Answer(web.StreamResponse):
    """Goes to the connection as it is."""

    def __init__(self, message: bytes) -> None:
        super().__init__()
        self._message = message

    @property
    def keep_alive(self) -> bool:
        """Only who keeps the connection is answered so."""
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send it, and wait for a reader that has much unread."""
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("want a connection, got one that is closed")
        transport.write(self._message)
        if transport.get_write_buffer_size() > _FULL_BYTES:
            await request.writer.drain()

    async def write_eof(self, data: bytes = b"") -> None:
        """All is sent."""


def _first(status: HTTPStatus) -> str:
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n"
