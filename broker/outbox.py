"""The durable spool of whoever observes: nothing is sent before it is on the disk."""

import sqlite3
import threading
import uuid
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec

from models.contract.codec import encode_observation, stamp
from models.contract.observations import KIND_OF, Envelope, Pulse, Reading
from models.errors import SensorFailed

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS total (
    name TEXT NOT NULL, direction TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (name, direction)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS observation (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, payload BLOB NOT NULL);
"""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that is to be made durable. `at` is None while the clock is not set."""

    name: str
    reading: Reading
    boot: str
    up_ms: int
    at: datetime | None


class Row(msgspec.Struct, frozen=True):
    """What is to be sent: a place in the stream, a topic's last levels and the payload."""

    seq: int
    kind: str
    name: str
    payload: bytes


class Outbox:
    """One stream in one SQLite file. Methods block; call them in a thread."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. One that is damaged is put aside, and a new stream begins.

        Raises:
            SensorFailed: the disk refuses.
        """
        self._lock = threading.Lock()
        self.damaged: Path | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._db = _opened(path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise  # locked, full or not allowed: the file itself may be sound
                self.damaged = _put_aside(path)
                self._db = _opened(path)
            self.stream = self._meta("stream") or self._new_stream()
        except (OSError, sqlite3.Error) as error:
            raise SensorFailed(f"want an outbox at {path}, got: {error}") from None

    def append(self, entries: Sequence[Entry]) -> int:
        """Make readings durable, in order; returns the last `seq`.

        Raises:
            SensorFailed: the disk refuses (full, worn out); nothing of it was kept.
        """
        with self._lock:
            try:
                with self._db:
                    return self._append(entries)
            except sqlite3.Error as error:
                raise SensorFailed(
                    f"want to keep {len(entries)} observations, got: {error}"
                ) from None

    def _append(self, entries: Sequence[Entry]) -> int:
        self._db.execute("BEGIN IMMEDIATE")
        seq = int(self._meta("seq") or 0)
        for entry in entries:
            seq += 1
            reading = entry.reading
            if isinstance(reading, Pulse):
                reading = self._totalled(entry.name, reading)
            envelope = Envelope(
                stream=self.stream, seq=seq, boot=entry.boot, up_ms=entry.up_ms, at=entry.at
            )
            self._db.execute(
                "INSERT INTO observation VALUES (?, ?, ?, ?)",
                (seq, KIND_OF[type(reading)], entry.name, encode_observation(envelope, reading)),
            )
        self._set_meta("seq", str(seq))
        if entries and entries[-1].at is not None:
            self._set_meta("last_at", stamp(entries[-1].at))
        return seq

    def after(self, seq: int, limit: int) -> list[Row]:
        """What stands behind `seq`, oldest first, at most `limit`."""
        with self._lock, closing(self._db.cursor()) as cursor:
            cursor.execute(
                "SELECT seq, kind, name, payload FROM observation "
                "WHERE seq > ? ORDER BY seq LIMIT ?",
                (seq, limit),
            )
            return [Row(*row) for row in cursor.fetchall()]

    def acknowledge(self, seq: int) -> None:
        """Forget all up to `seq`: the hub has it."""
        with self._lock, self._db:
            self._db.execute("DELETE FROM observation WHERE seq <= ?", (seq,))

    def last(self) -> int:
        """The newest `seq` ever given; 0 in a new stream."""
        with self._lock:
            return int(self._meta("seq") or 0)

    def oldest(self) -> int:
        """The lowest `seq` that is still held; the next one if none is."""
        with self._lock:
            (oldest,) = self._db.execute("SELECT min(seq) FROM observation").fetchone()
            return int(oldest) if oldest is not None else int(self._meta("seq") or 0) + 1

    def depth(self) -> int:
        """How many observations wait for the hub's ack."""
        with self._lock:
            (depth,) = self._db.execute("SELECT count(*) FROM observation").fetchone()
            return int(depth)

    def last_at(self) -> datetime | None:
        """When the newest dated observation was made; None in a new stream."""
        with self._lock:
            written = self._meta("last_at")
            return datetime.fromisoformat(written) if written else None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _totalled(self, name: str, pulse: Pulse) -> Pulse:
        (total,) = self._db.execute(
            "INSERT INTO total VALUES (?, ?, 1) "
            "ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
            (name, pulse.direction),
        ).fetchone()
        return msgspec.structs.replace(pulse, total=total)

    def _new_stream(self) -> str:
        stream = uuid.uuid4().hex[:12]
        with self._db:
            self._set_meta("stream", stream)
        return stream

    def _meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def _set_meta(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
    try:
        db.executescript(_SCHEMA)
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except BaseException:
        db.close()
        raise
    if verdict != "ok":
        db.close()
        raise sqlite3.DatabaseError(verdict)
    return db


def _put_aside(path: Path) -> Path:
    """Keep a damaged file for whoever wants to look; nothing is deleted."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(aside.with_name(aside.name + suffix))
    return aside
