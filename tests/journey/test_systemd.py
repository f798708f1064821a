"""What systemd hears of a process, and how the process ends."""

import socket
from pathlib import Path

import pytest

from tests.journey.conftest import EXAMPLE, Office


@pytest.mark.parametrize(
    "words", [["hub", str(EXAMPLE)], ["edge", str(EXAMPLE), "--device", "gates", "--simulate", "1"]]
)
def test_systemd_hears_ready_the_watchdog_and_the_end(
    office: Office, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A socket's path has at most 107 letters, so it is given from where we are.
    monkeypatch.chdir(office.folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("notify")
        systemd.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(Path("notify").absolute()))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        process = office.process(*words, "--state", str(office.folder / "state"))
        heard = [systemd.recv(100).decode() for _ in range(4)]
        assert sorted(heard) == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]
        assert process.kill(15) == 0
        rest: list[str] = []
        while "STOPPING=1" not in rest:
            rest.append(systemd.recv(100).decode())
    assert set(rest) <= {"WATCHDOG=1", "STOPPING=1"}
