import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import (
    _STEPS,
    VERSION,
    Journal,
    Mark,
    Record,
    from_milliseconds,
    milliseconds,
)
from models.errors import Unavailable

NOW = datetime(2026, 11, 24, 1, 0, 0, 123000, tzinfo=UTC)


def record(seq: int) -> Record:
    return Record(
        device="cam-1",
        stream="s",
        seq=seq,
        kind="people",
        name="lobby",
        at_ms=milliseconds(NOW),
        received_ms=milliseconds(NOW),
        payload=b'{"n":%d}' % seq,
    )


def test_records_marks_and_state_come_back_as_they_were(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    mark = Mark(device="cam-1", stream="s", seq=2, boot="b", offset_ms=5)
    journal.commit([record(1), record(2)], [mark], Rollup(), b"state")
    journal.commit(
        [record(3)], [Mark(device="cam-1", stream="s", seq=3, boot="b", offset_ms=5)], Rollup()
    )
    journal.close()
    again = Journal(tmp_path / "j.sqlite")
    assert list(again.records()) == [record(1), record(2), record(3)]
    assert again.snapshot() == (2, b"state")
    assert [r.seq for r in again.records(after=2)] == [3]
    assert [(m.seq, m.boot, m.offset_ms) for m in again.marks()] == [(3, "b", 5)]
    again.close()


def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "j.sqlite") as old:
        old.executescript(
            "PRAGMA journal_mode = WAL;"  # noqa: S608  our own
            + _STEPS[0]
            + "INSERT INTO stream VALUES (1, 'cam-1', 's', 2, 'b', 5);"
            "INSERT INTO journal VALUES (1, 1, 1, 'people', 'l', 1, 1, x'7b2261223a317d', NULL);"
            "INSERT INTO journal VALUES (2, 1, 2, 'people', 'lobby', 1, 1, x'ff', NULL);"
            "INSERT INTO snapshot VALUES (1, 2, x'')"
        )
    old.close()
    journal = Journal(tmp_path / "j.sqlite")
    assert [(mark.seq, mark.received_ms) for mark in journal.marks()] == [(2, None)]
    journal.commit([record(3)], [Mark(device="cam-1", stream="s", seq=3)], Rollup(), b"state")
    assert not journal.tidy(NOW)
    assert [r.seq for r in journal.records()] == [1, 2, 3], "what was never rolled up stays"
    assert [r.payload for r in journal.records()] == [b'{"a":1}', b"\xff", record(3).payload]
    journal.commit([record(4)], [Mark(device="cam-1", stream="s", seq=4)], Rollup())
    assert journal._db.execute("SELECT max(id) FROM journal").fetchone() == (4,)
    journal.close()


def test_roll_ups_of_the_second_version_are_kept_by_series(tmp_path: Path) -> None:
    slot = milliseconds(NOW) // 300_000 // 12 * 12
    rows = [
        (slot + n, "people", name, "count", 2, 2.0 * n, 0.0, 2.0 * n, 1.5, (slot + n) * 300_000)
        for name in ("lobby", "hall")
        for n in range(13)
    ]
    with sqlite3.connect(tmp_path / "j.sqlite") as old:
        old.executescript(_STEPS[0] + _STEPS[1] + "PRAGMA user_version = 2;")
        old.executemany("INSERT INTO rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    old.close()
    journal = Journal(tmp_path / "j.sqlite")
    assert sorted(journal._db.execute("SELECT * FROM rollup")) == sorted(rows)
    hours = journal._db.execute(
        "SELECT name, hour - ?, count, sum FROM hour JOIN series ON id = series ORDER BY 1, 2",
        (slot // 12,),
    )
    assert hours.fetchall() == [
        ("hall", 0, 24, 132.0),
        ("hall", 1, 2, 24.0),
        ("lobby", 0, 24, 132.0),
        ("lobby", 1, 2, 24.0),
    ]
    journal.close()


def test_no_number_of_a_ticket_is_left_behind_where_it_stood(tmp_path: Path) -> None:
    said = b'{"stream":"s","seq":1,"boot":"b","up_ms":1,"at":null,"number":"A771","event":"called"}'
    with sqlite3.connect(tmp_path / "j.sqlite") as old:
        old.executescript(_STEPS[0] + _STEPS[1] + "PRAGMA user_version = 2;")
        old.execute("INSERT INTO stream (id, device, name, seq, boot) VALUES (1, 'd', 's', 9, 'b')")
        for number in range(1, 200):
            row = (number, number, said)
            old.execute("INSERT INTO journal VALUES (?, 1, ?, 'ticket', 'tax', 1, 1, ?, NULL)", row)
        old.execute("INSERT INTO snapshot VALUES (1, 199, x'')")
    old.close()
    journal = Journal(tmp_path / "j.sqlite")
    assert len([r for r in journal.records() if r.payload == said]) == 199
    journal.tidy(from_milliseconds(10 * 86_400_000))
    assert len(list(journal.records())) == 199
    journal.close()
    assert b"A771" not in (tmp_path / "j.sqlite").read_bytes()


def test_a_file_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    Journal(tmp_path / "j.sqlite").close()
    with sqlite3.connect(tmp_path / "j.sqlite") as newer:
        newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    with pytest.raises(Unavailable, match="got: version 4, of a later release than 3"):
        Journal(tmp_path / "j.sqlite")


def test_a_full_disk_keeps_nothing_by_halves(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    mark = Mark(device="cam-1", stream="s", seq=1)
    journal.commit([record(1)], [mark], Rollup())
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    mark.seq = 5001
    with pytest.raises(Unavailable, match="want to keep 5000 records"):
        journal.commit([record(n) for n in range(2, 5002)], [mark], Rollup())
    assert [m.seq for m in journal.marks()] == [1]
    assert len(list(journal.records())) == 1
    journal.close()


def test_a_folder_that_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="want a journal at"):
        Journal(tmp_path / "file" / "j.sqlite")
