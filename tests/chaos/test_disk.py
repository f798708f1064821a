"""The faults must be what they say: else a campaign that finds nothing has tried nothing."""

import asyncio
import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.disk import Disk, is_possible
from tests.chaos.proxy import HOST, Proxy


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    why_not = is_possible(tmp_path)
    if why_not is not None:
        pytest.skip(why_not)
    made = Disk(tmp_path / "disk", is_real=True)
    made.make()
    try:
        yield made
    finally:
        made.end()


def test_a_power_cut_takes_what_was_not_synced_and_leaves_what_was(disk: Disk) -> None:
    with (disk.folder / "synced").open("wb") as file:
        file.write(b"x" * 10_000)
        file.flush()
        os.fsync(file.fileno())
    (disk.folder / "not-synced").write_bytes(b"x" * 10_000)
    disk.cut_power()
    with pytest.raises(OSError, match="Input/output error"):
        (disk.folder / "later").write_bytes(b"x")
    disk.power_up()
    assert (disk.folder / "synced").read_bytes() == b"x" * 10_000
    assert not (disk.folder / "not-synced").exists()


def test_a_full_disk_takes_nothing_until_it_is_cleared(disk: Disk) -> None:
    disk.fill()
    with pytest.raises(OSError, match="No space left") as refused:
        (disk.folder / "file").write_bytes(b"x" * 100_000)
    assert refused.value.errno == errno.ENOSPC
    disk.clear()
    (disk.folder / "file").write_bytes(b"x" * 100_000)


async def test_a_line_is_cut_stalled_and_healed() -> None:
    echo = await asyncio.start_server(_echo, HOST, 0)
    line = Proxy(echo.sockets[0].getsockname()[1])
    await line.start()
    reader, writer = await asyncio.open_connection(HOST, line.port)
    writer.write(b"1")
    assert await reader.readexactly(1) == b"1"
    line.stall()
    writer.write(b"2")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(told := asyncio.create_task(reader.read(1))), 0.1)
    line.heal()
    assert await told == b"2"
    line.cut()
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read(1) == b""
    line.end()
    echo.close()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()
