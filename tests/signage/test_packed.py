"""Pages that leave compressed are the same pages."""

import gzip

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application
from hypothesis import given
from hypothesis import strategies as st

from signage.packed import filled, packed
from signage.stream import milliseconds
from signage.web import web_app
from tests.signage.office import Hub

STAMPS = {b"@NOW@": b"1795482000000", b"@TAG@": b"7-12"}


@given(
    st.lists(st.sampled_from([b"@NOW@", b"@TAG@", b"<p>12</p>", b"@"]) | st.binary(), max_size=9)
)
def test_packed_or_plain_it_is_the_same_page(parts: list[bytes]) -> None:
    page = b"".join(parts)
    assert gzip.decompress(packed(page, STAMPS)) == filled(page, STAMPS)


@pytest.fixture
def app(hub: Hub) -> Application:
    return web_app(hub.site, hub.mirror, hub.clock)


@pytest.mark.parametrize("path", ["/", "/part", "/text", "/static/page.css"])
async def test_who_takes_gzip_gets_less_and_reads_the_same(
    hub: Hub, app: Application, path: str
) -> None:
    hub.busy()
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        plain = await client.get(path, headers={"Accept-Encoding": "identity"})
        short = await client.get(path, headers={"Accept-Encoding": "br, gzip"})
        body, packed_body = await plain.read(), await short.read()
    assert "Content-Encoding" not in plain.headers
    assert short.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed_body) == body
    assert len(packed_body) < len(body) / 2
    for answer in (plain, short):
        assert "Accept-Encoding" in ", ".join(answer.headers.getall("Vary"))


async def test_each_reader_gets_the_moment_of_its_own(hub: Hub, app: Application) -> None:
    hub.busy()
    moments = []
    async with TestClient(TestServer(app)) as client:
        for _ in range(3):
            moments.append(f'data-now="{milliseconds(hub.clock.now())}"')
            assert moments[-1] in await (await client.get("/")).text()
            hub.clock.move(1)
    assert len(set(moments)) == 3
