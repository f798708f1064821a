from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.hub.history.sqlite import Journal, Mark, Record
from models.errors import Unavailable

NOW = datetime(2026, 11, 24, 1, 0, 0, 123000, tzinfo=UTC)


def record(seq: int) -> Record:
    return Record(
        device="cam-1",
        stream="s",
        seq=seq,
        kind="people",
        name="lobby",
        at=NOW,
        received_at=NOW,
        payload=b'{"n":%d}' % seq,
    )


def test_records_marks_and_state_come_back_as_they_were(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    mark = Mark(device="cam-1", stream="s", seq=2, boot="b", offset_ms=5)
    journal.commit([record(1), record(2)], [mark], b"state")
    journal.commit(
        [record(3)], [Mark(device="cam-1", stream="s", seq=3, boot="b", offset_ms=5, key=mark.key)]
    )
    journal.close()
    again = Journal(tmp_path / "j.sqlite")
    assert list(again.records()) == [record(1), record(2), record(3)]
    assert again.snapshot() == (2, b"state")
    assert [r.seq for r in again.records(after=2)] == [3]
    assert [(m.seq, m.boot, m.offset_ms) for m in again.marks()] == [(3, "b", 5)]
    again.close()


def test_a_full_disk_keeps_nothing_by_halves(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite")
    mark = Mark(device="cam-1", stream="s", seq=1)
    journal.commit([record(1)], [mark])
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    mark.seq = 5001
    with pytest.raises(Unavailable, match="want to keep 5000 records"):
        journal.commit([record(n) for n in range(2, 5002)], [mark])
    assert [m.seq for m in journal.marks()] == [1]
    assert len(list(journal.records())) == 1
    journal.close()


def test_a_folder_that_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="want a journal at"):
        Journal(tmp_path / "file" / "j.sqlite")
