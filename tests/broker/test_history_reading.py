"""The past read back, beside a hub at work."""

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from broker.hub.history.reading import Cell, Past
from broker.hub.history.rollup import SLOT_MS, Rollup
from broker.hub.history.sqlite import Journal, milliseconds
from models.errors import BadData, Missing

TOKYO = ZoneInfo("Asia/Tokyo")
KATHMANDU = ZoneInfo("Asia/Kathmandu")  # 5:45 before UTC
MONDAY = date(2026, 11, 23)


def at(day: int, hour: int, minute: int = 0, zone: ZoneInfo = TOKYO) -> int:
    """Milliseconds of a moment so many days after Monday."""
    midnight = datetime(MONDAY.year, MONDAY.month, MONDAY.day, tzinfo=zone)
    return milliseconds(midnight + timedelta(days=day, hours=hour, minutes=minute))


def keep(journal: Journal, *values: tuple[int, str, float]) -> None:
    """People who are seen in zones."""
    rolled_up = Rollup()
    for at_ms, name, value in values:
        rolled_up.count("people", name, "count", value, at_ms)
    journal.commit([], [], rolled_up)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    made = Journal(path)
    yield made
    made.close()


def test_cells_come_by_name_and_time(journal: Journal, path: Path) -> None:
    keep(
        journal,
        (at(0, 9), "lobby", 4),
        (at(0, 9, 4), "lobby", 8),
        (at(0, 9, 5), "lobby", 1),
        (at(0, 9), "hall", 2),
        (at(0, 10), "lobby", 3),
    )
    with Past(path) as past:
        assert past.names("people") == ["hall", "lobby"]
        assert past.span() == (at(0, 9), at(0, 10))
        assert past.cells("people", "count", at(0, 9), at(0, 10)) == [
            Cell(at(0, 9), "hall", 1, 2, 2, 2, 2),
            Cell(at(0, 9), "lobby", 2, 12, 4, 8, 8),
            Cell(at(0, 9) + SLOT_MS, "lobby", 1, 1, 1, 1, 1),
        ]
        lobby = past.cells("people", "count", at(0, 9, 3), at(0, 10, 1), ["lobby", "none"])
        assert [cell.last for cell in lobby] == [8, 1, 3]
        assert past.cells("people", "nothing", at(0, 0), at(1, 0)) == []


def test_a_heat_map_is_of_local_weekdays_and_hours(journal: Journal, path: Path) -> None:
    keep(
        journal,
        (at(-1, 23, 59), "lobby", 99),
        (at(0, 0), "lobby", 1),
        (at(0, 9, 10), "lobby", 10),
        (at(7, 9, 50), "lobby", 20),
        (at(7, 9, 51), "lobby", 30),
        (at(6, 23, 59), "lobby", 7),
        (at(14, 0), "lobby", 99),
        (at(1, 12), "hall", 5),
    )
    with Past(path) as past:
        found = past.heat("people", "count", MONDAY, MONDAY + timedelta(days=14), TOKYO)
        only = past.heat(
            "people", "count", MONDAY, MONDAY + timedelta(days=7), TOKYO, names=["lobby"]
        )
    told = {
        (name, day, hour): value
        for name, week in found.items()
        for day, hours in enumerate(week)
        for hour, value in enumerate(hours)
        if value is not None
    }
    assert told == {
        ("lobby", 0, 0): 1,
        ("lobby", 0, 9): 20,
        ("lobby", 6, 23): 7,
        ("hall", 1, 12): 5,
    }
    assert set(only) == {"lobby"}
    assert only["lobby"][0][9] == 10


def test_a_zone_three_quarters_of_an_hour_off_is_no_other(journal: Journal, path: Path) -> None:
    for minute, value in ((0, 4), (55, 8)):
        keep(journal, (at(2, 10, minute, KATHMANDU), "lobby", value))
    with Past(path) as past:
        found = past.heat("people", "count", MONDAY, MONDAY + timedelta(days=7), KATHMANDU)
    assert found["lobby"][2][10] == 6
    assert sum(value is not None for hours in found["lobby"] for value in hours) == 1


def test_where_clocks_are_put_back_each_hour_is_where_the_wall_says(
    journal: Journal, path: Path
) -> None:
    berlin = ZoneInfo("Europe/Berlin")  # from summer time on Sunday 25 October 2026
    for day in (23, 26):
        midday = datetime(2026, 10, day, 12, 30, tzinfo=berlin)
        keep(journal, (milliseconds(midday), "lobby", day))
    with Past(path) as past:
        found = past.heat("people", "count", date(2026, 10, 19), date(2026, 11, 2), berlin)
    assert (found["lobby"][4][12], found["lobby"][0][12]) == (23, 26)


def test_it_is_read_while_a_hub_writes_and_nothing_can_be_written(
    journal: Journal, path: Path
) -> None:
    keep(journal, (at(0, 9), "lobby", 4))
    with Past(path) as past:
        before = past.cells("people", "count", at(0, 0), at(1, 0))
        journal._db.execute("BEGIN IMMEDIATE")
        assert past.cells("people", "count", at(0, 0), at(1, 0)) == before
        journal._db.execute("COMMIT")
        keep(journal, (at(0, 9), "lobby", 6))
        assert past.cells("people", "count", at(0, 0), at(1, 0))[0].count == 2
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            past._db.execute("DELETE FROM cell")


def test_what_is_no_journal_of_this_version_is_one_line(tmp_path: Path, path: Path) -> None:
    with pytest.raises(Missing, match="want the journal of a hub, got nothing"):
        Past(path)
    (tmp_path / "text").write_text("hello, hello, hello\n" * 1000, "utf-8")
    with pytest.raises(BadData, match="want the journal of a hub, got: file is not a database"):
        Past(tmp_path / "text")
    with sqlite3.connect(tmp_path / "old") as old:
        old.execute("PRAGMA user_version = 2")
    old.close()
    with pytest.raises(BadData, match=r"want a journal of version \d, got 2: start the hub"):
        Past(tmp_path / "old")
