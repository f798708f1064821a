"""Two cameras on one Pi: one fails and comes back, the other never notices."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.edge.cameras import Program
from tests.journey.conftest import EXAMPLE, Listener, Office

DEVICE = """
[[zones]]
id = "waiting"
capacity = 20

[[devices]]
id = "pi"

[[devices.sensors]]
kind = "camera"
approved = 2026-11-01
source = "rpicam:0"
every_s = 0.2
zones = [{ zone = "lobby" }]

[[devices.sensors]]
kind = "camera"
approved = 2026-11-01
source = "rpicam:1"
every_s = 0.2
zones = [{ zone = "waiting" }]
"""
GONE = "want a frame of rpicam:0, got none - at `$.source`"


async def test_two_cameras_fail_and_come_back_apart(
    office: Office, listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    program = Program(folder)
    program.film(20, "exit", camera=0)
    program.film(100_000, "stall", camera=1)
    site = tmp_path / "site.toml"
    site.write_text(EXAMPLE.read_text("utf-8") + DEVICE, "utf-8")
    office.process("edge", str(site), "--device", "pi", "--state", str(tmp_path / "state"))

    def state() -> dict[str, Any]:
        found: dict[str, Any] = listener.retained.get("machiai/v1/minami/pi/state", {})
        return found

    def seen(zone: str) -> int:
        return len(listener.log[f"machiai/v1/minami/pi/obs/people/{zone}"])

    await listener.until(lambda: state().get("why") == GONE)
    other = seen("waiting")
    program.film(100_000, "stall", camera=0)
    await listener.until(lambda: state()["state"] == "ready")
    before = seen("lobby")
    await listener.until(lambda: seen("lobby") > before + 2 and seen("waiting") > other + 2)
    told = [message.get("why") for message in listener.log["machiai/v1/minami/pi/state"]]
    assert set(told) <= {"", None, GONE}, "nothing is said of the other camera"
