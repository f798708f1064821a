"""The nginx configuration that we ship, before a real feed."""

import getpass
import gzip
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from functools import partial
from pathlib import Path

import pytest

from broker.embedded import free_port
from models.site import parse
from signage.stream import milliseconds
from tests.conftest import ROOT
from tests.signage.office import EXAMPLE, HandClock, Hub, Served

CONF = ROOT / "docs" / "nginx" / "machiai.conf"


STARTS_S = 20.0


class Front:
    """nginx on a free port of the loopback, before a web process."""

    def __init__(self, program: str, base: str, folder: Path) -> None:
        port = free_port()
        shipped = CONF.read_text("utf-8")
        for there, here in (
            ("127.0.0.1:8080", base.removeprefix("http://")),
            ("listen 80;", f"listen 127.0.0.1:{port};"),
            ("/var/cache/nginx/machiai", f"{folder}/cache"),
        ):
            assert there in shipped
            shipped = shipped.replace(there, here)
        conf = folder / "nginx.conf"
        temporary = "\n".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        conf.write_text(
            f"daemon off; user {getpass.getuser()};\n"
            f"error_log {folder}/error.log; pid {folder}/nginx.pid;\n"
            f"events {{}}\nhttp {{ {temporary}\n{shipped} }}\n"
        )
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen([program, "-c", str(conf), "-p", str(folder)])
        end_s = time.perf_counter() + STARTS_S
        while time.perf_counter() < end_s:
            try:
                self.get("/healthz")
            except OSError:
                assert self._process.poll() is None, (folder / "error.log").read_text()
                os.sched_yield()
                continue
            break

    def get(self, path: str, **headers: str) -> tuple[int, bytes, Message]:
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[tuple[Served, Front]]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    served = Served(Hub(parse(EXAMPLE.read_text("utf-8"), EXAMPLE.name), HandClock()))
    made = Front(program, served.base, tmp_path)
    yield served, made
    made.end()
    served.close()


FEED = "/api/v1/sites/minami"
HALF_S = 0.5


def test_a_crowd_is_answered_from_the_micro_cache(front: tuple[Served, Front]) -> None:
    served, nginx = front
    for waiting in range(70, 90):  # on a loaded machine the second may be over before we ask again
        served.do(served.hub.busy)
        start_s = time.perf_counter()
        status, body, headers = nginx.get(FEED)
        assert status == 200
        assert b'"waiting":' in body
        assert "X-Accel-Expires" not in headers
        assert len(headers.get_all("Date") or []) == 1
        served.do(partial(served.hub.service, "moving", 4, waiting, (80, 90, 100)))
        again, unchanged = nginx.get(FEED)[1], nginx.get(FEED, **{"If-None-Match": headers["ETag"]})
        if time.perf_counter() - start_s < HALF_S:
            assert again == body, "within the same second"
            assert unchanged[0] == 304
            return
        time.sleep(1.0)
    pytest.fail("want two answers within half a second, got none")


def test_no_value_is_kept_past_its_end_by_nginx(front: tuple[Served, Front]) -> None:
    served, nginx = front
    served.do(served.hub.busy)
    served.do(lambda: served.hub.clock.move(88.5))
    assert b'"waiting":8' in nginx.get(FEED)[1]
    served.do(lambda: served.hub.clock.move(1.5))
    assert b'"waiting":8' not in nginx.get(FEED)[1]


def test_pages_and_streams_pass_through(front: tuple[Served, Front]) -> None:
    served, nginx = front
    served.do(served.hub.busy)
    assert "混んでいます".encode() in nginx.get("/")[1]
    with urllib.request.urlopen(nginx.url + "/stream", timeout=5) as stream:
        lines = [stream.readline() for _ in range(4)]
        assert lines[0].startswith(b"retry: ")
        served.do(lambda: served.hub.service("moving", 4, 77, (80, 90, 100)))
        while b'"waiting":77' not in stream.readline():
            pass


def test_a_page_comes_compressed_with_its_moment_and_a_file_from_the_cache(
    front: tuple[Served, Front],
) -> None:
    served, nginx = front
    served.do(served.hub.busy)
    plain = nginx.get("/")[1]
    status, body, headers = nginx.get("/", **{"Accept-Encoding": "gzip"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert gzip.decompress(body) == plain
    assert f'data-now="{milliseconds(served.hub.clock.now())}"'.encode() in plain
    script = re.search(r'src="(/static/page\.js[^"]+)"', plain.decode())
    assert script is not None
    gone = script[1].replace("page.js", "none.js")
    assert nginx.get(gone)[0] == 404
    first = nginx.get(script[1], **{"Accept-Encoding": "gzip"})
    served.stop()
    assert nginx.get("/")[0] == 502
    status, body, headers = nginx.get(script[1], **{"Accept-Encoding": "gzip"})
    assert (status, body) == first[:2]
    assert "immutable" in headers["Cache-Control"]
