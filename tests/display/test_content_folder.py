"""A playlist in a folder: what of it is shown, what its staff are told, and the screen alone."""

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from machiai import main
from models.site import Site
from signage.display.content import Content
from tests.conftest import ROOT
from tests.display.showing import PNG, look, picture, showing, told, write
from tests.signage.office import EXAMPLE, HandClock, Hub, Served

CONTENT = EXAMPLE.with_name("example-content")
HELLO = '[[items]]\nkind = "text"\nseconds = 20\ntext = { ja = "こんにちは", en = "Hello" }\n'
PICTURE = '[[items]]\nkind = "image"\nseconds = 20\nfile = "a.png"\n'


def test_files_are_served_by_their_hash_alone(site: Site, tmp_path: Path) -> None:
    with showing(site, write(tmp_path / "c", PICTURE, a_png=PNG)) as (served, _):
        found = urllib.request.urlopen(
            f"{served.display}/content/{hashlib.sha256(PNG).hexdigest()}"
        )
        assert found.read() == PNG
        assert found.headers["Content-Type"] == "image/png"
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in found.headers["Content-Security-Policy"]
        for path in (
            "a.png",
            "..%2f..%2fetc%2fpasswd",
            "%2e%2e/playlist.toml",
            "playlist.toml",
            "0" * 64,
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{served.display}/content/{path}")
            assert refused.value.code == 404


def test_a_link_out_of_the_folder_is_not_followed(site: Site, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(PNG)
    folder = write(tmp_path / "c", PICTURE + HELLO)
    (folder / "a.png").symlink_to(tmp_path / "secret.png")
    with showing(site, folder, 1) as (served, content):
        assert len(told(served)["pages"]) == 1
        assert any("a link out of it" in why for why in content._folder.wrong())


def test_a_changed_playlist_shows_and_a_broken_one_leaves_the_last(
    site: Site, tmp_path: Path
) -> None:
    folder = write(tmp_path, HELLO)
    with showing(site, folder) as (served, content):
        assert "こんにちは" in str(told(served)["pages"])
        (folder / "playlist.toml").write_text("[[items]\nkind", "utf-8")
        look(served, content)
        assert "こんにちは" in str(told(served)["pages"])
        assert any("want a playlist" in why for why in content._folder.wrong())
        (folder / "playlist.toml").write_text(HELLO.replace("こんにちは", "こんばんは"), "utf-8")
        look(served, content)
        assert "こんばんは" in str(told(served)["pages"])
        assert content._folder.wrong() == []


def test_a_file_that_is_being_copied_waits_until_it_rests(site: Site, tmp_path: Path) -> None:
    folder = write(tmp_path, PICTURE + HELLO)
    with showing(site, folder, 1) as (served, content):
        (folder / "a.png").write_bytes(PNG[:30])
        look(served, content)
        assert len(told(served)["pages"]) == 1
        (folder / "a.png").write_bytes(PNG)
        look(served, content)
        assert len(told(served)["pages"]) == 2


def test_site_news_shows_while_there_is_any(site: Site, tmp_path: Path) -> None:
    with showing(site, write(tmp_path, HELLO + '[[items]]\nkind = "news"\n')) as (served, _):
        assert len(told(served)["pages"]) == 1
        served.do(lambda: served.hub.notice("hall", "info", "3階で受け付けます。"))
        pages = told(served)["pages"]
        assert "3階で受け付けます" in str(pages)
        assert len(pages) == 2


def test_a_file_must_have_the_hash_that_the_playlist_gives(site: Site, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(PNG).hexdigest()
    folder = write(tmp_path, f'{PICTURE}sha256 = "{sha256}"\n{HELLO}', a_png=PNG)
    with showing(site, folder, 1) as (served, content):
        assert len(told(served)["pages"]) == 2
        (folder / "a.png").write_bytes(picture(9))
        look(served, content)
        assert len(told(served)["pages"]) == 1
        assert any("want sha256" in why for why in content._folder.wrong())
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{served.display}/content/{sha256}")


def test_staff_are_told_what_is_wrong_and_when_it_is_right_again(
    site: Site, tmp_path: Path
) -> None:
    folder = write(tmp_path, HELLO + PICTURE)
    with showing(site, folder) as (served, content):
        look(served, content)
        assert "a.png" in served.station.alerts.why
        (folder / "a.png").write_bytes(PNG)
        look(served, content)
        assert "a.png" not in served.station.alerts.why


def test_a_feed_in_the_folder_is_shown_newest_first_with_its_dates(
    site: Site, tmp_path: Path
) -> None:
    feed = """<feed xmlns="http://www.w3.org/2005/Atom"><title>区のお知らせ</title>
      <entry><title>古い</title><updated>2026-11-02T00:00:00Z</updated></entry>
      <entry><title>新しい</title><updated>2026-11-24T00:00:00Z</updated></entry></feed>"""
    folder = write(tmp_path, '[[items]]\nkind = "feed"\nfile = "f.xml"\n', f_xml=feed.encode())
    with showing(site, folder) as (served, _):
        text = str(told(served)["pages"])
        assert text.index("新しい") < text.index("古い")
        assert "11月2日" in text
        assert "区のお知らせ" in text


def test_the_example_is_right_and_all_of_it_is_shown(site: Site) -> None:
    hub = Hub(site, HandClock())
    hub.paused()
    served = Served(hub, content=CONTENT)
    try:
        content = next(part for part in served.parts if isinstance(part, Content))
        assert content._folder.wrong() == []
        pages = str(told(served)["pages"])
        for words in ("お困りのときは", "If you need help", "窓口で使うもの", "断水します"):
            assert words in pages
    finally:
        served.close()


def test_the_question_what_is_shown_then_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["playlist", str(EXAMPLE), str(CONTENT), "--at", "2027-03-03 12:10"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "5 items, 5 of them for lobby-1" in said
    assert "Wednesday 03 March 2027 12:10: on are text noon" in said
    assert "text tax" not in said
    assert main([*asked[:-1], "2027-03-03 16:10"]) == 0
    assert "text tax" in capsys.readouterr().out


def test_whoever_writes_a_playlist_is_told_every_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, HELLO + "colour = 1\n" + PICTURE + HELLO)
    assert main(["playlist", str(EXAMPLE), str(folder)]) == 78
    said = capsys.readouterr().out
    assert "unknown field `colour` - at `$.items[0]`" in said
    assert "a.png" in said
    assert main(["playlist", str(EXAMPLE), str(tmp_path / "none")]) == 66


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[str]:
    """A display's own process with no broker anywhere."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    words = ["display", str(EXAMPLE), "--display", "lobby-1", "--alone", "--port", str(port)]
    places = ["--state", str(tmp_path), "--content", str(CONTENT), "--sticks", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "machiai", *words, *places],
        cwd=ROOT,
        env={**os.environ, "MACHIAI_BROKER": "mqtt://127.0.0.1:1"},
        stderr=subprocess.PIPE,
    )
    base = f"http://127.0.0.1:{port}"
    for _ in range(300):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{base}/healthz", timeout=5).close()
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
            break
    yield base
    process.terminate()
    said = process.communicate(timeout=20)[1].decode()
    assert process.returncode == 0, said
    assert "Traceback" not in said


def test_a_screen_runs_alone_as_a_process_of_its_own(alone: str) -> None:
    with urllib.request.urlopen(alone, timeout=10) as answer:
        page = answer.read().decode()
    assert 'class="alone"' in page
    assert 'data-hub="gone"' not in page
    with urllib.request.urlopen(f"{alone}/content", timeout=10) as answer:
        made = json.load(answer)
    assert made["slots"]
