import os
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.outbox import Entry, Outbox
from models.contract.observations import Beat, People, Pulse, Reading
from models.errors import SensorFailed

AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


def entry(reading: Reading, name: str = "x") -> Entry:
    return Entry(name=name, reading=reading, boot="b", up_ms=1, at=AT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "box" / "outbox.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    box = Outbox(path)
    yield box
    box.close()


def test_numbers_run_without_holes_and_survive_a_restart(path: Path, outbox: Outbox) -> None:
    assert outbox.append([entry(Beat(), "all"), entry(Beat(), "all")]) == 2
    outbox.acknowledge(2)
    again = Outbox(path)
    assert again.stream == outbox.stream
    assert again.append([entry(Beat(), "all")]) == 3
    assert [row.seq for row in again.after(0, 10)] == [3]
    assert again.last_at() == AT
    again.close()


def test_only_what_is_acknowledged_is_forgotten(outbox: Outbox) -> None:
    outbox.append([entry(People(count=n)) for n in range(5)])
    outbox.acknowledge(3)
    assert [row.seq for row in outbox.after(0, 10)] == [4, 5]
    assert outbox.oldest() == 4
    assert outbox.depth() == 2
    outbox.acknowledge(5)
    assert outbox.oldest() == 6


def test_pulses_are_totalled_by_direction_since_the_stream_began(outbox: Outbox) -> None:
    for direction in ("in", "in", "out", "in"):
        outbox.append([entry(Pulse(direction=direction), "front")])
    outbox.acknowledge(3)
    outbox.append([entry(Pulse(direction="in"), "front")])
    rows = [msgspec.json.decode(row.payload) for row in outbox.after(0, 10)]
    assert [(row["direction"], row["total"]) for row in rows] == [("in", 3), ("in", 4)]


def test_the_file_says_what_stands_on_the_wire(outbox: Outbox) -> None:
    outbox.append([entry(People(count=7), "lobby")])
    (row,) = outbox.after(0, 1)
    assert (row.kind, row.name) == ("people", "lobby")
    assert msgspec.json.decode(row.payload) == {
        "stream": outbox.stream,
        "seq": 1,
        "boot": "b",
        "up_ms": 1,
        "at": "2026-11-24T01:00:00.000Z",
        "count": 7,
    }


def test_a_damaged_file_is_put_aside_and_a_new_stream_begins(path: Path) -> None:
    first = Outbox(path)
    first.append([entry(People(count=n)) for n in range(2000)])
    stream = first.stream
    first.close()
    data = bytearray(path.read_bytes())
    data[4096:20_000] = os.urandom(20_000 - 4096)
    path.write_bytes(data)
    second = Outbox(path)
    assert second.damaged is not None
    assert second.damaged.read_bytes() == data
    assert second.stream != stream
    assert second.append([entry(Beat(), "all")]) == 1
    second.close()


def test_a_disk_that_refuses_is_one_line_and_keeps_nothing_by_halves(path: Path) -> None:
    outbox = Outbox(path)
    outbox.append([entry(People(count=1))])
    other = sqlite3.connect(path)
    (pages,) = other.execute("PRAGMA page_count").fetchone()
    other.close()
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")  # as full as a disk can be
    with pytest.raises(SensorFailed, match=r"want to keep 500 observations, got: .*full"):
        outbox.append([entry(People(count=n)) for n in range(500)])
    assert [row.seq for row in outbox.after(0, 1000)] == [1]
    outbox._db.execute("PRAGMA max_page_count = 100000")
    assert outbox.append([entry(People(count=2))]) == 2
    outbox.close()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SensorFailed, match="want an outbox at"):
        Outbox(tmp_path / "file" / "outbox.sqlite")


@given(steps=st.lists(st.one_of(st.integers(1, 4), st.none()), max_size=30))
def test_whatever_is_acknowledged_the_rest_stays_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int | None]
) -> None:
    outbox = Outbox(tmp_path_factory.mktemp("box") / "outbox.sqlite")
    given_out, forgotten = 0, 0
    for step in steps:
        if step is None:
            forgotten = (forgotten + given_out) // 2
            outbox.acknowledge(forgotten)
        else:
            given_out = outbox.append([entry(Beat(), "all")] * step)
        expected = list(range(forgotten + 1, given_out + 1))
        assert [row.seq for row in outbox.after(0, 1000)] == expected
    outbox.close()
