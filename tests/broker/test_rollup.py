"""Five-minute roll-ups, written with what they roll up."""

import random
import sqlite3
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.hub.history.rollup import _READ, SLOT_MS, Rollup
from broker.hub.history.sqlite import Journal, milliseconds
from models.contract.observations import (
    KIND_OF,
    KINDS,
    Beat,
    Crossing,
    Envelope,
    Observation,
    People,
    Pulse,
    Queue,
    Reading,
    Ticket,
    TicketEvent,
)
from models.errors import Unavailable

TEN = datetime(2026, 11, 24, 1, tzinfo=UTC)


def seen(reading: Reading, name: str = "tax", device: str = "pi") -> Observation:
    return Observation(
        site="rig",
        device=device,
        kind=KIND_OF[type(reading)],
        name=name,
        envelope=Envelope(stream="s", seq=1, boot="b", up_ms=0),
        reading=reading,
    )


def ticket(number: str, event: TicketEvent) -> Observation:
    return seen(Ticket(number=number, event=event))


def commit(journal: Journal, *told: tuple[Observation, float]) -> None:
    """In one commit, each at so many seconds after ten."""
    rolled_up = Rollup()
    for observation, after_s in told:
        rolled_up.add(observation, milliseconds(TEN + timedelta(seconds=after_s)))
    journal.commit([], [], rolled_up)


def rows(journal: Journal) -> dict[tuple[int, str, str, str], tuple[float, ...]]:
    """Count, sum, min, max and last by minute after ten, kind, name and measure."""
    first = milliseconds(TEN) // SLOT_MS
    found = journal._db.execute(
        "SELECT slot, kind, name, measure, count, sum, min, max, last FROM rollup"
    )
    return {
        ((slot - first) * 5, kind, name, measure): values
        for slot, kind, name, measure, values in _split(found)
    }


def _split(found: sqlite3.Cursor) -> list[tuple[int, str, str, str, tuple[float, ...]]]:
    return [(slot, kind, name, m, tuple(rest)) for slot, kind, name, m, *rest in found]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


def test_a_gauge_has_its_sum_extremes_and_the_last_by_its_own_time(journal: Journal) -> None:
    commit(journal, (seen(People(count=5)), 10), (seen(People(count=9)), 200))
    commit(journal, (seen(People(count=2)), 100), (seen(People(count=1)), 300))
    assert rows(journal) == {
        (0, "people", "tax", "count"): (3, 16, 2, 9, 9),
        (5, "people", "tax", "count"): (1, 1, 1, 1, 1),
    }


def test_crossings_and_pulses_are_counted_by_direction(journal: Journal) -> None:
    commit(
        journal,
        (seen(Crossing(direction="in"), "door"), 1),
        (seen(Pulse(direction="in"), "gate"), 1),
        (seen(Pulse(direction="out"), "gate"), 2),
        (seen(Pulse(direction="in"), "gate"), 3),
    )
    counts = {key[1:]: values[0] for key, values in rows(journal).items()}
    assert counts == {
        ("crossing", "door", "in"): 1,
        ("pulse", "gate", "in"): 2,
        ("pulse", "gate", "out"): 1,
    }


def test_waits_are_found_across_commits_and_restarts_and_stand_where_the_call_was(
    journal: Journal, tmp_path: Path
) -> None:
    commit(journal, (ticket("1", "issued"), 0), (ticket("2", "issued"), 60))
    commit(journal, (ticket("3", "issued"), 90), (ticket("3", "cancelled"), 95))
    commit(journal, (ticket("1", "called"), 360))
    journal.close()
    journal = Journal(tmp_path / "journal.sqlite")
    commit(journal, (ticket("2", "called"), 400), (ticket("3", "called"), 401))
    commit(journal, (ticket("2", "called"), 410), (ticket("2", "absent"), 420))
    assert rows(journal) == {
        (0, "ticket", "tax", "issued"): (3, 3, 1, 1, 1),
        (0, "ticket", "tax", "cancelled"): (1, 1, 1, 1, 1),
        (5, "ticket", "tax", "called"): (4, 4, 1, 1, 1),
        (5, "ticket", "tax", "absent"): (1, 1, 1, 1, 1),
        (5, "ticket", "tax", "wait_s"): (2, 700, 340, 360, 340),
    }
    assert journal._db.execute("SELECT count(*) FROM issued").fetchone() == (0,)


def test_beats_are_of_devices_and_unknown_is_not_zero(journal: Journal) -> None:
    commit(journal, (seen(Beat(), "all", "cam-1"), 1), (seen(Queue(waiting=3)), 2))
    assert set(rows(journal)) == {(0, "beat", "cam-1", "told"), (0, "queue", "tax", "waiting")}


def test_every_kind_is_rolled_up_but_for_what_nobody_saw() -> None:
    assert set(_READ) == set(KINDS) - {"skip"}


def test_a_commit_that_fails_and_is_made_again_counts_once(journal: Journal) -> None:
    commit(journal, (ticket("1", "issued"), 0))
    rolled_up = Rollup()
    for number in range(2, 3000):
        rolled_up.add(ticket(str(number), "issued"), milliseconds(TEN))
    rolled_up.add(ticket("1", "called"), milliseconds(TEN + timedelta(seconds=100)))
    (pages,) = journal._db.execute("PRAGMA page_count").fetchone()
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Unavailable, match="full"):
        journal.commit([], [], rolled_up)
    journal._db.execute("PRAGMA max_page_count = 100000")
    journal.commit([], [], rolled_up)
    assert rows(journal)[0, "ticket", "tax", "wait_s"] == (1, 100, 100, 100, 100)
    assert rows(journal)[0, "ticket", "tax", "issued"][0] == 2999
    assert journal._db.execute("SELECT count(*) FROM issued").fetchone() == (2998,)


@given(
    told=st.lists(st.tuples(st.integers(0, 3600), st.integers(0, 99)), max_size=60),
    seed=st.integers(0, 2**32),
)
def test_however_it_is_cut_into_commits_the_roll_up_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[int, int]], seed: int
) -> None:
    rng = random.Random(seed)
    journal = Journal(tmp_path_factory.mktemp("j") / "journal.sqlite")
    rest = [(seen(People(count=count)), float(after_s)) for after_s, count in told]
    while rest:
        part = rng.randint(1, len(rest))
        commit(journal, *rest[:part])
        rest = rest[part:]
    expected: dict[int, list[int]] = defaultdict(list)
    for after_s, count in told:
        expected[after_s // 300 * 5].append(count)
    assert {key[0]: values[:4] for key, values in rows(journal).items()} == {
        slot: (len(counts), sum(counts), min(counts), max(counts))
        for slot, counts in expected.items()
    }
    journal.close()
