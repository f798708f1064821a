"""Tickets and counters as the journal still has them, read beside a hub at work."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

from models.contract.codec import decode_reading
from models.contract.observations import Counter, Ticket
from models.errors import BadData, MachiaiError
from models.report.visits import Said

_LATE_MS = 7 * 86_400_000  # what an outbox held for longer than that is not looked for
_SET_BACK_MS = 86_400_000  # by so much a clock may have been set back between two rows
_ROWS = (
    "SELECT at_ms, kind, name, payload FROM journal WHERE id IN (SELECT id FROM observation "
    "WHERE id >= ? AND id < ? AND refused IS NULL AND received_ms - late_ms >= ? "
    "AND received_ms - late_ms < ? "
    "AND source IN (SELECT id FROM source WHERE kind IN ('ticket', 'counter'))) ORDER BY at_ms, id"
)


def said(path: Path, since_ms: int, until_ms: int) -> list[Said]:
    """All between two moments, in ms since 1970, in time order. What is forgotten is not there.

    Raises:
        BadData: it is no journal that can be read.
    """
    try:
        where = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(where, uri=True, timeout=10)) as db:
            first = _first_at(db, since_ms - _SET_BACK_MS)
            end = _first_at(db, until_ms + _LATE_MS)
            rows = db.execute(_ROWS, (first, end, since_ms, until_ms)).fetchall()
    except sqlite3.Error as error:
        raise BadData(f"want the journal of a hub, got: {error} - {path}") from None
    found = []
    for at_ms, kind, name, payload in rows:
        try:
            reading = cast("Ticket | Counter", decode_reading(kind, payload))
        except MachiaiError:
            continue  # it was refused when it came
        found.append(Said(at_ms, name, reading))
    return found


def _first_at(db: sqlite3.Connection, ms: int) -> int:
    """The first row that came then or later, by halving: rows stand in the order of arrival."""
    low, high = db.execute(
        "SELECT coalesce(min(id), 0), coalesce(max(id), 0) + 1 FROM observation"
    ).fetchone()
    while low < high:
        middle = (low + high) // 2
        row = db.execute(
            "SELECT id, received_ms FROM observation WHERE id >= ? ORDER BY id LIMIT 1", (middle,)
        ).fetchone()
        if row is None or row[1] >= ms:
            high = middle
        else:
            low = row[0] + 1
    return int(low)
