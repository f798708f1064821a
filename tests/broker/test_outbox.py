import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
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


def held(outbox: Outbox) -> list[Row]:
    """All of it, of every stream."""
    rows: list[Row] = []
    while more := outbox.after(at := rows[-1].upto if rows else 0, 10_000, acked=at):
        rows += more
    return rows


def told(outbox: Outbox, place: int = 0) -> list[tuple[str, int]]:
    """What stands behind a place, as the hub is told of it."""
    decoded = [msgspec.json.decode(row.payload) for row in held(outbox) if row.place > place]
    return [(row["stream"], row["seq"]) for row in decoded]


def test_places_run_on_over_a_restart_and_each_process_writes_a_stream_of_its_own(
    path: Path, outbox: Outbox
) -> None:
    assert outbox.append([entry(Beat(), "all"), entry(Beat(), "all")]) == 2
    outbox.acknowledge(1)
    outbox.close()
    again = Outbox(path)
    assert again.stream != outbox.stream
    assert again.append([entry(Beat(), "all"), entry(Beat(), "all")]) == 4
    assert [row.place for row in held(again)] == [2, 3, 4]
    assert told(again) == [(outbox.stream, 2), (again.stream, 1), (again.stream, 2)]
    opening, second = (msgspec.json.decode(row.payload) for row in held(again)[1:])
    assert opening["after"] == f"{outbox.stream}/2"
    assert "after" not in second
    assert again.last_at() == AT
    again.close()


def test_a_stream_is_sent_and_heard_of_when_the_hub_has_all_of_the_one_before(
    path: Path, outbox: Outbox
) -> None:
    outbox.append([entry(Beat(), "all")] * 3)
    outbox.close()
    again = Outbox(path)
    assert again.heard(0, again.stream, 0) is None, "it has written nothing"
    assert again.named(4) == (again.stream, 1)
    again.append([entry(Beat(), "all")] * 2)
    assert [row.place for row in again.after(0, 10, acked=0)] == [1, 2, 3]
    assert again.after(3, 10, acked=2) == []
    assert [row.place for row in again.after(3, 10, acked=3)] == [4, 5]
    assert [again.heard(0, outbox.stream, seq) for seq in (0, 2, 3, 9)] == [0, 2, 3, 3]
    assert again.heard(2, again.stream, 0) is None, "it is not its turn"
    assert again.heard(3, outbox.stream, 2) is None, "its turn is over"
    assert [again.heard(3, again.stream, seq) for seq in (0, 1, 2)] == [3, 4, 5]
    assert again.heard(5, again.stream, 1) == 4, "a hub that was put back"
    assert [again.named(place) for place in (3, 4, 6)] == [
        (outbox.stream, 3),
        (again.stream, 1),
        (again.stream, 3),
    ]
    again.acknowledge(3)
    assert again.named(2) == (again.stream, 1), "whoever still says so may be told again"
    again.close()


def test_a_process_that_sees_nothing_leaves_no_stream(path: Path, outbox: Outbox) -> None:
    outbox.append([entry(Beat(), "all")])
    outbox.close()
    Outbox(path).close()
    third = Outbox(path)
    third.append([entry(Beat(), "all")])
    opening = msgspec.json.decode(held(third)[1].payload)
    assert opening["after"] == f"{outbox.stream}/1"
    third.close()


def test_a_file_of_the_first_version_goes_on(path: Path) -> None:
    outbox = Outbox(path)
    outbox.append([entry(Pulse(direction="in"), "gate")] * 3)
    outbox.acknowledge(1)
    outbox.close()
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "DROP TABLE stream; ALTER TABLE observation RENAME COLUMN place TO seq;"
            "UPDATE meta SET key = 'seq' WHERE key = 'last';"
            "INSERT INTO meta VALUES ('stream', 'old'), ('unsent_after', '2');"
            "PRAGMA user_version = 0"
        )
    again = Outbox(path)
    assert [row.place for row in held(again)] == [2, 3]
    assert again.heard(0, "old", 2) == 2
    assert again.append([entry(Beat(), "all")]) == 4
    assert msgspec.json.decode(held(again)[2].payload)["after"] == "old/3"
    again.close()


def test_only_what_is_acknowledged_is_forgotten(outbox: Outbox) -> None:
    outbox.append([entry(People(count=n)) for n in range(5)])
    outbox.acknowledge(3)
    assert [row.place for row in outbox.after(0, 10, acked=0)] == [4, 5]
    assert outbox.oldest() == 4
    assert outbox.depth() == 2
    outbox.acknowledge(5)
    assert outbox.oldest() == 6


def test_pulses_are_totalled_by_direction_since_the_stream_began(outbox: Outbox) -> None:
    for direction in ("in", "in", "out", "in"):
        outbox.append([entry(Pulse(direction=direction), "front")])
    outbox.acknowledge(3)
    outbox.append([entry(Pulse(direction="in"), "front")])
    rows = [msgspec.json.decode(row.payload) for row in outbox.after(0, 10, acked=0)]
    assert [(row["direction"], row["total"]) for row in rows] == [("in", 3), ("in", 4)]


def test_the_file_says_what_stands_on_the_wire(outbox: Outbox) -> None:
    outbox.append([entry(People(count=7), "lobby")])
    (row,) = outbox.after(0, 1, acked=0)
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
    assert [row.place for row in outbox.after(0, 1000, acked=0)] == [1]
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
        assert [row.place for row in outbox.after(0, 1000, acked=0)] == expected
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
    starts = [row.place for row in rows]
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
    rows = outbox.after(0, 10_000, acked=0)
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
    rows = outbox.after(0, 100_000, acked=0)
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
    assert contiguous(held(again), 1, 20_000)
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
            gone = [row for row in outbox.after(0, 1000, acked=0) if row.place <= acked]
            pulses -= sum(row.kind == "pulse" for row in gone)
            outbox.acknowledge(acked)
        rows = outbox.after(acked, 1000, acked=acked)
        assert contiguous(rows, acked + 1, last)
        assert sum(row.kind == "pulse" for row in rows) == pulses
        assert outbox.after(acked, 2, acked=acked) == rows[:2]
    outbox.close()


def test_what_is_thinned_on_both_sides_of_a_restart_is_one_skip_a_stream(path: Path) -> None:
    first = Outbox(path)
    fill(first, "p", 5)
    first.close()
    second = Outbox(path)
    fill(second, "p", 5)
    assert second._thin() == 9, "all but the newest"
    rows = held(second)
    assert contiguous(rows, 1, 10)
    skips = [msgspec.json.decode(row.payload) for row in rows[:2]]
    assert [(skip["stream"], skip["seq"], skip["upto"]) for skip in skips] == [
        (first.stream, 1, 5),
        (second.stream, 1, 4),
    ]
    second.acknowledge(7)
    (skip,) = (msgspec.json.decode(row.payload) for row in held(second)[:1])
    assert (skip["stream"], skip["seq"], skip["upto"]) == (second.stream, 3, 4)
    second.close()


def test_an_old_copy_gives_no_name_again_that_its_original_has_given(path: Path) -> None:
    """A card is written from an image: what it held is named as before, what comes since is not."""
    original = Outbox(path)
    fill(original, "i", 3)
    image = path.with_name("image")
    original._db.execute("PRAGMA wal_checkpoint")
    shutil.copy(path, image)
    fill(original, "i", 2)
    given = told(original)
    original.close()
    image.replace(path)
    path.with_name("outbox.sqlite-wal").unlink(missing_ok=True)
    copy = Outbox(path)
    fill(copy, "i", 2)
    assert told(copy)[:3] == given[:3]
    assert not set(told(copy)[3:]) & set(given)
    totals = [msgspec.json.decode(row.payload)["total"] for row in held(copy)[3:]]
    assert totals == [1, 2]
    assert copy.heard(0, original.stream, 5) == 3, "the hub has all that the copy has of it"
    copy.close()
