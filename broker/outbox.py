"""The durable spool of whoever observes: nothing is sent before it is on the disk."""

import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from models.contract.codec import encode_observation, stamp
from models.contract.observations import GAUGES, KIND_OF, Envelope, Pulse, Reading, Skip
from models.errors import SensorFailed

THINNED = GAUGES | {"beat"}
"""Kinds of which the newest says it all: what is older may go when the disk budget is reached."""

_KINDS = ", ".join(f"'{kind}'" for kind in sorted(THINNED))
_SCHEMA = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS total (
    name TEXT NOT NULL, direction TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (name, direction)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS observation (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, payload BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS thinned ON observation (kind, name, seq) WHERE kind IN ({_KINDS});
"""
# A row of kind `skip` stands for all from its seq to that of the next row; its payload is empty
# and made when it is sent, so that thinning gives room even where each event has a gauge beside it.

_OLDEST_GAUGES = f"""
SELECT seq FROM observation WHERE kind IN ({_KINDS}) AND seq NOT IN (
    SELECT max(seq) FROM observation WHERE kind IN ({_KINDS}) GROUP BY kind, name)
ORDER BY seq LIMIT ?
"""  # noqa: S608  our own constants
_FOLLOWING_SKIPS = """
DELETE FROM observation WHERE seq IN (
    SELECT seq FROM (
        SELECT seq, kind, lag(kind) OVER (ORDER BY seq) AS before FROM observation
        WHERE seq BETWEEN (SELECT coalesce(max(seq), 0) FROM observation WHERE seq < ?1)
            AND (SELECT coalesce(min(seq), ?2) FROM observation WHERE seq > ?2))
    WHERE kind = 'skip' AND before = 'skip')
"""
_THIN = 2000  # rows at a time
_MIB = 2**20


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A reading that is to be made durable. `at` is None while the clock is not set."""

    name: str
    reading: Reading
    boot: str
    up_ms: int
    at: datetime | None


class Row(msgspec.Struct, frozen=True):
    """What is to be sent: a topic's last levels and the payload.

    It stands for `seq` in the stream, one that was thinned for all from there to `upto`.
    """

    seq: int
    upto: int
    kind: str
    name: str
    payload: bytes


class Outbox:
    """One stream in one SQLite file. Methods block; call them in a thread.

    Args:
        path: of the file. A damaged one is put aside, and a new stream begins.
        budget_mib: how large the file may become, in MiB.

    Raises:
        SensorFailed: the disk refuses; so says every method that reads or writes.
    """

    def __init__(self, path: Path, *, budget_mib: int = 256) -> None:
        self._lock = threading.Lock()
        self.damaged: Path | None = None
        with _told(f"an outbox at {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._db = _opened(path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise  # locked, full or not allowed: the file itself may be sound
                self.damaged = _put_aside(path)
                self._db = _opened(path)
            (page_bytes,) = self._db.execute("PRAGMA page_size").fetchone()
            self._db.execute(f"PRAGMA max_page_count = {budget_mib * _MIB // page_bytes}")
            self._stream = self._meta("stream") or self._new_stream()
            self._last = int(self._meta("seq") or 0)
            self._unsent_after = int(self._meta("unsent_after") or self._last)
            with suppress(sqlite3.OperationalError):  # a disk that is full must not stop us
                self._set_meta("unsent_after", str(self._unsent_after))

    @property
    def stream(self) -> str:
        """The name of the stream."""
        return self._stream

    @property
    def last(self) -> int:
        """The newest `seq` ever given; 0 in a new stream. Does not block."""
        return self._last

    @property
    def unsent_after(self) -> int:
        """What is behind this `seq` was never sent before this process ran."""
        return self._unsent_after

    def sending(self) -> None:
        """Note that from now on anything may have been sent."""
        with self._lock, _told("to note that we send"):
            self._db.execute("DELETE FROM meta WHERE key = 'unsent_after'")

    def append(self, entries: Sequence[Entry]) -> int:
        """Make readings durable, in order; returns the last `seq`.

        When there is no room, gauges and beats are thinned, the oldest first.

        Raises:
            SensorFailed: the disk refuses (full of events, worn out); nothing of it was kept.
        """
        with self._lock, _told(f"to keep {len(entries)} observations"):
            while True:
                try:
                    with self._transaction():
                        last = self._append(entries)
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_FULL or not self._thin():
                        raise
                else:
                    self._last = last
                    return last

    def _append(self, entries: Sequence[Entry]) -> int:
        seq = self._last
        for entry in entries:
            seq += 1
            reading = entry.reading
            if isinstance(reading, Pulse):
                reading = self._totalled(entry.name, reading)
            envelope = Envelope(
                stream=self._stream, seq=seq, boot=entry.boot, up_ms=entry.up_ms, at=entry.at
            )
            self._insert(
                seq, KIND_OF[type(reading)], entry.name, encode_observation(envelope, reading)
            )
        self._set_meta("seq", str(seq))
        if entries and entries[-1].at is not None:
            self._set_meta("last_at", stamp(entries[-1].at))
        return seq

    def _thin(self) -> int:
        """Put the oldest gauges behind `skip`, but the newest of each; returns how many."""
        seqs = [seq for (seq,) in self._db.execute(_OLDEST_GAUGES, (_THIN,))]
        if seqs:
            with self._transaction():
                self._db.executemany(
                    "UPDATE observation SET kind = 'skip', name = 'all', payload = x'' "
                    "WHERE seq = ?",
                    [(seq,) for seq in seqs],
                )
                self._db.execute(_FOLLOWING_SKIPS, (seqs[0], seqs[-1]))
        return len(seqs)

    def after(self, seq: int, limit: int) -> list[Row]:
        """What stands behind `seq`, oldest first, at most `limit`."""
        with self._lock, _told("to read the outbox"), closing(self._db.cursor()) as cursor:
            cursor.execute(
                "SELECT seq, kind, name, payload FROM observation "
                "WHERE seq > ? ORDER BY seq LIMIT ?",
                (seq, limit + 1),
            )
            found = cursor.fetchall()
            ends = [row[0] - 1 for row in found[1:]] + [self._last]
            return [
                Row(first, upto, kind, name, payload or self._skip(first, upto))
                for (first, kind, name, payload), upto in zip(found, ends, strict=False)
            ][:limit]

    def acknowledge(self, seq: int) -> None:
        """Forget all up to `seq`: the hub has it.

        This needs no fsync of its own: what comes back after a power cut is sent again and dropped.
        """
        with self._lock, _told("to shorten the outbox"):
            self._db.execute("PRAGMA synchronous = NORMAL")
            try:
                with self._transaction():
                    self._forget(seq)
            finally:
                self._db.execute("PRAGMA synchronous = FULL")

    def _forget(self, seq: int) -> None:
        kinds = "SELECT kind FROM observation WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
        last = self._db.execute(kinds, (seq,)).fetchone()
        self._db.execute("DELETE FROM observation WHERE seq <= ?", (seq,))
        if last == ("skip",) and self._oldest() > seq + 1:  # of a skip the hub has a part
            self._insert(seq + 1, "skip", "all", b"")

    def begin_again(self) -> None:
        """Go on in a new stream, for the hub has more of this one than we do.

        The file is an old copy (a card written from an image, a disk that lied): the numbers that
        it would give next are taken. What the copy may have sent the hub has; what came since is
        numbered anew.
        """
        with self._lock, _told("to begin a new stream"), self._transaction():
            rows = self._db.execute(
                "SELECT kind, name, payload FROM observation WHERE seq > ? AND kind != 'skip' "
                "ORDER BY seq",
                (self._unsent_after,),
            ).fetchall()
            self._db.execute("DELETE FROM observation")
            self._db.execute("DELETE FROM total")
            stream = self._new_stream()
            for seq, (kind, name, payload) in enumerate(rows, 1):
                fields = msgspec.json.decode(payload) | {"stream": stream, "seq": seq}
                if kind == "pulse":
                    pulse = self._totalled(name, Pulse(direction=fields["direction"]))
                    fields["total"] = pulse.total
                self._insert(seq, kind, name, msgspec.json.encode(fields))
            self._set_meta("seq", str(len(rows)))
            self._db.execute("DELETE FROM meta WHERE key = 'unsent_after'")
        self._stream, self._last, self._unsent_after = stream, len(rows), 0

    def oldest(self) -> int:
        """The lowest `seq` that is still held; the next one if none is."""
        with self._lock, _told("to read the outbox"):
            return self._oldest()

    def depth(self) -> int:
        """How many observations wait for the hub's ack, those that were thinned among them."""
        with self._lock, _told("to read the outbox"):
            return self._last - self._oldest() + 1

    def last_at(self) -> datetime | None:
        """When the newest dated observation was made; None in a new stream."""
        with self._lock, _told("to read the outbox"):
            written = self._meta("last_at")
            return datetime.fromisoformat(written) if written else None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite itself rolls back when the disk is full
                self._db.execute("ROLLBACK")
            raise

    def _insert(self, *row: Any) -> None:  # noqa: ANN401  what SQLite takes
        self._db.execute("INSERT INTO observation VALUES (?, ?, ?, ?)", row)

    def _oldest(self) -> int:
        (oldest,) = self._db.execute("SELECT min(seq) FROM observation").fetchone()
        return int(oldest) if oldest is not None else self._last + 1

    def _skip(self, seq: int, upto: int) -> bytes:
        envelope = Envelope(stream=self._stream, seq=seq, boot="", up_ms=0)
        return encode_observation(envelope, Skip(upto=upto))

    def _totalled(self, name: str, pulse: Pulse) -> Pulse:
        (total,) = self._db.execute(
            "INSERT INTO total VALUES (?, ?, 1) "
            "ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
            (name, pulse.direction),
        ).fetchone()
        return msgspec.structs.replace(pulse, total=total)

    def _new_stream(self) -> str:
        stream = uuid.uuid4().hex[:12]
        self._set_meta("stream", stream)
        return stream

    def _meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def _set_meta(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


@contextmanager
def _told(wanted: str) -> Iterator[None]:
    """A disk that refuses, in one line."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise SensorFailed(f"want {wanted}, got: {error}") from None


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
