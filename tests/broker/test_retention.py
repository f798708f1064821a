"""What the journal forgets: only what is old, rolled up and behind the snapshot."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from broker.hub.belief import Belief
from broker.hub.history import retention
from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal, Mark, Record, milliseconds
from broker.hub.ingest import Ingest
from models.contract import topics
from models.contract.codec import encode_observation
from models.contract.observations import KIND_OF, Envelope, People, Reading, Ticket, TicketEvent
from models.site import History
from tests.broker.rig import SITE

START = datetime(2026, 11, 24, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Book:
    """A journal that is written through ingest, as the hub does."""

    def __init__(self, path: Path, stream: str = "s", kept: History = SITE.history) -> None:
        self.journal = Journal(path, kept)
        self.ingest = Ingest(self.journal.marks())
        self._stream = stream

    def write(self, told: list[tuple[datetime, str, Reading]], state: bytes | None) -> None:
        """In one commit; with a state it is the snapshot, too."""
        key = ("pi", self._stream)
        records, rolled_up = [], Rollup()
        for at, name, reading in told:
            seq = self.ingest.acknowledged(key) + 1
            envelope = Envelope(stream=self._stream, seq=seq, boot="b", up_ms=0, at=at)
            topic = topics.observation("rig", "pi", KIND_OF[type(reading)], name)
            for taken in self.ingest.take(topic, encode_observation(envelope, reading), at):
                records.append(taken.record)
                assert taken.observation is not None
                rolled_up.add(taken.observation, taken.record.at_ms)
        self.journal.commit(records, list(self.ingest.marks.values()), rolled_up, state)

    def tidy(self, now: datetime) -> int:
        """Until nothing is left to do; how many steps it took."""
        steps = 1
        while self.journal.tidy(now):
            steps += 1
        return steps

    def records(self) -> list[Record]:
        return list(self.journal.records())

    def count(self, table: str) -> int:
        (count,) = self.journal._db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return int(count)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def people(count: int, at: datetime) -> tuple[datetime, str, Reading]:
    return at, "lobby", People(count=count)


def ticket(
    number: str, event: TicketEvent, at: datetime, service: str = "tax"
) -> tuple[datetime, str, Reading]:
    return at, service, Ticket(number=number, event=event)


def test_old_rows_go_in_small_steps_and_their_roll_up_stays(path: Path) -> None:
    book = Book(path)
    for day in range(5):
        book.write([people(n, START + day * DAY) for n in range(1500)], None)
    book.write([people(1, START + 5 * DAY)], b"state")
    now = START + timedelta(days=93, hours=1)
    assert book.tidy(now) == 4, "three steps of 2000 rows and the rest"
    assert len(book.records()) == 1501
    assert min(record.received_ms for record in book.records()) == milliseconds(START + 4 * DAY)
    assert book.count("rollup") == 6
    assert book.ingest.take(topics.observation("rig", "pi", "people", "lobby"), _first(), now) == []


def _first() -> bytes:
    return encode_observation(Envelope(stream="s", seq=1, boot="b", up_ms=0), People(count=1))


def test_nothing_goes_that_the_snapshot_does_not_hold(path: Path) -> None:
    book = Book(path)
    book.write([people(n, START) for n in range(3)], None)
    far = START + 400 * DAY
    book.tidy(far)
    assert len(book.records()) == 3, "there is no snapshot at all"
    book.write([people(3, START)], b"state")
    book.write([people(4, START)], None)
    book.tidy(far)
    assert [record.seq for record in book.records()] == [4, 5], "its newest row keeps the count"


def test_after_a_long_holiday_what_comes_is_not_taken_for_old(path: Path) -> None:
    """A row's id must not be given twice: the snapshot says by it how far it reaches."""
    book = Book(path)
    book.write([people(n, START) for n in range(3)], Belief(SITE, book.journal).office.dump())
    later = START + 200 * DAY
    book.tidy(later)
    book.write([people(42, later)], None)
    office = Belief(SITE, book.journal).office
    assert office.results(later)["zone/lobby"].people == 42  # type: ignore[attr-defined]


def test_marks_survive_their_rows_and_a_card_that_is_idle_for_half_a_year_is_forgotten(
    path: Path,
) -> None:
    book = Book(path)
    book.write([people(1, START)], None)
    book.journal.close()
    other = Book(path, stream="t")
    other.write([people(1, START + 100 * DAY), people(1, START + 100 * DAY)], b"state")
    other.tidy(START + 120 * DAY)
    assert {mark.stream: mark.seq for mark in other.journal.marks()} == {"s": 1, "t": 2, "hub": 1}
    other.tidy(START + 190 * DAY)
    assert {mark.stream for mark in other.journal.marks()} == {"t", "hub"}


def test_after_a_day_a_ticket_has_another_number_and_its_story_is_the_same(path: Path) -> None:
    book = Book(path)
    book.write(
        [
            ticket("A12", "issued", START),
            ticket("A12", "issued", START, "hall"),
            ticket("A13", "issued", START),
            people(3, START),
        ],
        None,
    )
    book.write(
        [
            ticket("A12", "called", START + timedelta(minutes=20)),
            ticket("A12", "served", START + timedelta(minutes=30)),
            ticket("A12", "issued", START + DAY),
        ],
        b"state",
    )
    book.tidy(START + timedelta(hours=23))
    assert b"A12" in book.records()[0].payload
    book.tidy(START + DAY + timedelta(minutes=10))
    book.tidy(START + DAY + timedelta(hours=1))
    numbers = [msgspec.json.decode(record.payload).get("number") for record in book.records()]
    first, hall, other, none, called, served, today = numbers
    assert none is None
    assert first == called == served
    assert len({first, hall, other, today}) == 4
    assert today == "A12", "it is not a day old"
    assert not {"A12", "A13"} & {first, hall, other}
    assert [record.seq for record in book.records()] == list(range(1, 8))
    book.tidy(START + 3 * DAY)
    book.journal.close()
    for file in path.parent.iterdir():
        if file.name.endswith("sqlite"):
            assert b"A12" not in file.read_bytes()


def test_a_ticket_that_was_not_understood_keeps_no_number_either(path: Path) -> None:
    book = Book(path)
    topic = topics.observation("rig", "pi", "ticket", "tax")
    odd = b'{"stream":"s","seq":1,"boot":"b","up_ms":0,"number":["A12"],"event":"issued"}'
    torn = b'{"stream":"s","seq":2,"boot":"b","up_ms":0,"nummer":"A13"}'
    for payload in (odd, torn):
        (taken,) = book.ingest.take(topic, payload, START)
        assert taken.record.refused is not None
        book.journal.commit([taken.record], [Mark(device="pi", stream="s")], Rollup(), b"state")
    book.tidy(START + 2 * DAY)
    assert not [r for r in book.records() if b"A1" in r.payload]


def test_who_never_was_called_is_forgotten_after_a_day(path: Path) -> None:
    book = Book(path)
    book.write([ticket("A12", "issued", START)], b"state")
    assert book.count("issued") == 1
    book.tidy(START + timedelta(hours=25))
    assert book.count("issued") == 0


def test_roll_ups_go_after_five_years(path: Path) -> None:
    book = Book(path)
    book.write([people(1, START)], b"state")
    book.tidy(START + 5 * 365 * DAY)
    assert book.count("rollup") == 1
    book.tidy(START + (5 * 365 + 1) * DAY)
    assert book.count("rollup") == 0


@pytest.mark.parametrize(("table", "unit"), [("cell", "slot"), ("hour", "hour")])
def test_a_look_for_old_roll_ups_is_one_at_each_series(path: Path, table: str, unit: str) -> None:
    """It is taken once a minute, beside the commits: millions of cells must not be read."""
    plan = Book(path).journal._db.execute(
        "EXPLAIN QUERY PLAN " + retention._OLD.format(table=table, unit=unit), (1, 2000)
    )
    steps = [step for *_, step in plan]
    assert "SCAN series" in steps
    assert not [step for step in steps if step.startswith(f"SCAN {table}")]


def test_the_file_becomes_smaller_again(path: Path) -> None:
    book = Book(path)
    for _ in range(5):
        book.write([people(n, START) for n in range(2000)], None)
    book.write([people(1, START)], b"state")
    book.journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.stat().st_size
    book.tidy(START + 91 * DAY)
    for _ in range(10):
        book.tidy(START + 91 * DAY)
    book.journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < before / 3


def test_a_clock_that_was_wrong_for_an_hour_leaves_no_number_behind(path: Path) -> None:
    book = Book(path)
    ahead = START + timedelta(hours=1)
    book.write([ticket("A1", "issued", START)], None)
    book.write([ticket("A2", "issued", ahead)], None)
    book.write([ticket("A3", "issued", START + timedelta(minutes=1))], b"state")
    book.tidy(START + DAY + timedelta(minutes=2))
    assert not [r for r in book.records() if b'"A' in r.payload]


def test_a_full_disk_forgets_nothing_by_halves(path: Path) -> None:
    book = Book(path)
    book.write([people(n, START) for n in range(100)], b"state")
    book.journal._db.execute("PRAGMA query_only = ON")
    with pytest.raises(Exception, match="want to tidy the journal"):
        book.journal.tidy(START + 400 * DAY)
    book.journal._db.execute("PRAGMA query_only = OFF")
    assert len(book.records()) == 100


def test_the_times_are_those_that_are_promised() -> None:
    assert retention.NUMBER_MS == retention.DAY_MS
    assert (SITE.history.raw_days, SITE.history.rollup_years) == (90, 5)


def test_an_office_says_how_long_it_keeps_what(path: Path) -> None:
    book = Book(path, kept=History(raw_days=7, rollup_years=1))
    book.write([people(1, START)], None)
    book.write([people(1, START + 8 * DAY)], b"state")
    book.tidy(START + 8 * DAY)
    assert [record.seq for record in book.records()] == [2]
    assert book.count("rollup") == 2
    book.tidy(START + 366 * DAY)
    assert book.count("cell") == book.count("hour") == 1
