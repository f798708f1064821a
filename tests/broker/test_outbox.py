import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.outbox import Entry, Outbox, Row
from models.contract.observations import Beat, Cars, People, Pulse, Reading
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


def fill(outbox: Outbox, kinds: str, count: int) -> int:
    """Append one by one: p is a gauge of people, c one of cars, b a beat, i a pulse."""
    readings: dict[str, tuple[str, Reading]] = {
        "p": ("lobby", People(count=1)),
        "c": ("front", Cars(occupied=1, seen=2)),
        "b": ("all", Beat()),
        "i": ("gate", Pulse(direction="in")),
    }
    last = 0
    for n in range(count):
        name, reading = readings[kinds[n % len(kinds)]]
        last = outbox.append([entry(reading, name)])
    return last


def contiguous(rows: list[Row], first: int, last: int) -> bool:
    """Whether the rows stand for every place of the stream once."""
    starts = [row.seq for row in rows]
    return starts == [first, *(row.upto + 1 for row in rows[:-1])] and rows[-1].upto == last


def crowded(path: Path) -> Outbox:
    """An outbox with room for hardly more than a thousand observations."""
    outbox = Outbox(path, budget_mib=1)
    outbox._db.execute("PRAGMA max_page_count = 60")
    outbox._db.execute("PRAGMA synchronous = OFF")  # only for the pace of these tests
    return outbox


def test_when_the_budget_is_reached_old_gauges_go_behind_a_skip_and_events_never(
    path: Path,
) -> None:
    outbox = crowded(path)
    last = fill(outbox, "ppcpbppi", 6000)
    rows = outbox.after(0, 10_000)
    assert contiguous(rows, 1, last)
    kinds = Counter(row.kind for row in rows)
    assert kinds["pulse"] == 6000 // 8
    assert kinds["skip"] <= kinds["pulse"] + 1, "a run of thinned rows is one"
    assert [row.kind for row in rows[:2]] == ["skip", "pulse"], "the oldest go first"
    newest = {(row.kind, row.name) for row in rows[-20:]}
    assert newest >= {("people", "lobby"), ("cars", "front"), ("beat", "all")}
    skip = msgspec.json.decode(rows[0].payload)
    assert (skip["stream"], skip["seq"], skip["upto"]) == (outbox.stream, 1, 7)
    assert path.stat().st_size <= 60 * 4096
    outbox.close()


def test_an_outbox_full_of_events_refuses_keeps_all_and_goes_on_after_an_ack(path: Path) -> None:
    outbox = crowded(path)
    with pytest.raises(SensorFailed, match=r"want to keep 1 observations, got: .*full"):
        fill(outbox, "iip", 100_000)
    last = outbox.last
    rows = outbox.after(0, 100_000)
    assert contiguous(rows, 1, last)
    assert sum(row.kind == "pulse" for row in rows) == len([n for n in range(last) if n % 3 != 2])
    outbox.acknowledge(last // 2)
    assert outbox.append([entry(Pulse(direction="in"), "gate")]) == last + 1
    outbox.close()


def test_the_budget_holds_for_a_file_that_is_opened_again(path: Path) -> None:
    outbox = Outbox(path, budget_mib=1)
    outbox._db.execute("PRAGMA synchronous = OFF")
    for _ in range(200):
        outbox.append([entry(People(count=1))] * 100)
    outbox.close()
    assert path.stat().st_size <= 2**20
    again = Outbox(path, budget_mib=1)
    assert contiguous(again.after(0, 100_000), 1, 20_000)
    again.close()


@given(
    script=st.lists(
        st.tuples(st.sampled_from("pcbi"), st.sampled_from(["add", "thin", "ack", "ack"])),
        min_size=1,
        max_size=40,
    )
)
def test_however_it_is_thinned_and_acknowledged_every_place_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, str]]
) -> None:
    outbox = Outbox(tmp_path_factory.mktemp("box") / "outbox.sqlite")
    outbox._db.execute("PRAGMA synchronous = OFF")
    acked = last = pulses = 0
    for kind, step in script:
        last = fill(outbox, kind * 3, 3)
        pulses += 3 * (kind == "i")
        if step == "thin":
            outbox._thin()
        elif step == "ack":
            acked = (acked + last) // 2  # in the middle of a skip, too
            gone = [row for row in outbox.after(0, 1000) if row.seq <= acked]
            pulses -= sum(row.kind == "pulse" for row in gone)
            outbox.acknowledge(acked)
        rows = outbox.after(acked, 1000)
        assert contiguous(rows, acked + 1, last)
        assert sum(row.kind == "pulse" for row in rows) == pulses
        assert outbox.after(acked, 2) == rows[:2]
    outbox.close()


def test_an_old_copy_begins_a_new_stream_with_what_came_since(path: Path) -> None:
    """A card was written from an image: the hub has had these numbers already."""
    outbox = Outbox(path)
    for _ in range(3):
        outbox.append([entry(Pulse(direction="in"), "gate")])
    outbox.sending()
    outbox.close()
    copy = Outbox(path)
    copy.append([entry(Pulse(direction="in"), "gate"), entry(People(count=7))])
    before = copy.stream
    copy.begin_again()
    rows = [msgspec.json.decode(row.payload) for row in copy.after(0, 10)]
    assert copy.stream != before
    assert [(row["stream"], row["seq"]) for row in rows] == [(copy.stream, 1), (copy.stream, 2)]
    assert rows[0]["total"] == 1
    assert rows[1]["count"] == 7
    assert copy.append([entry(Pulse(direction="in"), "gate")]) == 3
    copy.close()
    again = Outbox(path)
    assert (again.stream, again.last) == (rows[0]["stream"], 3)
    again.close()


def test_what_was_sent_before_a_restart_is_not_taken_for_unsent(path: Path) -> None:
    outbox = Outbox(path)
    fill(outbox, "i", 3)
    outbox.sending()
    fill(outbox, "i", 3)
    outbox.close()
    again = Outbox(path)
    assert again.unsent_after == 6
    fill(again, "i", 2)
    again.close()
    off_the_line = Outbox(path)
    assert (off_the_line.unsent_after, off_the_line.last) == (6, 8)
    off_the_line.close()
