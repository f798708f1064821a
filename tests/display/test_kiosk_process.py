"""`machiai kiosk` as systemd runs it: what it hears of it, and the upper rungs of the ladder."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.clock import Clock
from tests.conftest import ROOT
from tests.signage.office import EXAMPLE

HOUR_S = 3600.0
FULL = {"reload": 2, "browser": 3, "compositor": 2}
NO_BROWSER = "#!/bin/sh\nexit 1\n"
SYSTEMCTL = '#!/bin/sh\necho "$@" > "$(dirname "$0")/said"\n'


class Unit:
    """A folder for its programs, one that systemd would give it, and its socket."""

    def __init__(self, folder: Path, systemd: socket.socket) -> None:
        self.folder, self.systemd = folder, systemd
        self.runtime = folder / "run"
        self.runtime.mkdir()
        self._process: subprocess.Popen[str] | None = None

    def program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text, "utf-8")
        path.chmod(0o755)

    def remember(self, since_s: float, last_s: float, tried: dict[str, int]) -> None:
        """What it did about a page that does not come, in seconds before now."""
        up_s = Clock().up_ms() / 1000
        climb = {"since_s": up_s - since_s, "last_s": up_s - last_s, "tried": tried}
        (self.runtime / "climb.json").write_text(json.dumps(climb), "utf-8")

    def remembers(self) -> dict[str, int]:
        tried: dict[str, int] = json.loads((self.runtime / "climb.json").read_text())["tried"]
        return tried

    def start(self) -> subprocess.Popen[str]:
        words = ["kiosk", str(EXAMPLE), "--display", "lobby-1", "--port", "1", "--headless"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "machiai", *words],
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": f"{self.folder}:{os.environ['PATH']}",
                "RUNTIME_DIRECTORY": str(self.runtime),
                "NOTIFY_SOCKET": str(self.folder / "notify"),
                "PYTHONUNBUFFERED": "1",
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        return self._process

    def heard(self, until: Callable[[str], bool]) -> list[str]:
        """What it tells systemd until something comes."""
        said = [self.systemd.recv(100).decode()]
        while not until(said[-1]):
            said.append(self.systemd.recv(100).decode())
        return said

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
        if self._process is not None and self._process.stderr is not None:
            self._process.stderr.close()


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        before = Path.cwd()
        os.chdir(tmp_path)  # a socket's path has at most 107 letters
        try:
            systemd.bind("notify")
        finally:
            os.chdir(before)
        systemd.settimeout(30)
        made = Unit(tmp_path, systemd)
        try:
            yield made
        finally:
            made.end()


def line_with(process: subprocess.Popen[str], word: str) -> str:
    """What it logs, up to a line that has a word."""
    assert process.stderr is not None
    return next(line for line in process.stderr if word in line)


@pytest.mark.browser
@pytest.mark.usefixtures("chromium")
def test_systemd_hears_that_it_lives_with_no_server_at_all(unit: Unit) -> None:
    process = unit.start()
    unit.heard(lambda word: word == "READY=1")
    unit.heard(lambda word: word == "WATCHDOG=1")
    assert [path.name for path in unit.runtime.iterdir()] == ["profile"]
    process.send_signal(signal.SIGTERM)
    unit.heard(lambda word: word == "STOPPING=1")
    assert process.wait(20) == 0
    assert list(unit.runtime.iterdir()) == []


def test_a_browser_that_never_starts_ends_with_the_compositor(unit: Unit) -> None:
    unit.program("chromium", NO_BROWSER)
    process = unit.start()
    assert "the compositor is to start anew" in line_with(process, "machiai: want")
    assert process.wait(20) == 69
    assert unit.remembers() == {"browser": 3, "compositor": 1}


@pytest.fixture
def an_hour_up() -> None:
    if Clock().up_ms() / 1000 < HOUR_S:
        pytest.skip("this machine has been up for less than an hour: it may not boot yet")


@pytest.mark.usefixtures("an_hour_up")
def test_in_the_end_the_machine_boots_anew(unit: Unit) -> None:
    unit.program("chromium", NO_BROWSER)
    unit.program("systemctl", SYSTEMCTL)
    said = unit.folder / "said"
    os.mkfifo(said)  # who reads it waits for what is said
    unit.remember(since_s=400, last_s=100, tried=FULL)
    unit.start()
    assert said.read_text("ascii") == "reboot\n"
    unit.end()
    assert unit.remembers() == FULL | {"reboot": 1}


@pytest.mark.usefixtures("an_hour_up")
def test_where_it_may_not_boot_systemd_no_longer_hears_it(unit: Unit) -> None:
    unit.program("chromium", NO_BROWSER)
    unit.remember(since_s=600, last_s=130, tried=FULL | {"reboot": 1})
    process = unit.start()
    line_with(process, ": watchdog, ")
    unit.systemd.settimeout(3)
    with pytest.raises(TimeoutError):
        unit.heard(lambda _: False)
    assert process.poll() is None


def test_what_is_wrong_with_the_command_is_one_line() -> None:
    words = ["kiosk", str(EXAMPLE), "--display", "nowhere"]
    done = subprocess.run(
        [sys.executable, "-m", "machiai", *words],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 78
    assert done.stderr.startswith("machiai: want a display of lobby-1")
    assert done.stderr.count("\n") == 1
