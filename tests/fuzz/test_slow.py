"""Senders that never finish must not keep the others waiting."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from models.site import parse
from signage.mirror import Mirror
from signage.serving import runner_of
from signage.web import web_app
from tests.conftest import ROOT
from tests.fuzz.watch import resident_mib
from tests.signage.office import HandClock

MANY = 300
HALVES = [
    b"",
    b"GET / HTT",
    b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nslow",
    b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\nslow",
    b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
]


@pytest.mark.parametrize(
    "half", HALVES, ids=["nothing", "a word", "a header", "a body", "a chunk", "a stream"]
)
async def test_slow_senders_hold_up_nobody_and_leave_nothing(half: bytes) -> None:
    runner = runner_of(await asyncio.to_thread(application))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        assert await answered(port)
        quiet, before_mib = len(asyncio.all_tasks()), resident_mib()
        async with AsyncExitStack() as stack:
            for _ in range(MANY):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                stack.push_async_callback(gone, writer)
                writer.write(half)
                await writer.drain()
            async with asyncio.timeout(1):
                assert await answered(port)
            assert resident_mib() - before_mib < 30
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > quiet:
                await asyncio.sleep(0.01)
    finally:
        await runner.cleanup()


def application() -> web.Application:
    """The residents' pages of the example office."""
    site = parse((ROOT / "ansible" / "sites" / "example.toml").read_text("utf-8"))
    clock = HandClock()
    return web_app(site, Mirror(site, clock), clock)


async def answered(port: int) -> bool:
    """Whether an ordinary request is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /text HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    said = await reader.read()
    await gone(writer)
    return said.startswith(b"HTTP/1.1 200")


async def gone(writer: asyncio.StreamWriter) -> None:
    """Part."""
    writer.close()
    try:
        await writer.wait_closed()
    except ConnectionError:
        return
