"""Tickets read from a journal: those of the time that is asked for, whatever else stands there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal, Mark, Record
from broker.hub.history.tickets import said
from models.contract.codec import encode_observation
from models.contract.observations import Counter, Envelope, People, Reading, Ticket
from models.errors import BadData

FIRST = datetime(2026, 10, 1, tzinfo=UTC)


def record(seq: int, kind: str, at: datetime, reading: Reading, *, late: float = 0.0) -> Record:
    envelope = Envelope(at=at, boot="b", stream="s", seq=seq, up_ms=seq)
    at_ms = round(at.timestamp() * 1000)
    return Record(
        device="desk",
        stream="s",
        seq=seq,
        kind=kind,
        name="c1" if kind == "counter" else "tax",
        at_ms=at_ms,
        received_ms=at_ms + round(1000 * late),
        payload=encode_observation(envelope, reading),
    )


def journal(folder: Path, records: list[Record]) -> Path:
    path = folder / "journal.sqlite"
    made = Journal(path)
    mark = Mark(device="desk", stream="s", seq=len(records))
    made.commit(sorted(records, key=lambda one: one.received_ms), [mark], Rollup())
    made.close()
    return path


@pytest.mark.parametrize("days", [1, 40])
def test_tickets_and_counters_of_a_week_in_time_order(tmp_path: Path, days: int) -> None:
    records: list[Record] = []
    for n in range(24 * days):
        at = FIRST + timedelta(hours=n)
        kinds: list[tuple[str, Reading]] = [
            ("people", People(count=3)),
            ("ticket", Ticket(number=str(n), event="issued")),
            ("counter", Counter(open=bool(n % 2))),
        ]
        for kind, reading in kinds:
            late = 2 * 86_400.0 if n == 5 and kind == "ticket" else 0.0  # its line was cut
            records.append(record(len(records) + 1, kind, at, reading, late=late))
    path = journal(tmp_path, records)
    since_ms = round((FIRST + timedelta(hours=3)).timestamp() * 1000)
    found = said(path, since_ms, since_ms + 7 * 86_400_000)
    hours = min(7 * 24, 24 * days - 3)
    tickets = [one.reading.number for one in found if isinstance(one.reading, Ticket)]
    assert tickets == [str(n) for n in range(3, 3 + hours)]
    assert len(found) == 2 * hours
    assert [one.at_ms for one in found] == sorted(one.at_ms for one in found)


def test_an_empty_journal_has_no_tickets(tmp_path: Path) -> None:
    assert said(journal(tmp_path, []), 0, 2**42) == []


def test_what_is_no_journal_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "other.sqlite").write_text("nothing")
    with pytest.raises(BadData, match="want the journal of a hub"):
        said(tmp_path / "other.sqlite", 0, 1)
