"""What comes from the network is shown only once all of it is here and is what was asked for."""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadPlaylist
from models.screens.playlist import Feed, Image, Item, Video
from models.site import Site
from signage.display import feeds, prefetch
from signage.display.content import Content
from signage.display.filetype import MOST_BYTES, looked_at
from signage.display.prefetch import Larder, Want
from tests.display.hostile import Hostile, hostile
from tests.display.showing import PNG, picture, write
from tests.signage.office import HandClock, Hub, station_of

FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>区のお知らせ</title>
<language>ja</language><item><title>古い</title><description>a</description>
<pubDate>Mon, 02 Nov 2026 09:00:00 +0900</pubDate></item>
<item><title>新しい &lt;b&gt;太字&lt;/b&gt;</title>
<description>&lt;p onclick="x()"&gt;本文&lt;script&gt;alert(1)&lt;/script&gt;
&amp;lt;img src=x onerror=alert(2)&amp;gt;&lt;/p&gt;</description>
<pubDate>Tue, 24 Nov 2026 09:00:00 +0900</pubDate></item></channel></rss>""".encode()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Kitchen:
    """A hostile server, and the larder that is filled from it."""

    def __init__(self, server: Hostile, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.clock = HandClock()
        self.larder = self.anew()

    def anew(self, **limits: int) -> Larder:
        """As after a restart."""
        return Larder(self.folder, self.clock, tls=self.server.trusted, **limits)

    async def fetch(self, *wants: Want) -> list[bytes | None]:
        """What may be shown of each once it has tried."""
        await self.larder.fetch(wants)
        return await asyncio.to_thread(lambda: [self.shown(want) for want in wants])

    def shown(self, want: Want) -> bytes | None:
        found = self.larder.file(want)
        return None if found is None else found.path.read_bytes()

    def why(self, want: Want) -> str:
        return self.larder.wrong.get(want.url, "")


@pytest.fixture
async def kitchen(tmp_path: Path) -> AsyncIterator[Kitchen]:
    async with hostile(tmp_path) as server:
        yield await asyncio.to_thread(Kitchen, server, tmp_path / "fetched")


def image(url: str, sha256: str | None = None, *, is_trusted: bool = True) -> Want:
    return Want(url, Image, sha256, is_trusted=is_trusted)


async def test_a_picture_is_shown_once_all_of_it_is_here(kitchen: Kitchen) -> None:
    want = image(kitchen.server.gives("a", PNG), digest(PNG))
    assert await asyncio.to_thread(kitchen.shown, want) is None
    assert await kitchen.fetch(want) == [PNG]
    found = await asyncio.to_thread(kitchen.larder.file, want)
    assert found is not None
    assert found.type == "image/png"


async def test_what_has_the_right_hash_is_not_fetched_again(kitchen: Kitchen) -> None:
    want = image(kitchen.server.gives("a", PNG), digest(PNG))
    await kitchen.fetch(want)
    kitchen.clock.move(86_400)
    assert await kitchen.fetch(want) == [PNG]
    assert len(kitchen.server.asked) == 1


HALF = picture()[:-20]
REFUSED: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "half of a picture": (HALF, {}, "half of one"),
    "a page for a picture": (b"<!doctype html><h1>503", {"Content_Type": "image/png"}, "else"),
    "a video for a picture": (b"\x1a\x45\xdf\xa3" + b"\0" * 20 + b"webm", {}, "video/webm"),
    "nothing": (b"", {}, "0 bytes"),
    "a picture of 400 million points": (picture(0, 20_000, 20_000), {}, "else"),
    "half of an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'><g>", {}, "half"),
    "something compressed": (PNG, {"Content_Encoding": "gzip"}, "compressed"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_no_picture_never_shows(kitchen: Kitchen, case: str) -> None:
    body, headers, why = REFUSED[case]
    want = image(kitchen.server.gives("a", body, **headers))
    assert await kitchen.fetch(want) == [None]
    assert why in kitchen.why(want)
    assert [path.name for path in kitchen.folder.iterdir()] == []


@pytest.mark.parametrize("length", [len(PNG) + 9, len(PNG) - 9])
async def test_a_download_that_breaks_off_never_shows(kitchen: Kitchen, length: int) -> None:
    want = image(kitchen.server.gives("a", PNG, length=length))
    assert await kitchen.fetch(want) == [None]
    assert list(kitchen.folder.iterdir()) == []


async def test_another_hash_never_shows_and_the_last_good_one_stays(kitchen: Kitchen) -> None:
    want = image(kitchen.server.gives("a", PNG))
    assert await kitchen.fetch(want) == [PNG]
    for body, status in ((HALF, "200 OK"), (b"<html>", "200 OK"), (b"", "500 Oh")):
        kitchen.server.gives("a", body, status=status)
        kitchen.clock.move(7200)
        assert await kitchen.fetch(want) == [PNG]
        assert kitchen.why(want)
    strict = image(want.url, digest(b"another"))
    kitchen.server.gives("a", PNG)
    kitchen.clock.move(7200)
    assert await kitchen.fetch(strict) == [None]
    assert "want sha256" in kitchen.why(strict)


async def test_a_new_picture_takes_the_place_of_the_old_one(kitchen: Kitchen) -> None:
    want = image(kitchen.server.gives("a", PNG, ETag='"1"'))
    await kitchen.fetch(want)
    kitchen.server.gives("a", b"", status="304 Not Modified")
    kitchen.clock.move(700)
    assert await kitchen.fetch(want) == [PNG]
    assert 'If-None-Match: "1"' in kitchen.server.asked[-1]
    new = picture(7)
    kitchen.server.gives("a", new, ETag='"2"')
    kitchen.clock.move(700)
    assert await kitchen.fetch(want) == [new]
    assert sorted(path.name for path in kitchen.folder.iterdir()) == sorted(
        [digest(new), "index.json"]
    )


async def test_it_goes_on_from_the_disk_after_a_restart_without_a_network(kitchen: Kitchen) -> None:
    want = image(kitchen.server.gives("a", PNG))
    await kitchen.fetch(want)
    kitchen.server.answers.clear()
    kitchen.larder = await asyncio.to_thread(kitchen.anew)
    assert await asyncio.to_thread(kitchen.shown, want) == PNG
    assert await kitchen.fetch(want) == [PNG]


@pytest.mark.parametrize("harm", ["changed", "cut", "gone", "index"])
async def test_what_a_power_cut_has_spoilt_is_fetched_again(kitchen: Kitchen, harm: str) -> None:
    want = image(kitchen.server.gives("a", PNG))
    await kitchen.fetch(want)
    file = kitchen.folder / digest(PNG)

    def spoil() -> None:
        if harm == "index":
            (kitchen.folder / prefetch.INDEX).write_bytes(b"{")
        elif harm == "gone":
            file.unlink()
        else:
            file.write_bytes(HALF if harm == "cut" else picture(9))
        (kitchen.folder / "part-abc").write_bytes(b"half")
        kitchen.larder = kitchen.anew()
        assert not (kitchen.folder / "part-abc").exists()

    await asyncio.to_thread(spoil)
    assert await asyncio.to_thread(kitchen.shown, want) is None
    assert await kitchen.fetch(want) == [PNG]


async def test_a_file_that_is_changed_while_it_is_shown_goes(kitchen: Kitchen) -> None:
    want = image(kitchen.server.gives("a", PNG))
    await kitchen.fetch(want)

    def change() -> None:
        file = kitchen.folder / digest(PNG)
        file.write_bytes(picture(3))
        os.utime(file, (1, 1))

    await asyncio.to_thread(change)
    assert await asyncio.to_thread(kitchen.shown, want) is None


async def test_an_endless_answer_is_cut_off(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind: type[Item] = Image
    monkeypatch.setitem(MOST_BYTES, kind, 100_000)

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + PNG)
        while True:
            writer.write(b"\0" * 65_536)
            await writer.drain()

    kitchen.server.answers["/a"] = endless
    want = image(kitchen.server.url("a"))
    assert await kitchen.fetch(want) == [None]
    assert "got more" in kitchen.why(want)
    kitchen.server.gives("b", b"", length=10**12)
    assert await kitchen.fetch(image(kitchen.server.url("b"))) == [None]
    assert list(kitchen.folder.iterdir()) == []


async def test_a_server_that_says_nothing_is_given_up(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "_SILENT_S", 0.2)

    async def silent(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc")
        await writer.drain()
        await asyncio.Event().wait()

    kitchen.server.answers["/a"] = silent
    want = image(kitchen.server.url("a"))
    other = image(kitchen.server.gives("b", PNG))
    assert await kitchen.fetch(want, other) == [None, PNG]
    assert kitchen.why(want)


async def test_a_server_that_drips_is_given_up(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "_LONGEST_S", 0.5)

    async def drips(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.05)

    kitchen.server.answers["/a"] = drips
    assert await kitchen.fetch(image(kitchen.server.url("a"))) == [None]


async def test_who_fails_is_asked_less_and_less_often(kitchen: Kitchen) -> None:
    want = image(kitchen.server.url("missing"))
    for _ in range(120):
        await kitchen.fetch(want)
        kitchen.clock.move(60)
    assert 4 <= len(kitchen.server.asked) <= 8  # of 120 minutes


async def test_a_redirect_is_followed_within_the_same_host(kitchen: Kitchen) -> None:
    kitchen.server.gives("b", PNG)
    assert await kitchen.fetch(image(kitchen.server.leads("a", "/b"))) == [PNG]


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("file:///etc/passwd", "want https"),
        ("http://localhost/b", "want https"),
        ("https://127.0.0.1:{port}/b", "public address"),
        ("https://[::1]:{port}/b", "public address"),
        ("https://192.168.0.1/b", "public address"),
        ("https://[::ffff:10.0.0.1]/b", "public address"),
        ("https://169.254.169.254/latest", "public address"),
        ("https://me@localhost:{port}/b", "want https"),
        ("data:image/png;base64,AAAA", "want https"),
        ("/a", "redirects"),
    ],
)
async def test_a_redirect_never_leads_to_a_file_or_into_the_office(
    kitchen: Kitchen, where: str, why: str
) -> None:
    kitchen.server.gives("b", PNG)
    want = image(kitchen.server.leads("a", where.format(port=kitchen.server.port)))
    assert await kitchen.fetch(want) == [None]
    assert why in kitchen.why(want)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_what_others_wrote_may_not_name_a_machine_of_the_office(
    kitchen: Kitchen, host: str
) -> None:
    kitchen.server.gives("a", PNG)
    theirs = image(kitchen.server.url("a", host), is_trusted=False)
    assert await kitchen.fetch(theirs) == [None]
    assert "public address" in kitchen.why(theirs)
    assert kitchen.server.asked == []
    assert await kitchen.fetch(image(kitchen.server.url("a", host))) == [PNG]


async def test_a_server_that_nobody_vouches_for_is_not_believed(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    want = image(kitchen.server.gives("a", PNG))
    kitchen.larder = await asyncio.to_thread(Larder, tmp_path / "other", kitchen.clock)
    assert await kitchen.fetch(want) == [None]
    assert kitchen.server.asked == []


async def test_the_disk_is_not_filled_and_what_nobody_wants_goes_first(kitchen: Kitchen) -> None:
    bodies = [picture(n, bulk=5000) for n in range(4)]
    wants = [image(kitchen.server.gives(f"{n}", body)) for n, body in enumerate(bodies)]
    size = len(bodies[0])
    kitchen.larder = await asyncio.to_thread(lambda: kitchen.anew(most_bytes=2 * size + 2000))
    for want in wants[:2]:
        await kitchen.fetch(want)
        kitchen.clock.move(1)
    assert await kitchen.fetch(*wants[1:3]) == bodies[1:3]  # the first one went
    assert await kitchen.fetch(*wants[:3])  # three do not fit
    shown = await asyncio.to_thread(lambda: [kitchen.shown(want) for want in wants[:3]])
    assert shown == [None, *bodies[1:3]]
    assert "disk" in kitchen.why(wants[0])


async def test_a_feed_that_is_a_page_of_an_error_never_shows(kitchen: Kitchen) -> None:
    want = Want(kitchen.server.gives("f", FEED), Feed, is_trusted=True)
    assert await kitchen.fetch(want) == [FEED]
    for wrong in (b"<html><body>Sorry</body></html>", FEED[:200], b"{}", b"<rss version='2.0'/>"):
        kitchen.server.gives("f", wrong)
        kitchen.clock.move(7200)
        assert await kitchen.fetch(want) == [FEED]
        assert "feed" in kitchen.why(want)


async def test_a_playlist_comes_from_the_network_with_its_pictures(
    kitchen: Kitchen, site: Site, tmp_path: Path
) -> None:
    written = '[[items]]\nkind = "image"\nfile = "p/a.png"\n[[items]]\nkind = "feed"\nurl = "https://10.0.0.1/x"\n'
    url = kitchen.server.gives("lists/playlist.toml", written.encode())
    kitchen.server.gives("lists/p/a.png", PNG)
    display = msgspec.structs.replace(site.displays[0], playlist=url)
    site = msgspec.structs.replace(site, displays=(display,))
    hub = Hub(site, kitchen.clock)
    station = station_of(hub, tmp_path / "state")
    content = await asyncio.to_thread(Content, station, kitchen.server.trusted)
    await content.fetch()
    kitchen.clock.move(1)
    await content.fetch()
    assert digest(PNG) in content._by_hash
    assert any("10.0.0.1" in why for why in content._larder.wrong.values())
    kitchen.server.answers.clear()
    kitchen.server.gives("lists/playlist.toml", b"<html>500</html>")
    again = await asyncio.to_thread(Content, station, kitchen.server.trusted)
    await again.fetch()
    assert digest(PNG) in again._by_hash


def test_a_feed_is_plain_text_newest_first_with_its_dates() -> None:
    made = feeds.read(FEED)
    assert (made.title, made.language) == ("区のお知らせ", "ja")
    new, old = made.entries
    assert new.title == "新しい 太字"
    assert new.text == "本文"
    assert new.at == datetime(2026, 11, 24, tzinfo=UTC)
    assert old.at == datetime(2026, 11, 2, tzinfo=UTC)


def test_a_feed_opens_no_file_and_calls_nobody(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("geheim", "utf-8")
    entity = f"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "{secret.as_uri()}">]>
    <rss version="2.0"><channel><title>t</title><item><title>x &a;</title></item></channel></rss>"""
    assert "geheim" not in str(feeds.read(entity.encode()))
    with pytest.raises(BadPlaylist):
        feeds.read(str(secret).encode())
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f"""<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><rss version="2.0"><channel>
    <item><title>&l9;</title></item></channel></rss>"""
    with contextlib.suppress(BadPlaylist):
        assert len(str(feeds.read(bomb.encode()))) < 100_000


@given(st.binary(max_size=300), st.sampled_from([b"", FEED[:120], FEED[:400], FEED]))
def test_no_bytes_break_the_reader_of_feeds(noise: bytes, begin: bytes) -> None:
    with contextlib.suppress(BadPlaylist):
        feeds.read(begin + noise + b"</rss>")


HEADS = [
    b"",
    PNG[:30],
    b"\xff\xd8\xff",
    b"GIF89a",
    b"RIFF\0\0\0\0WEBPVP8X",
    b"\0\0\0\x18ftypmp42",
    b"<svg",
]


@pytest.fixture(scope="module")
def scrap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scrap") / "file"


@given(
    head=st.sampled_from(HEADS),
    noise=st.binary(max_size=200),
    kind=st.sampled_from([Image, Video]),
)
def test_no_bytes_break_the_judge_of_files(
    scrap: Path, head: bytes, noise: bytes, kind: type[Item]
) -> None:
    scrap.write_bytes(head + noise)
    with contextlib.suppress(BadPlaylist):
        assert looked_at(scrap, kind).type.startswith(kind.__name__.lower())


@pytest.mark.parametrize("cut", [1, 8, 12, 30])
def test_half_a_picture_is_known_by_its_end(tmp_path: Path, cut: int) -> None:
    folder = write(tmp_path, "", a_png=PNG[:-cut])
    with pytest.raises(BadPlaylist, match="half of one"):
        looked_at(folder / "a.png", Image)
