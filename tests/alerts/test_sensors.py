"""Alerts from real files and real servers: each change is told once, also over a restart."""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from broker.clock import starting_at
from edge.sensors import Output, Sensor, sensors_of
from models.contract.observations import PostNotice
from models.errors import BadSite, SensorFailed
from tests.alerts.test_cap import HERE, at
from tests.edge.recording import Emitted, Recording, made, office, running

CASES, REPORTS = HERE / "cases", HERE / "jma"


def port_at(folder: Path, clock: str = "10:05", speed: float = 20) -> Recording:
    """A port whose seconds take 50 ms, from a moment of 24 November on."""
    return Recording(starting_at(at(clock), speed), folder)


async def sensor(kind: str = "cap", **settings: object) -> Sensor:
    return await asyncio.to_thread(lambda: made(kind=kind, **settings))


def put(name: str, path: Path) -> None:
    """A file as a careful office puts it: whole or not at all."""
    part = path.with_suffix(".part")
    shutil.copyfile(CASES / name, part)
    part.rename(path)


def notice_of(emitted: Emitted) -> PostNotice:
    assert isinstance(emitted.reading, PostNotice)
    return emitted.reading


async def heads(port: Recording, count: int) -> list[str]:
    """What the next observations say, in a word each."""
    said = []
    for emitted in await port.take(count):
        notice = notice_of(emitted)
        said.append("over" if notice.cancel else notice.texts["ja"].splitlines()[0])
    return said


async def looked(port: Recording) -> None:
    """Wait until what was told is remembered, too."""
    while not port.described.empty():
        port.described.get_nowait()
    async with asyncio.timeout(20):
        await port.described.get()


FLOOD, LOWER = "川の水があふれます", "水位が下がりました"


# ── files ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_is_watched(tmp_path: Path) -> None:
    path, port = tmp_path / "now.xml", port_at(tmp_path)
    watched = await sensor(source=str(path))
    assert watched.outputs() == [Output("notice", "cap")]
    async with running(watched, port) as basis:
        assert basis == f"alerts of {path}"
        await asyncio.to_thread(put, "flood.xml", path)
        (first,) = await port.take(1)
        assert notice_of(first) == PostNotice(
            by="南区役所",
            severity="emergency",
            until=at("12:00"),
            texts={"ja": FLOOD},
        )
        await asyncio.to_thread(put, "flood-update.xml", path)
        (second,) = await port.take(1)
        assert (second.name, notice_of(second).severity) == (first.name, "warning")
        await asyncio.to_thread(put, "flood-cancel-all.xml", path)
        (third,) = await port.take(1)
        assert third == Emitted(first.name, PostNotice(by="南区役所", cancel=True), None)
        await asyncio.to_thread(put, "flood.xml", path)  # a replay
        await asyncio.to_thread(put, "flood-other.xml", path)
        assert await port.refusal() == "want a new identifier or a later time of sending"
    assert port.emitted.empty()
    assert first.name.startswith("cap-")


async def test_a_folder_is_watched_and_a_file_that_goes_ends_nothing(tmp_path: Path) -> None:
    folder, port = tmp_path / "alerts", port_at(tmp_path)
    folder.mkdir()
    os.mkfifo(folder / "pipe.xml")
    for name in (".hidden.xml", "flood.txt", "flood.xml.part"):
        shutil.copyfile(CASES / "flood.xml", folder / name)
    async with running(await sensor(source=str(folder), name="city"), port):
        assert await port.refusal() == "want a file"
        await asyncio.to_thread(shutil.copyfile, CASES / "half.xml", folder / "b.cap")
        assert await port.refusal() == "want XML"
        await asyncio.to_thread(put, "flood.xml", folder / "b.cap")
        (first,) = await port.take(1)
        assert first.name.startswith("city-")
        await asyncio.to_thread((folder / "b.cap").unlink)
        await asyncio.to_thread(put, "same-id-other-sender.xml", folder / "c.XML")
        assert await heads(port, 1) == ["別の役所"]
        await asyncio.to_thread(put, "flood-cancel.xml", folder / "d.xml")
        assert await heads(port, 1) == ["over"]
    assert port.emitted.empty()


async def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path, port = tmp_path / "now.xml", port_at(tmp_path)
    path.write_bytes((CASES / "flood.xml").read_bytes() + b" " * 1024 * 1024)
    async with running(await sensor(source=str(path)), port):
        assert await port.refusal() == "want at most 1048576 bytes"
    assert port.emitted.empty()


async def test_no_folder_is_a_failure(tmp_path: Path) -> None:
    port = port_at(tmp_path)
    with pytest.raises(SensorFailed, match="want a file or a folder, got none"):
        await (await sensor(source=str(tmp_path / "usb" / "now.xml"))).run(port)
    assert port.refused["want a file or a folder"] == 3


async def test_after_a_restart_nothing_is_told_twice(tmp_path: Path) -> None:
    folder = tmp_path / "alerts"
    folder.mkdir()
    for name in ("flood.xml", "exercise.xml", "grave-and-light.xml"):
        shutil.copyfile(CASES / name, folder / name)
    os.rename(folder / "grave-and-light.xml", folder / "z.xml")  # noqa: PTH104
    (folder / "z.xml").write_text(
        (folder / "z.xml").read_text("utf-8").replace("flood-1", "rain"), "utf-8"
    )
    before = port_at(tmp_path)
    async with running(await sensor(source=str(folder)), before):
        assert sorted(await heads(before, 3)) == sorted([FLOOD, "避難訓練です", "いま大雨"])
        await looked(before)
    again = port_at(tmp_path)
    async with running(await sensor(source=str(folder)), again):
        pass
    assert again.emitted.empty()
    shutil.copyfile(CASES / "exercise-cancel.xml", folder / "a.xml")  # of another alert
    shutil.copyfile(CASES / "flood-cancel.xml", folder / "b.xml")
    later = port_at(tmp_path, "12:30")
    async with running(await sensor(source=str(folder)), later):
        said = await heads(later, 3)
    assert sorted(said) == ["over", "over", "あとで小雨"], "cancelled, expired, lessened"
    assert later.emitted.empty()


async def test_what_is_remembered_may_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "now.xml"
    shutil.copyfile(CASES / "flood.xml", path)
    names = set()
    for _ in range(2):
        port = port_at(tmp_path)
        async with running(await sensor(source=str(path)), port):
            (told,) = await port.take(1)
            await looked(port)
        names.add(told.name)
        (tmp_path / "cap-cap.json").write_bytes(b'{"posted": ')
    assert len(names) == 1, "told again it is still the same notice"


async def test_other_settings_end_what_they_do_not_show(tmp_path: Path) -> None:
    path = tmp_path / "now.xml"
    shutil.copyfile(CASES / "code-theirs.xml", path)
    for codes, said in [(["13999"], FLOOD), (["13101"], "over")]:
        port = port_at(tmp_path)
        async with running(await sensor(source=str(path), codes=codes), port):
            assert await heads(port, 1) == [said]
            await looked(port)


async def test_an_end_that_comes_is_told_without_any_news(tmp_path: Path) -> None:
    path, port = tmp_path / "now.xml", port_at(tmp_path, "11:59", speed=200)
    shutil.copyfile(CASES / "flood.xml", path)
    async with running(await sensor(source=str(path)), port):
        assert await heads(port, 2) == [FLOOD, "over"]
    assert port.clock.now() >= at("12:00")


# ── the web ──────────────────────────────────────────────────────────────────────────────────────


class Server:
    """A city's server. `pages` may be changed at any time."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | web.Response] = {}
        self.asked: Counter[str] = Counter()
        self.unchanged = 0
        self.address = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked[request.path_qs] += 1
        page = self.pages.get(request.path_qs)
        if page is None:
            return web.Response(status=404)
        if isinstance(page, web.Response):
            return web.Response(status=page.status, headers=page.headers, body=page.body)
        tag = f'"{hash(page)}"'
        if request.headers.get("If-None-Match") == tag:
            self.unchanged += 1
            return web.Response(status=304)
        return web.Response(body=page, headers={"ETag": tag}, content_type="application/xml")

    def list(self, *entries: str, more: str = "") -> bytes:
        made = "".join(
            f"<entry><id>{one}</id><updated>2026-11-24T10:00:00Z</updated>"
            f'<link type="application/cap+xml" href="{one}"/></entry>'
            for one in entries
        )
        link = f'<link rel="next" href="{more}"/>' if more else ""
        return f'<feed xmlns="http://www.w3.org/2005/Atom">{link}{made}</feed>'.encode()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made_:
        yield made_


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    made_, application = Server(), web.Application()
    application.router.add_get("/{path:.*}", made_.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made_.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made_
    finally:
        await runner.cleanup()


def body(name: str) -> bytes:
    return (CASES / name).read_bytes()


async def until(port: Recording, true: object) -> None:
    """Look again and again, as the sensor does."""
    assert callable(true)
    async with asyncio.timeout(20):
        while not true():
            await port.clock.sleep(0.2)


async def test_one_alert_is_asked_for_again_only_if_it_changed(
    server: Server, tmp_path: Path
) -> None:
    server.pages["/now.xml"] = await asyncio.to_thread(body, "flood.xml")
    port = port_at(tmp_path)
    async with running(
        await sensor(source=f"{server.address}/now.xml", every_s=0.5), port
    ) as basis:
        assert basis == "alerts of 127.0.0.1"
        assert await heads(port, 1) == [FLOOD]
        await until(port, lambda: server.unchanged >= 3)
        server.pages["/now.xml"] = await asyncio.to_thread(body, "flood-update.xml")
        assert await heads(port, 1) == [LOWER]
    assert port.emitted.empty()


async def test_a_list_is_read_with_its_pages_and_each_alert_once(
    server: Server, tmp_path: Path
) -> None:
    for name in ("flood.xml", "exercise.xml", "flood-cancel.xml"):
        server.pages[f"/{name}"] = await asyncio.to_thread(body, name)
    server.pages["/list"] = server.list("flood.xml", more="list?page=2")
    server.pages["/list?page=2"] = server.list("exercise.xml", "missing.xml", more="/list")
    source = f"{server.address}/list"
    port = port_at(tmp_path)
    async with running(await sensor(source=source, every_s=0.5), port):
        assert sorted(await heads(port, 2)) == sorted([FLOOD, "避難訓練です"])
        await until(port, lambda: server.asked["/missing.xml"] == 3)
        assert server.unchanged >= 3, "it is tried again, more and more rarely"
    assert server.asked["/flood.xml"] == server.asked["/exercise.xml"] == 1
    assert server.asked["/list?page=2"] <= 3, "five pages at most, and only when the first changed"
    again = port_at(tmp_path)
    before = server.asked["/list"]
    async with running(await sensor(source=source, every_s=0.5), again):
        await until(again, lambda: server.asked["/list"] >= before + 2)
        server.pages["/list"] = server.list("flood-cancel.xml", "flood.xml")
        assert await heads(again, 1) == ["over"]
    assert again.emitted.empty()
    assert server.asked["/flood.xml"] == 1


async def test_a_list_may_hold_its_alerts(server: Server, tmp_path: Path) -> None:
    inside = (await asyncio.to_thread(body, "flood.xml")).partition(b"?>")[2]
    escaped = (await asyncio.to_thread(body, "exercise.xml")).decode().replace("<", "&lt;")
    entries = (
        b"<entry><id>a</id><content type='application/cap+xml'>" + inside + b"</content></entry>"
        b"<entry><id>b</id><content type='text'>" + escaped.encode() + b"</content></entry>"
    )
    server.pages["/list"] = b"<feed xmlns='http://www.w3.org/2005/Atom'>" + entries + b"</feed>"
    port = port_at(tmp_path)
    async with running(await sensor(source=f"{server.address}/list", every_s=0.5), port):
        assert sorted(await heads(port, 2)) == sorted([FLOOD, "避難訓練です"])
    assert set(server.asked) == {"/list"}


async def test_a_page_that_fails_hides_no_other(server: Server, tmp_path: Path) -> None:
    server.pages["/flood.xml"] = await asyncio.to_thread(body, "flood.xml")
    server.pages["/exercise.xml"] = await asyncio.to_thread(body, "exercise.xml")
    server.pages["/list"] = server.list("flood.xml", more="list?page=2")
    server.pages["/list?page=2"] = web.Response(status=500)
    port = port_at(tmp_path)
    async with running(await sensor(source=f"{server.address}/list", every_s=0.5), port):
        assert await heads(port, 1) == [FLOOD]
        server.pages["/list?page=2"] = server.list("exercise.xml")
        assert await heads(port, 1) == ["避難訓練です"]
    assert server.asked["/flood.xml"] == 1


async def test_a_list_leads_to_no_other_host(server: Server, tmp_path: Path) -> None:
    async with serving() as other:
        other.pages["/flood.xml"] = await asyncio.to_thread(body, "flood.xml")
        there = other.address.replace("127.0.0.1", "localhost") + "/flood.xml"
        server.pages["/list"] = server.list(there, "http://example.com/x", "file:///etc/passwd")
        source, port = f"{server.address}/list", port_at(tmp_path)
        async with running(await sensor(source=source, every_s=0.5), port):
            await until(port, lambda: port.refused["want https and a host that is named"] == 9)
        assert not other.asked
        port = port_at(tmp_path)
        async with running(await sensor(source=source, hosts=["localhost"], name="b"), port):
            assert await heads(port, 1) == [FLOOD]


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (web.Response(status=503), "want alerts of 127.0.0.1: want status 200, got 503"),
        (b"<html><p>Under construction</html>", "want alerts of 127.0.0.1: want XML"),
        (b"x" * (8 * 1024 * 1024 + 1), "want alerts of 127.0.0.1: want at most 8388608 bytes"),
        (web.Response(status=302, headers={"Location": "https://example.com/"}), "a host that is"),
        (web.Response(status=302, headers={"Location": "/now"}), "want at most 3 redirects"),
        (web.Response(body=b""), "want a document, got nothing"),
    ],
    ids=["an error", "a page", "too large", "away", "round and round", "nothing"],
)
async def test_three_looks_in_vain_are_a_failure(
    server: Server, tmp_path: Path, page: bytes | web.Response, why: str
) -> None:
    server.pages["/now"] = page
    watched = await sensor(source=f"{server.address}/now", every_s=0.5)
    with pytest.raises(SensorFailed, match=why):
        await asyncio.wait_for(watched.run(port_at(tmp_path)), 20)
    assert server.asked["/now"] in {3, 12}


async def test_while_the_source_is_gone_alerts_still_end(server: Server, tmp_path: Path) -> None:
    server.pages["/now"] = await asyncio.to_thread(body, "flood.xml")
    source = f"{server.address}/now"
    port = port_at(tmp_path)
    async with running(await sensor(source=source), port):
        assert await heads(port, 1) == [FLOOD]
        await looked(port)
    server.pages["/now"] = web.Response(status=500)
    port = port_at(tmp_path, "12:30")
    with pytest.raises(SensorFailed):
        await (await sensor(source=source, every_s=0.5)).run(port)
    assert await heads(port, 1) == ["over"]


# ── the JMA ──────────────────────────────────────────────────────────────────────────────────────

OURS = {"weather": ["1399901"], "quake": ["1399901"], "tsunami": ["310"]}


async def test_the_jmas_lists(server: Server, tmp_path: Path) -> None:
    """Only what is of our place is fetched; the long list once, at the start."""

    def report(name: str) -> bytes:
        return (REPORTS / name).read_bytes()

    files = {
        "20261124000000_0_VPWW55_130000.xml": "rain-5.xml",
        "20261124010000_0_VPWW56_130000.xml": "landslide-4.xml",
        "20261124010000_0_VTSE41_010000.xml": "tsunami.xml",
        "20261124010100_0_VTSE41_010000.xml": "tsunami-off.xml",
    }
    for file, name in files.items():
        server.pages[f"/data/{file}"] = await asyncio.to_thread(report, name)
    first, second, third, fourth = (f"data/{file}" for file in files)
    others = ["data/20261124010000_0_VPWW55_140000.xml", "data/20261124010000_0_VFVO53_1.xml"]
    server.pages["/long.xml"] = server.list(first, *others)
    server.pages["/live.xml"] = server.list(second, *others)
    settings = {
        "sources": [f"{server.address}/live.xml"],
        "history": [f"{server.address}/long.xml"],
        "every_s": 0.5,
        **OURS,
    }
    port = port_at(tmp_path)
    async with running(await sensor("jma", **settings), port) as basis:
        assert basis == "alerts of 127.0.0.1"
        live, past = await heads(port, 2)
        assert live == "レベル4土砂災害危険警報（南区）", "what is new is told first"
        assert past == "レベル5大雨特別警報（南区）"
        server.pages["/live.xml"] = server.list(third, second, *others)
        assert await heads(port, 1) == ["津波警報（みなみ湾）"]
        server.pages["/live.xml"] = server.list(fourth, third, second, *others)
        assert await heads(port, 1) == ["over"]
        await looked(port)
    assert server.asked["/long.xml"] == 1
    assert not [one for one in others if server.asked[f"/{one}"]]
    assert all(server.asked[f"/data/{file}"] == 1 for file in files)
    again = port_at(tmp_path)
    async with running(await sensor("jma", **settings), again):
        pass
    assert again.emitted.empty()


async def test_the_jmas_reports_from_a_folder(tmp_path: Path) -> None:
    folder, port = tmp_path / "in", port_at(tmp_path)
    folder.mkdir()
    shutil.copyfile(REPORTS / "quake.xml", folder / "1.xml")
    async with running(await sensor("jma", sources=[str(folder)], every_s=0.5, **OURS), port):
        assert await heads(port, 1) == ["震度6弱の地震がありました（南区）"]


# ── settings ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kind": "cap", "source": "alerts.xml"}, r"want /a/path or https://\.\.\., .*source`"),
        ({"kind": "cap", "source": "http://example.com/a"}, r"want /a/path or https"),
        ({"kind": "cap", "source": "ftp://example.com/a"}, r"want /a/path or https"),
        ({"kind": "cap", "source": "https://[::1/"}, r"want /a/path or https"),
        ({"kind": "cap", "source": "/a", "name": "A"}, r"sensors\[0\]\.name`"),
        ({"kind": "cap", "source": "/a", "name": "x" * 17}, r"sensors\[0\]\.name`"),
        ({"kind": "cap", "source": "/a", "unplaced": "maybe"}, r"unplaced`"),
        ({"kind": "cap", "source": "/a", "counts": [{"as": "panic"}]}, r"counts\[0\]\.as`"),
        (
            {"kind": "cap", "source": "/a", "counts": [{"as": "info", "x": []}]},
            r"`x`.*counts\[0\]`",
        ),
        ({"kind": "jma"}, r"want codes of our place .*weather`"),
        ({"kind": "jma", "weather": ["Tokyo"]}, r"weather\[0\]`"),
        ({"kind": "jma", "weather": ["13"], "sources": ["x"]}, r"sources\[0\]`"),
        ({"kind": "jma", "weather": ["13"], "history": ["http://a.jp"]}, r"history\[0\]`"),
    ],
)
def test_settings_that_cannot_be_are_named_by_their_path(
    settings: dict[str, object], said: str
) -> None:
    with pytest.raises(BadSite, match=said):
        made(**settings)


def test_two_sensors_of_a_device_have_two_names() -> None:
    one, other = {"kind": "cap", "source": "/a"}, {"kind": "cap", "source": "/b"}
    site = office(one, other)
    with pytest.raises(BadSite, match=r"want another `name` for each, got 'cap' again"):
        sensors_of(site, site.device("pi"))
    site = office(one, other | {"name": "pref"}, {"kind": "jma", "name": "cap", "quake": ["350"]})
    assert len(sensors_of(site, site.device("pi"))) == 3
