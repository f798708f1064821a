import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import _STEPS, Journal, Mark, Record, milliseconds
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
            "INSERT INTO journal VALUES (1, 1, 1, 'people', 'lobby', 1, 1, x'', NULL);"
            "INSERT INTO journal VALUES (2, 1, 2, 'people', 'lobby', 1, 1, x'', NULL);"
            "INSERT INTO snapshot VALUES (1, 2, x'')"
        )
    old.close()
    journal = Journal(tmp_path / "j.sqlite")
    assert [(mark.seq, mark.received_ms) for mark in journal.marks()] == [(2, None)]
    journal.commit([record(3)], [Mark(device="cam-1", stream="s", seq=3)], Rollup(), b"state")
    assert not journal.tidy(NOW)
    assert [r.seq for r in journal.records()] == [1, 2, 3], "what was never rolled up stays"
    journal.close()


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
