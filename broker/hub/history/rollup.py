"""Five-minute roll-ups: what of the observations is kept for years."""

import sqlite3
from collections.abc import Callable
from typing import Any, cast

from models.contract.observations import Observation, Ticket

SLOT_MS = 5 * 60 * 1000
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

_Measured = tuple[tuple[str, float | None], ...]
_READ: dict[str, Callable[[Any], _Measured]] = {
    "people": lambda r: (("count", r.count),),
    "crossing": lambda r: ((r.direction, 1),),
    "pulse": lambda r: ((r.direction, 1),),
    "cars": lambda r: (("occupied", r.occupied), ("seen", r.seen)),
    "press": lambda r: ((r.gesture, 1),),
    "ticket": lambda r: ((r.event, 1),),
    "queue": lambda r: (("waiting", r.waiting), ("open", r.open)),
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

_UPSERT = """
INSERT INTO rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    count = count + excluded.count, sum = sum + excluded.sum,
    min = min(min, excluded.min), max = max(max, excluded.max),
    last = iif(excluded.last_ms >= last_ms, excluded.last, last),
    last_ms = max(last_ms, excluded.last_ms)
"""


class Rollup:
    """What one commit adds to the roll-ups."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, str, str, str], _Cell] = {}
        self._tickets: list[tuple[Ticket, str, int]] = []

    def add(self, seen: Observation, at_ms: int) -> None:
        """Count one observation where it stands in time."""
        read = _READ.get(seen.kind)
        if read is None:
            return
        name = seen.device if seen.name == "all" else seen.name
        for measure, value in read(seen.reading):
            if value is not None:
                self._count(seen.kind, name, measure, value, at_ms)
        if seen.kind == "ticket":
            self._tickets.append((cast("Ticket", seen.reading), seen.name, at_ms))

    def _count(self, kind: str, name: str, measure: str, value: float, at_ms: int) -> None:
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
                waits._count("ticket", service, "wait_s", wait_s, at_ms)
        for cells in (self._cells, waits._cells):
            db.executemany(
                _UPSERT,
                [(*key, *cell) for key, cell in cells.items()],
            )


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
