"""Hostile requests to the real web process's application, over a real socket."""

import asyncio
import contextlib
import logging
import re
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from models.contract import topics
from models.contract.codec import encode
from models.contract.results import ServiceResult, State
from models.site import parse
from signage.mirror import Mirror
from signage.serving import runner_of
from signage.web import web_app
from tests.conftest import ROOT
from tests.fuzz.watch import One
from tests.signage.office import NOON, HandClock

_PIECES = 8  # a request comes in at most so many
_ANSWER_S = 5.0  # a request that is whole, or whose sender has gone, is answered in this time
_MOST_TASKS = 60  # of connections that are being closed
_STRANGE_EXPECT = re.compile(rb"(?i)expect\s*:[^\r\n]*[\x80-\xff]")
"""aiohttp 3.14 itself answers 500: it fails to encode its own refusal. No harm beyond that."""

REQUESTS = [
    b"\x00GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00GET /?lang=en HTTP/1.1\r\nHost: a\r\nAccept-Language: ja\r\n\r\n",
    b"\x00GET /part?lang=ja&lang=en HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x03GET /text HTTP/1.0\r\n\r\n",
    b'\x00GET /api/v1/sites HTTP/1.1\r\nHost: a\r\nIf-None-Match: *, "x", W/"y"\r\n\r\n',
    b'\x00GET /api/v1/sites/minami HTTP/1.1\r\nHost: a\r\nIf-None-Match: "\r\n\r\n',
    b"\x00GET /api/v1/sites/%2e%2e%2f HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00GET /api/v1/sites/minami/stream HTTP/1.1\r\nHost: a\r\nLast-Event-ID: 7\r\n\r\n",
    b"\x00HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00GET /static/../machiai.py HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00GET /static/page.css HTTP/1.1\r\nHost: a\r\nRange: bytes=5-1,-0,9-\r\n\r\n",
    b"\x00GET /static/%00 HTTP/1.1\r\nHost: a\r\nRange: bytes=-99999999999999999999\r\n\r\n",
    b"\x00GET /ticket?number=%ff%ed%a0%80%ef%bc%a1+7&service=moving HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00GET /ticket/part?number=a%00%0d%0a&lang=ko HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00GET /api/v1/sites/minami/tickets/%ff%2f%ed%a0%80?service=x HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00GET /lobby/lobby-1 HTTP/1.1\r\nHost: a\r\nCookie: a=b; c\r\n\r\n",
    b"\x00GET /lobby/lobby-1/part HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    b"\x00GET /?" + b"a=%ff&" * 1000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    b"\x05POST /api/v1/sites HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nslow",
    b"\x05PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nffffffff\r\n",
    b"\x00OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x00GET http://b/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"\x00GET / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
]  # fmt: skip


class _Errors(logging.Handler):
    """Keeps what aiohttp logs when a handler of ours breaks."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        # Logged too, and no fault: a request that cannot be parsed, a sender who has gone.
        if not isinstance(cause, HttpProcessingError | ConnectionError):
            self.said.append(record)


def http() -> One:
    """The residents' pages and the feed; every input is sent as one connection's bytes."""
    site = parse((ROOT / "ansible" / "sites" / "example.toml").read_text("utf-8"))
    clock = HandClock()
    mirror = Mirror(site, clock)
    mirror.connection(up=True)
    mirror.apply(topics.device(site.id, "hub", "state"), encode(State(state="ready")), retain=True)
    busy = ServiceResult(at=NOON, observed_at=NOON, valid_until=NOON, state="open", waiting=4)
    mirror.apply(topics.result(site.id, "service", "moving"), encode(busy), retain=True)
    loop = asyncio.new_event_loop()
    wrong: list[object] = []
    loop.set_exception_handler(lambda _, context: wrong.append(context))
    errors = _Errors()
    for name in ("aiohttp.server", "aiohttp.web"):
        logging.getLogger(name).addHandler(errors)
        logging.getLogger(name).propagate = False
    app = web_app(site, mirror, clock)
    port = loop.run_until_complete(_begin(runner_of(app)))

    def one(data: bytes) -> None:
        if _STRANGE_EXPECT.search(data):
            return
        said = loop.run_until_complete(_ask(port, data))
        assert not re.match(rb"HTTP/1\.[01] 5(?!0[15])", said), said[:300]
        assert not wrong, wrong[0]
        assert not errors.said, (errors.said[0].getMessage(), errors.said[0].exc_info)
        assert len(asyncio.all_tasks(loop)) < _MOST_TASKS, "tasks of closed connections stay"

    return one


async def _begin(runner: web.AppRunner) -> int:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address: Any = runner.addresses[0]
    return int(address[1])


async def _ask(port: int, data: bytes) -> bytes:
    """Send the bytes in so many pieces as the first says, part, and give the answer's beginning."""
    pieces, request = 1 + (data[0] if data else 0) % _PIECES, data[1:]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    try:
        size = max(1, -(-len(request) // pieces))
        with contextlib.suppress(OSError):
            for start in range(0, len(request), size):
                writer.write(request[start : start + size])
                await writer.drain()
                await asyncio.sleep(0)
            writer.write_eof()
        async with asyncio.timeout(_ANSWER_S):
            with contextlib.suppress(OSError):
                said = await reader.read(4096)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return said
