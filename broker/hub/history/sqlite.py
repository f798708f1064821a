"""The journal: every observation once, with the marks and the folded state, in one transaction."""

import sqlite3
import threading
from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from math import floor
from pathlib import Path

import msgspec

from broker.hub.history import retention, rollup, rows
from broker.hub.history.rollup import Rollup
from models.errors import Unavailable
from models.site import History

_OPENING = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA secure_delete = FAST;
"""
_STEPS = (
    """
    CREATE TABLE IF NOT EXISTS stream (
        id INTEGER PRIMARY KEY, device TEXT NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL,
        boot TEXT NOT NULL, offset_ms INTEGER, UNIQUE (device, name));
    CREATE TABLE IF NOT EXISTS journal (
        id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES stream (id),
        seq INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, at_ms INTEGER NOT NULL,
        received_ms INTEGER NOT NULL, payload BLOB NOT NULL, refused TEXT);
    CREATE TABLE IF NOT EXISTS snapshot (
        id INTEGER PRIMARY KEY CHECK (id = 1), journal_id INTEGER NOT NULL, state BLOB NOT NULL);
    """,
    "ALTER TABLE stream ADD COLUMN at_ms INTEGER;"
    "ALTER TABLE stream ADD COLUMN received_ms INTEGER;" + rollup.SCHEMA + retention.SCHEMA,
    rollup.SERIES + rows.SCHEMA,
)
"""What brings a file from one version to the next; `user_version` counts the steps taken."""

VERSION = len(_STEPS)
"""Of the file."""

_HALF_US = 0.0005  # a float of today is exact to a quarter of a microsecond
_NEVER_MS = 2**62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Mark(msgspec.Struct, kw_only=True):
    """How far the hub has come in one stream, and what dates its undated observations.

    `offset_ms` is when the device booted `boot`, in milliseconds of 1970, as far as is known.
    `at_ms` is the newest moment that it told of, `received_ms` when it was last heard.
    """

    device: str
    stream: str
    seq: int = 0
    boot: str = ""
    offset_ms: int | None = None
    at_ms: int | None = None
    received_ms: int | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One observation as it was received: when it was made, when it came, in ms since 1970.

    `refused` says why it could not be understood.
    """

    device: str
    stream: str
    seq: int
    kind: str
    name: str
    at_ms: int
    received_ms: int
    payload: bytes
    refused: str | None = None


def milliseconds(at: datetime) -> int:
    """Milliseconds since 1970."""
    return floor(at.timestamp() * 1000 + _HALF_US)  # a third of what timedeltas cost


def from_milliseconds(ms: int) -> datetime:
    """Aware UTC."""
    return _EPOCH + timedelta(milliseconds=ms)


class Journal:
    """One SQLite file. Methods block; call them in a thread."""

    def __init__(self, path: Path, kept: History = History()) -> None:  # noqa: B008  frozen
        """Open or make the file.

        Args:
            path: of the file.
            kept: what is forgotten when.

        Raises:
            Unavailable: the disk refuses, or the file is damaged.
        """
        self._lock = threading.Lock()
        self._retention = retention.Retention(kept)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, check_same_thread=False, isolation_level=None, timeout=10
            )
            self._db.executescript(_OPENING)
            self._bring_up_to_date()
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"want a journal at {path}, got: {error}") from None

    def _bring_up_to_date(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise sqlite3.NotSupportedError(f"version {version}, of a later release than {VERSION}")
        for number, step in enumerate(_STEPS[version:], version + 1):
            self._db.executescript(  # the numbers of tickets go with the pages that they stood in
                "PRAGMA secure_delete = ON; BEGIN IMMEDIATE;"
                f"{step} PRAGMA user_version = {number}; COMMIT; PRAGMA secure_delete = FAST"
            )

    def marks(self) -> list[Mark]:
        """How far each stream has come, the one that was heard last at the end."""
        with self._lock:
            found = self._db.execute(
                "SELECT device, name, seq, boot, offset_ms, at_ms, received_ms FROM stream "
                "ORDER BY received_ms"
            ).fetchall()
        names = Mark.__struct_fields__
        return [Mark(**dict(zip(names, row, strict=True))) for row in found]

    def commit(
        self,
        records: Sequence[Record],
        marks: Sequence[Mark],
        rolled_up: Rollup,
        state: bytes | None = None,
    ) -> None:
        """Make records, marks, what rolls them up and (if given) the folded state durable together.

        Raises:
            Unavailable: the disk refuses; nothing of it was kept.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                keys = {(mark.device, mark.stream): self._written(mark) for mark in marks}
                rows.insert(
                    self._db,
                    (
                        (
                            (keys[record.device, record.stream], record.stream),
                            record.seq,
                            record.kind,
                            record.name,
                            record.at_ms,
                            record.received_ms,
                            record.payload,
                            record.refused,
                        )
                        for record in records
                    ),
                )
                rolled_up.write(self._db)
                if state is not None:
                    self._db.execute(
                        "INSERT OR REPLACE INTO snapshot "
                        "SELECT 1, coalesce(max(id), 0), ? FROM observation",
                        (state,),
                    )
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise Unavailable(f"want to keep {len(records)} records, got: {error}") from None

    def refuse(self, record: Record) -> None:
        """Note why a record cannot be folded; it stays, and is never folded again.

        Raises:
            Unavailable: the disk refuses.
        """
        with self._lock:
            try:
                self._db.execute(
                    "UPDATE observation SET refused = ? WHERE seq = ? AND source IN "
                    "(SELECT source.id FROM source JOIN stream ON stream.id = source.stream "
                    "WHERE device = ? AND stream.name = ?)",
                    (record.refused, record.seq, record.device, record.stream),
                )
            except sqlite3.Error as error:
                raise Unavailable(f"want to note what is refused, got: {error}") from None

    def tidy(self, now: datetime) -> bool:
        """Forget a little of what is old; whether there is more of it. See `Retention`.

        Raises:
            Unavailable: the disk refuses; nothing was forgotten.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                more = self._retention.step(self._db, milliseconds(now))
                self._db.execute("COMMIT")
                retention.give_back(self._db)
            except sqlite3.Error as error:
                self._roll_back()
                raise Unavailable(f"want to tidy the journal, got: {error}") from None
        return more

    def blank(self) -> None:
        """Make up the numbers of all tickets behind the snapshot at once, as for a copy.

        Raises:
            Unavailable: the disk refuses.
        """
        with self._lock:
            try:
                while self._retention.blank(self._db, _NEVER_MS):
                    pass
            except sqlite3.Error as error:
                raise Unavailable(f"want to blank the journal, got: {error}") from None

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def snapshot(self) -> tuple[int, bytes] | None:
        """The newest folded state, and the journal's row that it reaches to."""
        with self._lock:
            row = self._db.execute("SELECT journal_id, state FROM snapshot").fetchone()
        return (row[0], row[1]) if row else None

    def records(self, after: int = 0) -> Generator[Record]:
        """The journal behind a row, in the order of arrival."""
        with self._lock:
            cursor = self._db.execute(
                "SELECT device, stream.name, journal.seq, kind, journal.name, journal.at_ms, "
                "journal.received_ms, payload, refused "
                "FROM journal JOIN stream ON stream.id = journal.stream "
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
                    at_ms=at_ms,
                    received_ms=received_ms,
                    payload=payload,
                    refused=refused,
                )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def _written(self, mark: Mark) -> int:
        (key,) = self._db.execute(
            "INSERT INTO stream (device, name, seq, boot, offset_ms, at_ms, received_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (device, name) DO UPDATE SET "
            "seq = excluded.seq, boot = excluded.boot, offset_ms = excluded.offset_ms, "
            "at_ms = excluded.at_ms, received_ms = excluded.received_ms RETURNING id",
            msgspec.structs.astuple(mark),
        ).fetchone()
        return int(key)
