"""Five-minute roll-ups: what of the observations, and of what was told, is kept for years."""

import sqlite3
from collections.abc import Callable
from typing import Any, cast

from models.contract.observations import Observation, Ticket

SLOT_MS = 5 * 60 * 1000
HOUR_SLOTS = 12
_WAITING = 288  # slots of what was told; a disk that refuses for longer loses of them
_DAY_MS = 86_400_000

SCHEMA = """
CREATE TABLE rollup (
    slot INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, measure TEXT NOT NULL,
    count INTEGER NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL,
    last REAL NOT NULL, last_ms INTEGER NOT NULL,
    PRIMARY KEY (slot, kind, name, measure)) WITHOUT ROWID;
CREATE TABLE issued (
    service TEXT NOT NULL, number TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (service, number)) WITHOUT ROWID;
"""
"""`slot` is milliseconds since 1970 over SLOT_MS; `issued` holds who waits, to find the wait."""

SERIES = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, measure TEXT NOT NULL,
    UNIQUE (kind, name, measure));
CREATE TABLE cell (
    series INTEGER NOT NULL, slot INTEGER NOT NULL,
    count INTEGER NOT NULL, sum REAL NOT NULL, min REAL NOT NULL, max REAL NOT NULL,
    last REAL NOT NULL, last_ms INTEGER NOT NULL,
    PRIMARY KEY (series, slot)) WITHOUT ROWID;
CREATE TABLE hour (
    series INTEGER NOT NULL, hour INTEGER NOT NULL, count INTEGER NOT NULL, sum REAL NOT NULL,
    PRIMARY KEY (series, hour)) WITHOUT ROWID;
INSERT INTO series (kind, name, measure) SELECT DISTINCT kind, name, measure FROM rollup;
INSERT INTO cell SELECT id, slot, count, sum, min, max, last, last_ms
    FROM series JOIN rollup USING (kind, name, measure) ORDER BY id, slot;
INSERT INTO hour SELECT series, slot / 12, sum(count), sum(sum) FROM cell GROUP BY 1, 2;
DROP TABLE rollup;
CREATE VIEW rollup AS SELECT slot, kind, name, measure, count, sum, min, max, last, last_ms
    FROM cell JOIN series ON series.id = cell.series;
"""
"""The same by series: half the bytes, and a month of one stands together.

`hour` is HOUR_SLOTS slots of UTC. A heat map reads a twelfth of the rows from there.
"""

Measured = tuple[tuple[str, float | None], ...]
"""Values by their measure; None is not measured."""

_READ: dict[str, Callable[[Any], Measured]] = {
    "people": lambda r: (("count", r.count),),
    "crossing": lambda r: ((r.direction, 1),),
    "pulse": lambda r: ((r.direction, 1),),
    "cars": lambda r: (("occupied", r.occupied), ("seen", r.seen)),
    "press": lambda r: ((r.gesture, 1),),
    "ticket": lambda r: ((r.event, 1),),
    "queue": lambda r: (("waiting", r.waiting), ("open", r.open)),
    "bookings": lambda _: (("told", 1),),
    "counter": lambda r: (("open", None if r.open is None else int(r.open)),),
    "level": lambda r: (("level", r.level),),
    "pause": lambda r: (("paused", int(r.paused)),),
    "set": lambda r: (("count", r.count),),
    "notice": lambda _: (("told", 1),),
    "beat": lambda _: (("told", 1),),
    "gap": lambda _: (("told", 1),),
}
"""What is measured of each kind; None is not."""


_Cell = tuple[int, float, float, float, float, int]
"""Count, sum, min, max, the value of the latest moment, and that moment in milliseconds."""

_NAME = "INSERT OR IGNORE INTO series (kind, name, measure) VALUES (?, ?, ?)"
_OF = "FROM series WHERE kind = ? AND name = ? AND measure = ?"
_CELL = f"""
INSERT INTO cell SELECT id, ?, ?, ?, ?, ?, ?, ? {_OF} ON CONFLICT DO UPDATE SET
    count = count + excluded.count, sum = sum + excluded.sum,
    min = min(min, excluded.min), max = max(max, excluded.max),
    last = iif(excluded.last_ms >= last_ms, excluded.last, last),
    last_ms = max(last_ms, excluded.last_ms)
"""
_HOUR = f"""
INSERT INTO hour SELECT id, ?, ?, ? {_OF} ON CONFLICT DO UPDATE SET
    count = count + excluded.count, sum = sum + excluded.sum
"""
_TOLD = """
SELECT 1 FROM series JOIN cell ON series = id AND slot = ?
WHERE kind IN ('service', 'lot', 'zone') AND measure = 'open' LIMIT 1
"""

_Key = tuple[int, str, str, str]
"""Slot, kind, name, measure."""


class Rollup:
    """What one commit adds to the roll-ups."""

    def __init__(self) -> None:
        self._cells: dict[_Key, _Cell] = {}
        self._told: dict[int, dict[_Key, _Cell]] = {}
        self._tickets: list[tuple[Ticket, str, int]] = []

    def __bool__(self) -> bool:
        """Whether it adds anything."""
        return bool(self._cells or self._told or self._tickets)

    def add(self, seen: Observation, at_ms: int) -> None:
        """Count one observation where it stands in time."""
        read = _READ.get(seen.kind)
        if read is None:
            return
        name = seen.device if seen.name == "all" else seen.name
        for measure, value in read(seen.reading):
            if value is not None:
                self.count(seen.kind, name, measure, value, at_ms)
        if seen.kind == "ticket":
            self._tickets.append((cast("Ticket", seen.reading), seen.name, at_ms))

    def tell(self, kind: str, name: str, values: Measured, at_ms: int) -> None:
        """Keep what was told of something; a slot that holds a sample already keeps that one."""
        slot = at_ms // SLOT_MS
        if slot in self._told or len(self._told) < _WAITING:
            cells = self._told.setdefault(slot, {})
            for measure, value in values:
                if value is not None:
                    cells[slot, kind, name, measure] = (1, value, value, value, value, at_ms)

    def count(self, kind: str, name: str, measure: str, value: float, at_ms: int) -> None:
        """Add one value to its slot."""
        key = (at_ms // SLOT_MS, kind, name, measure)
        cell = self._cells.get(key)
        if cell is None:
            self._cells[key] = (1, value, value, value, value, at_ms)
            return
        count, total, low, high, last, last_ms = cell
        if at_ms >= last_ms:
            last, last_ms = value, at_ms
        self._cells[key] = (
            count + 1, total + value, min(low, value), max(high, value), last, last_ms
        )  # fmt: skip

    def write(self, db: sqlite3.Connection) -> None:
        """Add all to the tables, within the caller's transaction; may be done again after another.

        Raises:
            sqlite3.Error: the disk refuses.
        """
        waits = Rollup()
        for ticket, service, at_ms in self._tickets:
            wait_s = _followed(db, ticket, service, at_ms)
            if wait_s is not None:
                waits.count("ticket", service, "wait_s", wait_s, at_ms)
        for cells in (self._cells, waits._cells):
            _write(db, cells)
        for slot, cells in self._told.items():
            if db.execute(_TOLD, (slot,)).fetchone() is None:
                _write(db, cells)


def _write(db: sqlite3.Connection, cells: dict[_Key, _Cell]) -> None:
    db.executemany(_NAME, sorted({key[1:] for key in cells}))
    db.executemany(_CELL, [(key[0], *cell, *key[1:]) for key, cell in cells.items()])
    hours = [(key[0] // HOUR_SLOTS, *cell[:2], *key[1:]) for key, cell in cells.items()]
    db.executemany(_HOUR, hours)


def _followed(db: sqlite3.Connection, ticket: Ticket, service: str, at_ms: int) -> float | None:
    """Note that a ticket waits, or how many seconds it did when it is called."""
    if ticket.event == "issued":
        db.execute(
            "INSERT OR REPLACE INTO issued VALUES (?, ?, ?)", (service, ticket.number, at_ms)
        )
        return None
    found = db.execute(
        "DELETE FROM issued WHERE service = ? AND number = ? RETURNING at_ms",
        (service, ticket.number),
    ).fetchone()
    if found is None or ticket.event != "called" or not 0 <= at_ms - found[0] < _DAY_MS:
        return None
    return float(at_ms - found[0]) / 1000
