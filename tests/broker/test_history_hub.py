"""A hub at work keeps what it tells, also where nothing comes, and once."""

import asyncio
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from broker.clock import starting_at
from broker.hub.history.reading import Cell, Past
from broker.hub.history.rollup import SLOT_MS
from broker.hub.history.sqlite import milliseconds
from broker.session import ENVIRONMENT
from models.errors import BadData, Missing
from tests.broker.rig import PATIENCE_S, address_of, hub_at, until
from tests.conftest import ROOT, Mosquitto

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)


def kept(folder: Path, measure: str) -> list[Cell]:
    """What is known of the service, read beside the hub."""
    try:
        with Past(folder / "journal.sqlite") as past:
            return past.cells("service", measure, 0, milliseconds(TEN) * 2)
    except (Missing, BadData):  # not yet
        return []


def test_systemd_waits_while_an_old_journal_is_brought_up_to_date(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    site, heard = tmp_path / "site.toml", tmp_path / "notify"
    site.write_text(
        (ROOT / "ansible/sites/example.toml").read_text("utf-8").partition("[broker]")[0], "utf-8"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(heard))
        ear.settimeout(PATIENCE_S)
        process = subprocess.Popen(
            [sys.executable, "-m", "machiai", "hub", str(site), "--state", str(tmp_path / "hub")],
            cwd=ROOT,
            env={
                **os.environ,
                "NOTIFY_SOCKET": str(heard),
                ENVIRONMENT: f"mqtt://{mosquitto.host}:{mosquitto.port}",
            },
        )
        try:
            said = [ear.recv(200), ear.recv(200)]
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
    assert said == [b"EXTEND_TIMEOUT_USEC=600000000", b"READY=1"]


async def test_what_is_told_is_kept_once_a_slot_over_restarts(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    address = address_of(mosquitto)
    clock = starting_at(TEN, 600)  # a slot is half a second
    for wanted in (3, 6):

        async def are_told(wanted: int = wanted) -> bool:
            return len(await asyncio.to_thread(kept, tmp_path, "open")) >= wanted

        async with hub_at(address, tmp_path, clock=clock):
            await until(are_told)
    opened = await asyncio.to_thread(kept, tmp_path, "open")
    unknown = await asyncio.to_thread(kept, tmp_path, "no_data")
    assert {(cell.name, cell.count, cell.last) for cell in opened} == {("tax", 1, 1)}
    assert {(cell.name, cell.count, cell.last) for cell in unknown} == {("tax", 1, 1)}
    first = milliseconds(TEN) // SLOT_MS
    slots = [cell.slot_ms // SLOT_MS - first for cell in opened]
    assert slots == sorted(set(slots))
    assert slots[0] == 0
