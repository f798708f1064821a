"""What a server answers, and what is done about it.

The answers are those of the documentation of InfluxDB 2 (API, "Write data") and of InfluxDB 3
(HTTP API, "write_lp"); a program here gives them over a real connection.
"""

import gzip
import http.server
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from broker.hub.history.influx import SLOWLY_S, InfluxServer, Refused
from models.errors import Missing, Unavailable
from models.site import Influx

PARSE = '{"code": "invalid", "message": "unable to parse \'x\': missing tag value"}'
PARTIAL = (
    '{"code": "unprocessable entity", "message": "failure writing points to database: '
    'partial write: points beyond retention policy dropped=3"}'
)
PARTIAL_3 = (
    '{"error": "partial write of line protocol occurred", "data": [{"original_line": "machiai_peo",'
    ' "line_number": 2, "error_message": "invalid column type"}]}'
)
LINES = [f"machiai_people,site=rig count={n} {n}" for n in range(100)]

Answer = tuple[int, str, dict[str, str]]
OK: Answer = (204, "", {})


class Server(http.server.ThreadingHTTPServer):
    """Answers each batch as it was told, and keeps what it took."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Callable[[list[str]], Answer] = lambda _: OK
        self.taken: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.hangs_up = False
        self.closed = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401  its type there is private
        super().shutdown_request(request)
        self.closed.set()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        self.server.asked.append((self.path, self.headers["Authorization"] or ""))
        lines = body.decode("ascii").split("\n")
        status, text, headers = self.server.answer(lines)
        if status == HTTPStatus.NO_CONTENT:
            self.server.taken += lines
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
        self.close_connection |= self.server.hangs_up

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


@pytest.fixture
def influx(server: Server, tmp_path: Path) -> Iterator[InfluxServer]:
    made = of(server.url, tmp_path)
    yield made
    made.close()


def of(url: str, tmp_path: Path, **more: str) -> InfluxServer:
    (tmp_path / "token").write_text("s3cret\n", "utf-8")
    table = Influx(url=url, bucket="office", org="city", token_file=str(tmp_path / "token"))
    return InfluxServer(msgspec.structs.replace(table, **more), "rig")


def test_a_batch_is_one_request_with_the_token(server: Server, influx: InfluxServer) -> None:
    assert influx.send(LINES, 1) == 0
    assert server.taken == LINES
    ((path, authorization),) = server.asked
    assert urlsplit(path).path == "/api/v2/write"
    asked = {"org": ["city"], "bucket": ["office"], "precision": ["ms"]}
    assert parse_qs(urlsplit(path).query) == asked
    assert authorization == "Token s3cret"
    assert influx.send([], 1) == 0
    assert len(server.asked) == 1


def test_it_may_lie_behind_a_path_and_want_no_token(server: Server) -> None:
    open_to_all = InfluxServer(Influx(url=f"{server.url}/insert/0/influx/"), "rig")
    assert open_to_all.send(LINES, 1) == 0
    ((path, authorization),) = server.asked
    assert path.startswith("/insert/0/influx/api/v2/write?")
    assert authorization == ""
    open_to_all.close()


def refusing(*wrong: str, status: int = 400, text: str = PARSE) -> Callable[[list[str]], Answer]:
    """Takes no batch with one of these in it."""
    return lambda lines: (status, text, {}) if set(wrong) & set(lines) else OK


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_point_that_is_wrong_does_not_stop_the_others(
    server: Server, influx: InfluxServer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = refusing(LINES[7], LINES[70], status=status)
    with caplog.at_level(logging.WARNING):
        assert influx.send(LINES, 1) == 2
    others = [line for line in LINES if line not in (LINES[7], LINES[70])]
    assert [line for line in server.taken if "check=1" not in line] == others
    assert len(caplog.records) == 1, "the same is logged once"
    assert LINES[7] in caplog.text
    assert "s3cret" not in caplog.text


def test_a_server_that_takes_no_point_at_all_is_no_reason_to_drop_them(
    server: Server, influx: InfluxServer
) -> None:
    server.answer = lambda _: (400, '{"code": "invalid", "message": "no such organisation"}', {})
    with pytest.raises(Refused, match="no such organisation") as refused:
        influx.send(LINES, 1)
    assert refused.value.again_s == SLOWLY_S
    assert server.taken == []
    assert len(server.asked) < 20


@pytest.mark.parametrize(("status", "text", "dropped"), [(422, PARTIAL, 3), (400, PARTIAL_3, 1)])
def test_a_server_that_took_the_rest_is_not_asked_again(
    server: Server, influx: InfluxServer, status: int, text: str, dropped: int
) -> None:
    server.answer = lambda _: (status, text, {})
    assert influx.send(LINES, 1) == dropped
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "said", "again_s"),
    [
        ((401, {}), r"want the token of .*token to open bucket office, got 401", SLOWLY_S),
        ((403, {}), r"want the token of .*token to open bucket office, got 403", SLOWLY_S),
        ((404, {}), "want a bucket office of city, got 404", SLOWLY_S),
        ((405, {}), "want points to be taken, got 405", SLOWLY_S),
        ((301, {"Location": "/elsewhere"}), "want points to be taken, got 301", SLOWLY_S),
        ((429, {"Retry-After": "7"}), "want points to be taken, got 429", 7),
        ((429, {"Retry-After": "86400"}), "got 429", SLOWLY_S),
        ((429, {"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}), "got 429", None),
        ((429, {}), "got 429", None),
    ],
)
def test_what_people_must_put_right_is_one_line_and_asked_again_slowly(
    server: Server, influx: InfluxServer, answer: tuple[int, dict[str, str]], said: str,
    again_s: float | None,
) -> None:  # fmt: skip
    status, headers = answer
    server.answer = lambda _: (status, "no\nway\n" + "x" * 9999, headers)
    with pytest.raises(Refused, match=said) as refused:
        influx.send(LINES, 1)
    assert refused.value.again_s == again_s
    line = str(refused.value)
    assert "\n" not in line
    assert len(line) < 600
    assert "s3cret" not in line
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_in_trouble_may_have_lost_something(
    server: Server, influx: InfluxServer, status: int
) -> None:
    server.answer = lambda _: (status, "later", {})
    with pytest.raises(Unavailable, match=f"got {status}") as error:
        influx.send(LINES, 1)
    assert not isinstance(error.value, Refused)


def answered(status: int, text: str, headers: dict[str, str], _: list[str]) -> Answer:
    """Always the same."""
    return status, text, headers


def test_a_server_that_lets_go_of_us_may_have_been_started_anew(
    server: Server, influx: InfluxServer
) -> None:
    server.hangs_up = True
    server.answer = partial(answered, 204, "", {"Connection": "close"})
    for _ in range(3):
        assert influx.send(LINES, 1) == 0
    assert influx.drops == 0, "it said so: it ends long connections by itself"

    server.closed.clear()
    server.answer = partial(answered, 204, "", {})
    assert influx.send(LINES, 1) == 0
    assert influx.drops == 0
    assert server.closed.wait(10)
    server.hangs_up = False
    try:
        assert influx.send(LINES, 1) == 0
    except Unavailable:  # the end was still on its way: that is noticed as well
        return
    assert influx.drops == 1
    assert influx.send(LINES, 1) == 0
    assert influx.drops == 1


def test_nobody_there_and_one_who_speaks_otherwise_are_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    gone = of(f"http://127.0.0.1:{port}", tmp_path)
    with pytest.raises(Unavailable, match=r"want an answer, got: .*refused.* - http://127"):
        gone.send(LINES, 1)
    with socket.create_server(("127.0.0.1", port)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            connection.recv(1)
            connection.sendall(b"220 mail.example.jp ESMTP\r\n")
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(Unavailable, match="want an answer, got: "):
            gone.send(LINES, 1)
        thread.join()
    gone.close()


def test_a_token_or_an_authority_that_is_not_there_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"want a secret, got: .* - .*nowhere"):
        of("https://x.example.jp", tmp_path, token_file=str(tmp_path / "nowhere"))
    with pytest.raises(Missing, match=r"want a certificate authority, got no file - .*nowhere"):
        of("https://x.example.jp", tmp_path, ca=str(tmp_path / "nowhere"))
