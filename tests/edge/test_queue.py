import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from broker.clock import Clock
from edge.sensors import Output, Sensor, sensors_of
from models.contract.observations import Queue
from models.errors import BadSite, SensorFailed
from tests.edge.recording import Emitted, Recording, example, made, office, running

JSON = [
    {
        "service": "certificates",
        "waiting": "/desks/0/wait",
        "called": "/desks/0/no",
        "open": "/open",
    },
    {"service": "moving", "waiting": "/desks/1/wait"},
]
HTML = [
    {"service": "certificates", "waiting": "証明 {waiting}人", "called": "呼出 {called}"},
    {"service": "moving", "waiting": "html: 届出</th><td>{waiting}人"},
]

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(page: Page) -> AsyncIterator[str]:
    """A vendor's server on a free port; yields the address of its page."""
    application = web.Application()
    application.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/display"
    finally:
        await runner.cleanup()


async def poll(url: str, services: list[dict[str, str]], **settings: object) -> Sensor:
    return await asyncio.to_thread(
        lambda: made(kind="queue", url=url, services=services, every_s=1, **settings)
    )


def fast() -> Recording:
    """A port whose seconds take 10 ms."""
    return Recording(Clock(speed=100))


async def failure(sensor: Sensor) -> tuple[str, dict[str, int]]:
    """With what a sensor fails, and what it had refused."""
    port = fast()
    with pytest.raises(SensorFailed) as failed:
        async with asyncio.timeout(20):
            await sensor.run(port)
    assert port.emitted.empty()
    return str(failed.value), dict(port.refused)


async def test_a_json_page_is_polled_again_and_again() -> None:
    waits = iter(range(100))

    async def page(_: web.Request) -> web.Response:
        desks = [{"wait": next(waits), "no": "A１２"}, {"wait": "３"}]
        return web.json_response({"desks": desks, "open": 2})

    port = fast()
    async with served(page) as url:
        sensor = await poll(url, JSON)
        assert sensor.outputs() == [Output("queue", "certificates"), Output("queue", "moving")]
        async with running(sensor, port) as basis:
            assert basis == "page of 127.0.0.1"
            seen = await port.take(6)
    assert seen[0::2] == [
        Emitted("certificates", Queue(waiting=i, called="A12", open=2), None) for i in range(3)
    ]
    assert seen[1::2] == [Emitted("moving", Queue(waiting=3), None)] * 3


@pytest.mark.parametrize("charset", ["utf-8", "shift_jis", "euc-jp"])
async def test_an_html_page_is_read_in_the_encoding_of_its_server(charset: str) -> None:
    text = "<tr><th>証明</th><td>１２人</td></tr><tr><th>届出</th><td>0人</td></tr> 呼出 A007"

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=text.encode(charset), content_type="text/html", charset=charset)

    port = fast()
    async with served(page) as url, running(await poll(url, HTML), port):
        assert await port.take(2) == [
            Emitted("certificates", Queue(waiting=12, called="A007"), None),
            Emitted("moving", Queue(waiting=0), None),
        ]


async def test_a_service_that_is_missing_on_the_page_hides_no_other() -> None:
    async def page(_: web.Request) -> web.Response:
        return web.json_response({"desks": [{"wait": None}, {"wait": 4}]})

    port = fast()
    async with served(page) as url, running(await poll(url, JSON), port):
        assert await port.take(5) == [Emitted("moving", Queue(waiting=4), None)] * 5
        assert set(port.refused) == {"want people waiting for certificates, got none"}


async def test_a_redirect_is_followed_on_the_same_host_only() -> None:
    async def page(request: web.Request) -> web.Response:
        if request.path == "/display":
            raise web.HTTPFound("/new")
        return web.json_response({"desks": [{"wait": 1}, {"wait": 2}]})

    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://localhost:1/")

    async def round_and_round(_: web.Request) -> web.Response:
        raise web.HTTPFound("/again")

    port = fast()
    async with served(page) as url, running(await poll(url, JSON), port):
        assert (await port.take(1))[0].reading == Queue(waiting=1)
    async with served(away) as url:
        _, refused = await failure(await poll(url, JSON))
    assert refused == {"want a page of the same host, got a redirect to another": 3}
    async with served(round_and_round) as url:
        _, refused = await failure(await poll(url, JSON))
    assert refused == {"want at most 3 redirects, got more": 3}


async def test_after_three_polls_in_vain_the_sensor_has_failed() -> None:
    async def broken(_: web.Request) -> web.Response:
        raise web.HTTPServiceUnavailable

    async def nonsense(_: web.Request) -> web.Response:
        return web.Response(text="under construction")

    async def too_large(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * (1024 * 1024 + 1))

    async def hangs(_: web.Request) -> web.Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    async def hangs_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    expected: list[tuple[Page, dict[str, int]]] = [
        (broken, {"want status 200, got 503": 3}),
        (
            nonsense,
            {
                "want people waiting for certificates, got none": 3,
                "want people waiting for moving, got none": 3,
            },
        ),
        (too_large, {"want a page of at most 1048576 bytes, got a larger one": 3}),
        (hangs, {"want the page, got TimeoutError": 3}),
        (hangs_up, {"want the page, got ServerDisconnectedError": 3}),
    ]
    for page, reasons in expected:
        async with served(page) as url:
            said, refused = await failure(await poll(url, HTML, timeout_s=0.2))
        assert said == "want numbers of 127.0.0.1, got none 3 times"
        assert refused == reasons


async def test_a_page_that_stands_still_is_no_number_of_now() -> None:
    port = fast()
    polls = 0

    async def page(_: web.Request) -> web.Response:
        nonlocal polls
        polls += 1
        at = port.clock.now() - (polls > 1) * timedelta(hours=1)
        desks = [{"wait": polls}, {"wait": polls}]
        return web.json_response({"desks": desks, "at": at.isoformat()})

    async with served(page) as url:
        sensor = await poll(url, JSON, updated="json: at", fresh_s=1800)
        with pytest.raises(SensorFailed):
            async with asyncio.timeout(20):
                await sensor.run(port)
    assert [one.reading for one in await port.take(2)] == [Queue(waiting=1)] * 2
    assert port.emitted.empty()
    assert {why.partition(",")[0] for why in port.refused} == {"want a page of the last 1800 s"}


async def test_a_good_poll_between_makes_up_for_two_in_vain() -> None:
    count = 0

    async def page(_: web.Request) -> web.Response:
        nonlocal count
        count += 1
        if count % 3:
            raise web.HTTPServiceUnavailable
        return web.json_response({"desks": [{"wait": count}, {"wait": 0}]})

    port = fast()
    async with served(page) as url, running(await poll(url, JSON), port):
        seen = await port.take(6)
    assert [reading for name, reading, _ in seen if name == "certificates"] == [
        Queue(waiting=3),
        Queue(waiting=6),
        Queue(waiting=9),
    ]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://a..b/", "http://" + "x" * 99 + "/"])
async def test_a_server_that_cannot_be_reached_is_one_clear_line(url: str) -> None:
    said, refused = await failure(await poll(url, JSON))
    assert said.startswith("want numbers of ")
    assert sum(refused.values()) == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "ftp://h/"}, "want http://... or https://..., got 'ftp://h/' - at `{}.url`"),
        ({"url": "http://[x/"}, "want http://... or https://..., got 'http://[x/' - at `{}.url`"),
        ({"every_s": 0.1}, "Expected `float` >= 1.0 - at `{}.every_s`"),
        ({"services": []}, "Expected `array` of length >= 1 - at `{}.services`"),
        (
            {"services": [{"service": "x", "waiting": "/a"}]},
            "want one of `services`, got 'x' - at `{}.services[0].service`",
        ),
        (
            {"services": [{"service": "moving", "waiting": "/a", "open": "x"}]},
            "want {{open}} once in 'x' - at `{}.services[0].open`",
        ),
    ],
)
def test_a_page_that_cannot_be_is_refused_with_its_path(
    settings: dict[str, object], message: str
) -> None:
    site = office({"kind": "queue", "url": "http://h/", "services": JSON} | settings)
    with pytest.raises(BadSite) as refused:
        sensors_of(site, site.device("pi"))
    assert str(refused.value) == message.format(f"$.devices[{len(example().devices)}].sensors[0]")
