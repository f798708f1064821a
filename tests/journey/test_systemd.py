"""What systemd hears of a process, and how the process ends."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journey.conftest import EXAMPLE, Office


@pytest.fixture
def systemd(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where the next process of the office tells how it is."""
    # A socket's path has at most 107 letters, so it is given from where we are.
    monkeypatch.chdir(office.folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind("notify")
        made.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(Path("notify").absolute()))
        yield made


def until(systemd: socket.socket, *wanted: str) -> list[str]:
    """What it hears until it has heard all of these."""
    heard: list[str] = []
    while not set(wanted) <= set(heard):
        heard.append(systemd.recv(100).decode())
    return heard


@pytest.mark.parametrize(
    "words", [["hub", str(EXAMPLE)], ["edge", str(EXAMPLE), "--device", "gates", "--simulate", "1"]]
)
def test_systemd_hears_ready_the_watchdog_and_the_end(
    office: Office, systemd: socket.socket, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    process = office.process(*words, "--state", str(office.folder / "state"))
    until(systemd, "READY=1", "WATCHDOG=1", f"STATUS=connected to {office.address}")
    assert until(systemd, "WATCHDOG=1") == ["WATCHDOG=1"]
    assert process.kill(15) == 0
    rest = until(systemd, "STOPPING=1")
    assert {line for line in rest if not line.startswith("STATUS=")} <= {"WATCHDOG=1", "STOPPING=1"}


def test_an_agent_says_that_the_hub_hears_it_once_it_does(
    office: Office, systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that was there before does not count: what it said stands at the broker still."""
    agent = ["edge", str(EXAMPLE), "--device", "gates", "--simulate", "1", "--state"]
    words = [*agent, str(office.folder / "state")]
    before = office.process(*words)
    until(systemd, "READY=1", f"STATUS=connected to {office.address}")
    with monkeypatch.context() as elsewhere:
        elsewhere.delenv("NOTIFY_SOCKET")
        hub = office.process("hub", str(EXAMPLE), "--state", str(office.folder / "hub"))
    until(systemd, "STATUS=heard by the hub")
    assert hub.kill(15) == 0
    assert before.kill(15) == 0
    until(systemd, "STOPPING=1")
    systemd.setblocking(False)
    while True:
        try:
            systemd.recv(100)
        except BlockingIOError:
            break
    systemd.settimeout(20)
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    again = office.process(*words)
    heard = until(systemd, f"STATUS=connected to {office.address}")
    for _ in range(8):  # time enough for what the broker holds
        heard += until(systemd, "WATCHDOG=1")
    assert again.kill(15) == 0
    assert "STATUS=heard by the hub" not in heard + until(systemd, "STOPPING=1")
