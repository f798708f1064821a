"""The journal: every observation once, with the marks and the folded state, in one transaction."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from models.errors import Unavailable

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS stream (
    id INTEGER PRIMARY KEY, device TEXT NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL,
    boot TEXT NOT NULL, offset_ms INTEGER, UNIQUE (device, name));
CREATE TABLE IF NOT EXISTS journal (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES stream (id), seq INTEGER NOT NULL,
    kind TEXT NOT NULL, name TEXT NOT NULL, at_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,
    payload BLOB NOT NULL, refused TEXT);
CREATE TABLE IF NOT EXISTS snapshot (
    id INTEGER PRIMARY KEY CHECK (id = 1), journal_id INTEGER NOT NULL, state BLOB NOT NULL);
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Mark(msgspec.Struct, kw_only=True):
    """How far the hub has come in one stream, and what dates its undated observations.

    `offset_ms` is when the device booted `boot`, in milliseconds of 1970, as far as is known.
    """

    device: str
    stream: str
    seq: int = 0
    boot: str = ""
    offset_ms: int | None = None
    key: int | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One observation as it was received. `refused` says why it could not be understood."""

    device: str
    stream: str
    seq: int
    kind: str
    name: str
    at: datetime
    received_at: datetime
    payload: bytes
    refused: str | None = None


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_milliseconds(ms: int) -> datetime:
    """Aware UTC."""
    return _EPOCH + timedelta(milliseconds=ms)


class Journal:
    """One SQLite file. Methods block; call them in a thread."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            Unavailable: the disk refuses, or the file is damaged.
        """
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, check_same_thread=False, isolation_level=None, timeout=10
            )
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"want a journal at {path}, got: {error}") from None

    def marks(self) -> list[Mark]:
        """How far each stream has come."""
        with self._lock:
            rows = self._db.execute(
                "SELECT device, name, seq, boot, offset_ms, id FROM stream"
            ).fetchall()
        return [
            Mark(device=device, stream=stream, seq=seq, boot=boot, offset_ms=offset_ms, key=key)
            for device, stream, seq, boot, offset_ms, key in rows
        ]

    def commit(
        self, records: Sequence[Record], marks: Sequence[Mark], state: bytes | None = None
    ) -> None:
        """Make records, marks and (if given) the folded state durable together.

        Raises:
            Unavailable: the disk refuses; nothing of it was kept.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                keys = {(mark.device, mark.stream): self._written(mark) for mark in marks}
                self._db.executemany(
                    "INSERT INTO journal (stream, seq, kind, name, at_ms, received_ms, payload, "
                    "refused) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            keys[record.device, record.stream],
                            record.seq,
                            record.kind,
                            record.name,
                            milliseconds(record.at),
                            milliseconds(record.received_at),
                            record.payload,
                            record.refused,
                        )
                        for record in records
                    ],
                )
                if state is not None:
                    self._db.execute(
                        "INSERT OR REPLACE INTO snapshot "
                        "SELECT 1, coalesce(max(id), 0), ? FROM journal",
                        (state,),
                    )
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise Unavailable(f"want to keep {len(records)} records, got: {error}") from None
        for mark in marks:
            mark.key = keys[mark.device, mark.stream]

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest folded state, and the journal's row that it reaches to."""
        with self._lock:
            row = self._db.execute("SELECT journal_id, state FROM snapshot").fetchone()
        return (row[0], row[1]) if row else None

    def records(self, after: int = 0) -> Iterator[Record]:
        """The journal behind a row, in the order of arrival."""
        with self._lock:
            cursor = self._db.execute(
                "SELECT device, stream.name, journal.seq, kind, journal.name, at_ms, received_ms, "
                "payload, refused FROM journal JOIN stream ON stream.id = journal.stream "
                "WHERE journal.id > ? ORDER BY journal.id",
                (after,),
            )
            for device, stream, seq, kind, name, at_ms, received_ms, payload, refused in cursor:
                yield Record(
                    device=device,
                    stream=stream,
                    seq=seq,
                    kind=kind,
                    name=name,
                    at=from_milliseconds(at_ms),
                    received_at=from_milliseconds(received_ms),
                    payload=payload,
                    refused=refused,
                )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _written(self, mark: Mark) -> int:
        if mark.key is None:
            (key,) = self._db.execute(
                "INSERT INTO stream (device, name, seq, boot, offset_ms) VALUES (?, ?, ?, ?, ?) "
                "RETURNING id",
                (mark.device, mark.stream, mark.seq, mark.boot, mark.offset_ms),
            ).fetchone()
            return int(key)
        self._db.execute(
            "UPDATE stream SET seq = ?, boot = ?, offset_ms = ? WHERE id = ?",
            (mark.seq, mark.boot, mark.offset_ms, mark.key),
        )
        return mark.key
