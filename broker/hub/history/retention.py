"""What the journal forgets, and when. Every step is small: it shares the file with the commits."""

import secrets
import sqlite3

import msgspec

from broker.hub.history.rollup import HOUR_SLOTS, SLOT_MS
from broker.hub.history.rows import change
from models.site import History

DAY_MS = 86_400_000
NUMBER_MS = DAY_MS
"""The numbers of tickets are kept so long, whatever the policy is."""
STREAM_MS = 180 * DAY_MS
"""An outbox that was not heard of for so long, or for twice as long as rows are kept, is gone."""

_STEP = 2000  # rows at a time
_PAGES = 256  # given back to the disk at a time
_SPARE = 10  # a tenth of the file may stay free: tomorrow fills it

SCHEMA = """
CREATE TABLE cursor (name TEXT PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO cursor VALUES ('numbers', 0);
INSERT INTO cursor SELECT 'kept', coalesce(max(id), 0) FROM journal;
"""
"""How far the numbers of tickets are blanked, and up to where rows were never rolled up."""

_OLD = """
DELETE FROM {table} WHERE (series, {unit}) IN (
    SELECT series, {unit} FROM series CROSS JOIN {table} ON series = id AND {unit} < ? LIMIT ?)
"""  # a cross join is done in the order in which it stands: a look at each series, not at each cell


class Numbers:
    """Made-up numbers of tickets in the place of those printed.

    A ticket of one day keeps one, so that its waits can still be told; which one stands for which
    printed number is only in this memory.
    """

    def __init__(self) -> None:
        self._made_up: dict[tuple[str, str], tuple[str, int]] = {}

    def blanked(self, payload: bytes, service: str, at_ms: int) -> bytes:
        """The same observation of a ticket with another number."""
        try:
            fields = msgspec.json.decode(payload)
            number = str(fields["number"])
        except (msgspec.MsgspecError, ValueError, RecursionError, TypeError, KeyError):
            return b"{}"  # it was refused when it came; nothing of it is needed
        made_up, since_ms = self._made_up.get((service, number), ("", 0))
        if not made_up or abs(at_ms - since_ms) > DAY_MS // 2:
            made_up = secrets.token_hex(4)
            self._made_up[service, number] = made_up, at_ms
        if len(self._made_up) > 10 * _STEP:
            self._made_up = {k: v for k, v in self._made_up.items() if at_ms - v[1] < DAY_MS}
        return msgspec.json.encode(fields | {"number": made_up})


class Retention:
    """Forgets what is old, in the order of the journal and only behind the snapshot.

    What is behind the snapshot will not be folded again, and it was rolled up as it was written.

    Args:
        kept: the office's policy.
    """

    def __init__(self, kept: History) -> None:
        self._raw_ms = kept.raw_days * DAY_MS
        self._rollup_ms = kept.rollup_years * 365 * DAY_MS
        self._numbers = Numbers()

    def step(self, db: sqlite3.Connection, now_ms: int) -> bool:
        """Take one step, within the caller's transaction; whether there is more to do."""
        behind = _behind(db)
        more = self.blank(db, now_ms - NUMBER_MS)
        db.execute("DELETE FROM issued WHERE at_ms < ?", (now_ms - NUMBER_MS,))
        more |= _forget(db, behind, now_ms - self._raw_ms)
        oldest = (now_ms - self._rollup_ms) // SLOT_MS
        for table, unit, first in (
            ("cell", "slot", oldest),
            ("hour", "hour", oldest // HOUR_SLOTS),
        ):
            gone = db.execute(_OLD.format(table=table, unit=unit), (first, _STEP)).rowcount
            more |= gone == _STEP
        if not more:
            db.execute(
                "DELETE FROM stream WHERE received_ms < ? AND id NOT IN "
                "(SELECT stream FROM journal WHERE id = (SELECT max(id) FROM observation))",
                (now_ms - max(STREAM_MS, 2 * self._raw_ms),),
            )
            db.execute("DELETE FROM source WHERE stream NOT IN (SELECT id FROM stream)")
        return more

    def blank(self, db: sqlite3.Connection, before_ms: int) -> bool:
        """Take one step of making up numbers for tickets up to this time; whether there is more.

        A clock that was put back leaves younger rows before older ones: they go with them.
        """
        (done,) = db.execute("SELECT id FROM cursor WHERE name = 'numbers'").fetchone()
        rows = db.execute(
            "SELECT id, kind, name, at_ms, received_ms, payload FROM journal "
            "WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
            (done, _behind(db), _STEP),
        ).fetchall()
        count = max((n for n, row in enumerate(rows, 1) if row[4] < before_ms), default=0)
        for key, kind, name, at_ms, _, payload in rows[:count]:
            if kind == "ticket":
                change(db, key, self._numbers.blanked(payload, name, at_ms))
        if count:
            db.execute("UPDATE cursor SET id = ? WHERE name = 'numbers'", (rows[count - 1][0],))
        return count == _STEP


def _behind(db: sqlite3.Connection) -> int:
    """The row that the snapshot reaches to."""
    row = db.execute("SELECT journal_id FROM snapshot").fetchone()
    return int(row[0]) if row else 0


def _forget(db: sqlite3.Connection, behind: int, before_ms: int) -> bool:
    """Delete the oldest rows, never the newest one: its id must not be given again."""
    rows = db.execute(
        "SELECT id, received_ms FROM observation WHERE id < ? "
        "AND id > (SELECT id FROM cursor WHERE name = 'kept') ORDER BY id LIMIT ?",
        (behind, _STEP),
    ).fetchall()
    old = [key for key, received_ms in rows if received_ms < before_ms]
    if old:
        db.executemany("DELETE FROM observation WHERE id = ?", [(key,) for key in old])
    return len(old) == _STEP


def give_back(db: sqlite3.Connection) -> None:
    """Shorten the file by a little if much of it is free. Not within a transaction."""
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    if free * _SPARE > pages:
        db.executescript(f"PRAGMA incremental_vacuum({_PAGES})")  # execute() would take one page
