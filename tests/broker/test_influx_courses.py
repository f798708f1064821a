"""What is sent, and sent again, over servers that forget what they have acknowledged."""

import random
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.hub.history.courses import AGAIN_S, CALM_S, Course, Place, ScoredSlots, Seen, ToldSlots
from broker.hub.history.rollup import SLOT_MS
from broker.hub.history.sqlite import from_milliseconds
from models.errors import Unavailable
from tests.broker.shipped import SITE, Filled

FORGETS_S = 12.0
"""What VictoriaMetrics was seen to lose when it was killed."""
ROWS = 3500


class Office:
    """Time, a journal that grows as far as is said, and a server that can be killed."""

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        self.now_s = 0.0
        self.rows = 0
        self.safe: set[str] = set()
        self.fresh: list[tuple[float, Sequence[str]]] = []
        self.sent = 0
        self.is_noticed = False
        self.course = self._begun(Place())

    def _begun(self, place: Place) -> Course:
        return Course(lambda: Growing(self), place, lambda: self.now_s)

    def send(self, lines: Sequence[str]) -> int:
        if self.is_noticed:
            self.is_noticed = False
            raise Unavailable("it was killed")
        self.fresh.append((self.now_s, lines))
        self.sent += len(lines)
        return 0

    def step(self) -> bool:
        try:
            return self.course.step(self.send)
        except Unavailable:
            self.course.failed()
            return True

    def kill(self, *, noticed: bool) -> None:
        """What it acknowledged in the last seconds is gone."""
        for at_s, lines in self.fresh:
            if at_s < self.now_s - FORGETS_S:
                self.safe.update(lines)
        self.fresh.clear()
        self.is_noticed = noticed

    def restart(self) -> None:
        """The hub's process: it knows what was settled, and nothing else."""
        self.course = self._begun(self.course.settled)

    def rest(self) -> None:
        """All is well until everything is settled."""
        self.rows = ROWS
        for _ in range(500):
            if self.course.settled.at < ROWS and not self.step():
                self.now_s += 5
        assert self.course.settled.at == ROWS
        self.kill(noticed=False)


class Growing(Seen):
    """A journal of which the newest rows are not written yet."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.db, SITE)
        self._office = office

    def newest(self) -> int:
        return min(super().newest(), self._office.rows)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    made = Filled(tmp_path_factory.mktemp("shipped") / "journal.sqlite")
    made.write(ROWS)
    yield made
    made.journal.close()


@pytest.fixture(scope="module")
def wanted(filled: Filled) -> set[str]:
    lines = filled.lines()
    assert len(lines) == ROWS, "every row has a point of its own"
    return lines


def test_all_arrives_and_is_settled_in_its_time(filled: Filled, wanted: set[str]) -> None:
    office = Office(filled.path)
    office.rows = ROWS
    while office.step():
        pass
    assert office.course.reached == ROWS
    assert (office.sent, office.course.settled.at) == (ROWS, 0)
    office.now_s += AGAIN_S
    while office.step():
        pass
    assert (office.sent, office.course.settled.at) == (2 * ROWS, 0)
    office.now_s += CALM_S
    assert not office.step()
    assert office.course.settled.at == ROWS
    assert office.sent == 2 * ROWS + 1, "one point more shows that the server is the same"
    assert {line for _, lines in office.fresh for line in lines} == wanted


@settings(max_examples=15)
@given(st.integers(0, 2**32))
def test_nothing_is_lost_however_often_it_is_killed_and_once_unnoticed(
    filled: Filled, wanted: set[str], seed: int
) -> None:
    office, chance = Office(filled.path), random.Random(seed)
    unnoticed = chance.randrange(60)
    for tick in range(60):
        office.rows = min(ROWS, office.rows + chance.choice([0, 5, 20, 300]))
        for _ in range(chance.choice([1, 1, 1, 4])):
            office.step()
        office.now_s += chance.choice([0.1, 5, 5, 5, 20])
        if tick == unnoticed:
            office.kill(noticed=False)
        elif chance.random() < 0.1:
            office.kill(noticed=True)
            office.now_s += chance.choice([1, 20, 3600])
        elif chance.random() < 0.02:
            office.restart()
    office.rest()
    assert office.safe == wanted
    assert office.course.lost == (0, 0)


def test_a_server_that_is_killed_every_half_minute_gets_all_while_more_comes(
    filled: Filled, wanted: set[str]
) -> None:
    office = Office(filled.path)
    for second in range(900):
        office.now_s = float(second)
        office.rows = min(ROWS, 5 * second)
        if second % 5 == 0:
            office.step()
        if second % 32 == 31:
            office.kill(noticed=True)
    assert office.course.reached > ROWS - 200
    office.rest()
    assert office.safe == wanted


def test_what_was_forgotten_before_it_was_sent_is_counted(tmp_path: Path) -> None:
    filled = Filled(tmp_path / "journal.sqlite")
    filled.write(ROWS)
    office = Office(filled.path)
    office.rows = 500
    for _ in range(3):
        while office.step():
            pass
        office.now_s += AGAIN_S
    assert office.course.settled.at == 500
    office.is_noticed = True
    forget(filled, 1500)  # while it is away
    office.restart()
    office.rest()
    assert office.course.lost == (1000, 0)
    assert office.safe <= filled.lines() | office.safe
    office.restart()
    assert office.course.lost == (1000, 0), "it is remembered"


def forget(filled: Filled, upto: int) -> None:
    """As retention does after 90 days."""
    with filled.journal._lock:
        filled.journal._db.execute("DELETE FROM observation WHERE id <= ?", (upto,))


def test_a_journal_that_was_put_back_is_sent_from_its_beginning(tmp_path: Path) -> None:
    """Its rows have numbers that had been given to others."""
    filled = Filled(tmp_path / "journal.sqlite")
    filled.write(1000)
    kept = tmp_path / "kept.sqlite"
    filled.journal._db.execute("VACUUM INTO ?", (str(kept),))
    filled.write(ROWS - 1000)
    office = Office(filled.path)
    office.rest()
    assert office.course.settled.at == ROWS
    older = Office(kept)
    older.rows = 1000
    older.course = older._begun(office.course.settled)
    assert older.course.reached == 0, "there is no such row"

    other = Filled(kept, seed=7)
    other.write(ROWS)
    older.rows = 1000 + ROWS
    older.course = older._begun(office.course.settled)
    assert older.course.reached == 0, "another one has its number"
    while older.course.settled.at < older.rows:
        if not older.step():
            older.now_s += 5
    older.kill(noticed=False)
    older.now_s += AGAIN_S
    older.kill(noticed=False)
    assert older.safe == other.lines()


def test_it_goes_on_where_it_was(filled: Filled) -> None:
    office = Office(filled.path)
    office.rest()
    office.restart()
    sent = office.sent
    while office.step():
        pass
    assert office.sent == sent


def test_a_page_is_bounded_and_holds_no_read_transaction(filled: Filled) -> None:
    office = Office(filled.path)
    table = Seen(office.db, SITE)
    page = table.page(0, ROWS)
    assert (page.upto, len(page.lines)) == (2000, 2000)
    filled.journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (busy, log, _) = filled.journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert (busy, log) == (0, 0)


def test_what_was_told_follows_slot_by_slot(tmp_path: Path) -> None:
    filled = Filled(tmp_path / "journal.sqlite")
    first = filled.at_ms // SLOT_MS
    for _ in range(4):
        filled.write(10)
        filled.at_ms += SLOT_MS
    told = ToldSlots(Office(filled.path).db, SITE)
    page = told.page(0, told.newest())
    assert page.upto == told.newest() == first + 3
    assert len(page.lines) == 4 * 3
    assert not [line for line in page.lines if "error_s" in line]
    assert {line.split()[2] for line in page.lines} == {
        str((first + n) * SLOT_MS) for n in range(4)
    }
    assert told.page(page.upto, told.newest()).lines == []


def test_how_true_it_was_follows_a_day_later(tmp_path: Path) -> None:
    filled = Filled(tmp_path / "journal.sqlite")
    filled.write(10)
    filled.at_ms += 86_400_000 + SLOT_MS
    filled.write(10)
    scored = ScoredSlots(Office(filled.path).db, SITE)
    page = scored.page(0, scored.newest())
    first = from_milliseconds(1_795_482_000_000)
    assert [line.split()[0] for line in page.lines][:1] == [
        f"machiai_accuracy,name=tax,site={SITE}"
    ]
    assert page.lines[0].endswith(f"waits=1 {int(first.timestamp() * 1000) // SLOT_MS * SLOT_MS}")
    assert page.upto * SLOT_MS <= filled.at_ms - 86_400_000
