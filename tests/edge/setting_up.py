"""What the tests of the camera set-up share: a clip that stands still, an office, the process."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from broker.clock import starting_at
from edge import cards
from edge.opencv import cv2
from tests.conftest import ROOT

EXAMPLE = ROOT / "ansible/sites/example.toml"
LOBBY = """source = "/dev/video0"
zones = [{ zone = "lobby", polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]] }]
"""
"""What the example office says of its camera `cam-lobby`, below `kind`."""

PATIENCE_S = 30.0

Picture = npt.NDArray[np.uint8]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def clip_of(picture: Picture, path: Path) -> Path:
    """A film in which nothing moves, without loss."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 10, picture.shape[1::-1])
    for _ in range(20):
        writer.write(picture)
    writer.release()
    return path


def noise(width: int = 640, height: int = 360) -> Picture:
    """A picture of nothing but detail."""
    return np.random.default_rng(4).integers(0, 256, (height, width, 3), np.uint8)


def detail(picture: Picture) -> float:
    """Energy of the high frequencies: the variance of the Laplacian."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def site_file(folder: Path, clip: Path, rest: str = 'model = "hog"\n') -> Path:
    """The example office, whose lobby's camera plays a clip."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert LOBBY in text
    path = folder / "site.toml"
    guide = EXAMPLE.with_name("example-guide.toml")
    (folder / guide.name).write_text(guide.read_text("utf-8"), "utf-8")
    zones = LOBBY.partition("\n")[2]
    path.write_text(text.replace(LOBBY, f"source = '{clip}'\n{rest}{zones}"), encoding="utf-8")
    return path


def with_snippet(site: Path, snippet: str) -> Path:
    """The site file as staff would change it: the lobby camera's table replaced."""
    text = site.read_text(encoding="utf-8")
    before, _, after = text.partition('id = "cam-lobby"')
    head, _, tail = after.partition("[[devices.sensors]]")
    rest = tail[tail.index("\n[[devices]]") :]
    changed = site.with_name("changed.toml")
    changed.write_text(f'{before}id = "cam-lobby"{head}{snippet}{rest}', encoding="utf-8")
    return changed


def check(site: Path) -> subprocess.CompletedProcess[str]:
    """`machiai check`."""
    command = [sys.executable, "-m", "machiai", "check", str(site)]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class SetUp:
    """`machiai edge --setup` at work on the loopback."""

    def __init__(self, site: Path, *, device: str = "cam-lobby", speed: float = 1.0) -> None:
        self.folder = site.parent / "empty"
        self.folder.mkdir()
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.base = f"http://{self.host}"
        self.cookie: str | None = None
        homes = ("HOME", "TMPDIR", "XDG_CACHE_HOME")
        environment = {
            **os.environ,
            **{name: str(self.folder) for name in homes},
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(ROOT),
            **starting_at(datetime(2026, 11, 24, tzinfo=UTC), speed).environment(),
            cards.ENVIRONMENT: os.environ.get(cards.ENVIRONMENT, str(cards.cache())),
        }
        command = [sys.executable, "-m", "machiai", "edge", str(site), "--device", device]
        self.process = subprocess.Popen(
            [*command, "--setup", "--host", "127.0.0.1", "--port", str(self.port)],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.said = [self.process.stdout.readline() for _ in range(3)]
        found = re.search(r"\d{4} \d{4}", self.said[1])
        if found is None:
            raise RuntimeError(f"want a code, got {self.said} {self.end()}")
        self.code = found[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> tuple[str, str]:
        """End it; what it said meanwhile, to whom it said it."""
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE_S)

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request, by default as our own page would send it."""
        sent = {"Origin": self.base} if body is not None else {}
        if self.cookie:
            sent["Cookie"] = self.cookie
        request = urllib.request.Request(self.base + path, body, {**sent, **headers})
        opener = urllib.request.build_opener(_Still)
        try:
            with opener.open(request, timeout=PATIENCE_S) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def enter(self, code: str | None = None) -> Answer:
        """Type the code; the session is kept."""
        typed = urllib.parse.urlencode({"code": self.code if code is None else code})
        answer = self.ask("/code", typed.encode())
        self.cookie = answer.headers.get("Set-Cookie", "").partition(";")[0] or self.cookie
        return answer

    def frame(self) -> Picture:
        """The picture as it is served, once there is one."""
        for _ in range(int(PATIENCE_S * 10)):
            answer = self.ask("/frame/0")
            if answer.status == 200:
                assert answer.headers["Content-Type"] == "image/jpeg"
                decoded = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR)
                return np.asarray(decoded, np.uint8)
            assert answer.status == 503, answer
            time.sleep(0.1)
        raise AssertionError(answer)

    def listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
        except OSError:
            return False
        return True


class _Still(urllib.request.HTTPRedirectHandler):
    """Shows where it is sent instead of going there."""

    def redirect_request(self, *args: object) -> None:
        _ = args
