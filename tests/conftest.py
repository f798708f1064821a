"""What all tests share: no blocked loop, one pace for hypothesis, a real broker, a browser."""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from blockbuster import blockbuster_ctx
from playwright.sync_api import Browser, sync_playwright

from tests.browsing import FLAGS

ROOT = Path(__file__).resolve().parent.parent
OURS = ["edge", "broker", "signage", "models"]

hypothesis.settings.register_profile("machiai", deadline=None, max_examples=50)
hypothesis.settings.load_profile("machiai")


@pytest.fixture(autouse=True)
def _nothing_of_ours_blocks_the_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail an asyncio test in which our code waits for a disk or a socket inside the loop."""
    if request.node.get_closest_marker("asyncio") is None:
        yield
        return
    with blockbuster_ctx(OURS):
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of clips, logs and truths beside the clone."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no ../shared beside this clone: its clips, logs and truths are not here")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Debian's chromium."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed: apt-get install chromium fonts-noto-cjk")
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for a module: playwright's loop must end before other tests run theirs."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


class Mosquitto:
    """A real mosquitto on a free port of the loopback. It can be killed and started again."""

    host = "127.0.0.1"

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server((self.host, 0)) as server:
            self.port: int = server.getsockname()[1]
        self.config = folder / "mosquitto.conf"
        self.config.write_text(
            f"listener {self.port} {self.host}\n"
            "allow_anonymous true\n"
            "set_tcp_nodelay true\n"
            "max_queued_messages 1000000\n"
            f"user {getpass.getuser()}\n"  # else root's broker may not write into the folder
            f"persistence true\npersistence_location {folder}/\n",
            encoding="utf-8",
        )

    @property
    def pid(self) -> int:
        """The process that runs now."""
        assert self._process is not None, "mosquitto is not running"
        return self._process.pid

    def start(self) -> None:
        """Run it, on the same port as before, and wait until it accepts."""
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-c", str(self.config)],
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C"},
            )
        for _ in range(500):
            with contextlib.suppress(OSError):
                socket.create_connection((self.host, self.port), timeout=1).close()
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
                break
        said = (self._folder / "mosquitto.log").read_text(encoding="utf-8", errors="replace")
        self.kill()
        raise RuntimeError(f"want mosquitto to accept on {self.port} within 10 s, it said: {said}")

    def kill(self, signum: int = signal.SIGKILL) -> None:
        """End it as a power cut would, or as `signum` does, and wait until it has ended."""
        if self._process is not None:
            self._process.send_signal(signum)
            self._process.wait(timeout=10)
            self._process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker of this test's own, open to all on the loopback, ended with the test."""
    path = f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin"
    program = shutil.which("mosquitto", path=path)
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    broker = Mosquitto(program, tmp_path)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
