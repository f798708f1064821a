"""The display as a device: what it says of itself, and what it lets itself be told."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broker.clock import starting_at
from broker.version import VERSION
from tests.conftest import Mosquitto
from tests.display.real import DISPLAY, Office, open_office

NOON = datetime(2026, 11, 24, 1, 32, tzinfo=UTC)
STATE = f"{DISPLAY}/state"


@pytest.fixture
def office(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Office]:
    with open_office(mosquitto, tmp_path, starting_at(NOON, 1)) as opened:
        yield opened


def restarted(office: Office, doing: Any = lambda: None) -> None:  # noqa: ANN401
    """The display is stopped in order, something is done, and it starts again."""
    display = office.processes["display"]
    display.end()
    office.told.until(lambda now: now[STATE]["state"] == "disconnected")
    doing()
    display.start()
    office.told.until(lambda now: now[STATE]["state"] in {"ready", "alert"})


def test_a_display_tells_what_it_is_and_how_it_feels(office: Office) -> None:
    health = office.told.until(lambda now: now.get(f"{DISPLAY}/health"))
    about = office.told.retained[f"{DISPLAY}/about"]
    assert about["version"] == VERSION
    assert about["site_hash"] == office.site.digest
    assert about["board"]
    assert about["sensors"] == []
    assert (health["outbox"], health["clock_synchronised"]) == (0, True)
    assert 0 < health["disk_free_share"] <= 1


def test_what_is_wrong_with_it_is_told_in_one_line(office: Office, tmp_path: Path) -> None:
    outbox = tmp_path / "display" / DISPLAY / "outbox.sqlite"

    def break_it() -> None:
        for file in outbox.parent.glob("outbox.sqlite-*"):
            file.unlink()
        outbox.write_bytes(b"no outbox" * 1000)

    restarted(office, break_it)
    state = office.told.retained[STATE]
    assert state["state"] == "alert"
    assert "the outbox was damaged and put aside as" in state["why"]


def test_a_command_is_done_once_and_not_again_at_each_start(office: Office) -> None:
    office.told.publish(f"{DISPLAY}/cmd/identify", b"", retain=True)
    office.told.publish(f"{DISPLAY}/cmd/dance", b"")
    restarted(office)
    restarted(office)
    said = office.processes["display"].log.read_text("utf-8")
    assert said.count("told to identify") == 1
    assert "want to be told " in said
    assert ", got dance" in said
