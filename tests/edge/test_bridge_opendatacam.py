"""OpenDataCam's counting areas, from answers as its API documentation shows them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from broker.clock import starting_at
from edge.sensors import Output, Sensor, sensors_of
from models.contract.observations import Crossing
from models.errors import BadSite, SensorFailed
from tests.edge.recording import Recording, example, made, office, running

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)
AREA = "94afa4f8-1d24-4011-a481-ad3036e959b4"
OUT = Crossing(direction="out")
Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Camera:
    """What an OpenDataCam says of its newest recording."""

    def __init__(self, port: Recording) -> None:
        self._port = port
        self.recording, self.people, self.still_s = "5cc3400252340f451cd7397a", 7, 0.0
        self.asked, self._news = 0, asyncio.Event()

    def answer(self) -> dict[str, Any]:
        end = self._port.clock.now() - timedelta(seconds=self.still_s)
        area = {"color": "yellow", "type": "leftright_topbottom", "name": "door out"}
        recording = {
            "_id": self.recording,
            "dateStart": "2026-11-24T00:30:00.000Z",
            "dateEnd": end.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "areas": {AREA: area, "other": {**area, "name": "street"}},
            "counterSummary": {AREA: {"person": self.people, "car": 3, "_total": self.people + 3}},
            "trackerSummary": {"totalItemsTracked": 566},
        }
        return {"offset": 0, "limit": 1, "total": 51, "recordings": [recording]}

    async def page(self, request: web.Request) -> web.StreamResponse:
        assert request.path_qs == "/recordings?offset=0&limit=1"
        self.asked += 1
        self._news.set()
        return web.json_response(self.answer())

    async def looked_at(self) -> None:
        until = self.asked + 2
        async with asyncio.timeout(20):
            while self.asked < until:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def served(page: Page) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/recordings", page)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def sensor(url: str) -> Sensor:
    settings = {"url": url, "area": "door out", "line": "entrance", "direction": "out"}
    return await asyncio.to_thread(lambda: made(kind="opendatacam", **settings))


async def test_who_crosses_is_told_once_and_who_had_crossed_before_is_not() -> None:
    port = Recording(starting_at(TEN, 100))
    camera = Camera(port)
    async with served(camera.page) as url:
        eye = await sensor(url)
        assert eye.outputs() == [Output("crossing", "entrance")]
        async with running(eye, port) as basis:
            assert basis == "OpenDataCam door out"
            await camera.looked_at()
            camera.people += 2
            assert [one.reading for one in await port.take(2)] == [OUT, OUT]
            camera.recording, camera.people = "5d1cb11e445cae3654e2274a", 1  # begun anew
            assert [one.reading for one in await port.take(1)] == [OUT]
            await camera.looked_at()
    assert port.emitted.empty()
    assert not port.refused


async def _failure(page: Page) -> tuple[str, dict[str, int]]:
    port = Recording(starting_at(TEN, 100))
    async with served(page) as url:
        with pytest.raises(SensorFailed) as failed:
            await (await sensor(url)).run(port)
    assert port.emitted.empty()
    return str(failed.value), dict(port.refused)


async def test_a_recording_that_stands_still_is_a_failure() -> None:
    camera = Camera(Recording(starting_at(TEN, 100)))
    camera.still_s = 3600
    said, refused = await _failure(camera.page)
    still = "want a recording that goes on, got one that stands still"
    assert said == f"want OpenDataCam door out: {still}"
    assert refused == {still: 3}


def _answers(body: bytes, status: int = 200) -> Page:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status)

    return page


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[" * 50_000,
        b"[]",
        b'{"recordings":[]}',
        b'{"recordings":[{"_id":7}]}',
        b'{"recordings":[{"_id":"a","areas":{"x":{"name":"street"}}}]}',
        b'{"recordings":[{"_id":"a","areas":{"x":{"name":"door out"},"y":{"name":"door out"}}}]}',
        (
            b'{"recordings":[{"_id":"a","areas":{"x":{"name":"door out"}},'
            b'"counterSummary":{"x":{"person":-1}}}]}'
        ),
        b"x" * (1024 * 1024 + 1),
    ],
)
async def test_what_is_no_such_answer_is_refused(body: bytes) -> None:
    _, refused = await _failure(_answers(body))
    assert sum(refused.values()) == 3


async def test_an_error_is_a_failure_and_a_redirect_is_not_followed() -> None:
    _, refused = await _failure(_answers(json.dumps({}).encode(), status=500))
    assert refused == {"want status 200, got 500": 3}

    async def away(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://127.0.0.1:1/")

    _, refused = await _failure(away)
    assert refused == {"want status 200, got 302": 3}


GOOD = {
    "kind": "opendatacam",
    "url": "http://192.0.2.60:8080",
    "area": "door out",
    "line": "entrance",
    "direction": "out",
}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "ftp://h"}, None),
        ({"url": "http://a:b@h"}, None),
        ({"every_s": 0.1}, "Expected `float` >= 1.0 - at `{}.every_s`"),
        ({"line": "x"}, "want one of `lines`, got 'x' - at `{}.line`"),
        ({"direction": None}, "want `in` or `out`, got none - at `{}.direction`"),
        (
            {"line": None, "direction": None, "zone": "lobby"},
            "want a gate or a line - at `{}.zone`",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(
    settings: dict[str, object], message: str | None
) -> None:
    given = {key: value for key, value in (GOOD | settings).items() if value is not None}
    site = office(given)
    with pytest.raises(BadSite) as refused:
        sensors_of(site, site.device("pi"))
    path = f"$.devices[{len(example().devices)}].sensors[0]"
    assert path in str(refused.value)
    if message is not None:
        assert str(refused.value) == message.format(path)
