"""The durable spool of whoever observes: nothing is sent before it is on the disk."""

import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
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
_OPENING = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
"""
_STEPS = (
    f"""
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS total (
        name TEXT NOT NULL, direction TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (name, direction)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS observation (
        seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, payload BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS thinned ON observation (kind, name, seq) WHERE kind IN ({_KINDS});
    """,
    """
    CREATE TABLE stream (first INTEGER PRIMARY KEY, name TEXT NOT NULL);
    INSERT INTO stream SELECT 1, value FROM meta WHERE key = 'stream';
    ALTER TABLE observation RENAME COLUMN seq TO place;
    UPDATE meta SET key = 'last' WHERE key = 'seq';
    DELETE FROM meta WHERE key IN ('stream', 'unsent_after');
    """,
)
"""What brings a file from one version to the next; `user_version` counts the steps taken."""

# A row of kind `skip` stands for all from its place to that of the next row; its payload is empty
# and made when it is sent, so that thinning gives room even where each event has a gauge beside it.
# It never reaches into the next stream, for a stream begins with a row of its own.

_OLDEST_GAUGES = f"""
SELECT place FROM observation WHERE kind IN ({_KINDS}) AND place NOT IN (
    SELECT max(place) FROM observation WHERE kind IN ({_KINDS}) GROUP BY kind, name)
ORDER BY place LIMIT ?
"""  # noqa: S608  our own constants
_FOLLOWING_SKIPS = """
DELETE FROM observation WHERE place IN (
    SELECT place FROM (
        SELECT place, kind, lag(kind) OVER (ORDER BY place) AS before FROM observation
        WHERE place BETWEEN (SELECT coalesce(max(place), 0) FROM observation WHERE place < ?1)
            AND (SELECT coalesce(min(place), ?2) FROM observation WHERE place > ?2))
    WHERE kind = 'skip' AND before = 'skip')
AND place NOT IN (SELECT first FROM stream)
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

    It stands for `place` in the file, one that was thinned for all from there to `upto`.
    """

    place: int
    upto: int
    kind: str
    name: str
    payload: bytes


class Outbox:
    """What was observed and is not acknowledged yet, in one SQLite file.

    Methods block but for `last`, `heard` and `named`; call them in a thread.

    Rows have places, 1, 2, 3 … as long as the file lives. Each process that writes begins a stream
    of its own at the place where it begins, and nobody ever writes into the stream of another. So a
    `seq` of a stream never means two things, whatever older copy of the file comes back: what the
    copy holds is what the hub may have already, and what is written after it has a new name.

    Args:
        path: of the file. A damaged one is put aside, and a new one begins.
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
            self._last = int(self._meta("last") or 0)
            self._streams = self._read_streams()
        self.stream = uuid.uuid4().hex[:12]
        """The name of the stream that this process writes."""

    @property
    def last(self) -> int:
        """The newest place ever given; 0 in a new file."""
        return self._last

    def heard(self, acked: int, stream: str, seq: int) -> int | None:
        """Where an ack stands; None if it is not of the stream whose turn it is behind `acked`.

        Of a stream that goes on beyond what this file has of it, for it is an older copy, that is
        the end of what it has.
        """
        first, name, end = self._turn(acked)
        return min(first + seq - 1, end) if name == stream else None

    def _turn(self, acked: int) -> tuple[int, str, int]:
        """First place, name and last place of the stream that is to be sent behind `acked`.

        One is sent when the hub has all of the one before, so an ack says nothing of any other.
        """
        streams, last = self._streams, self._last
        ends = [first - 1 for first, _ in streams[1:]] + [last]
        found = last + 1, "", last  # none has begun
        for (first, name), end in zip(streams, ends, strict=False):
            found = first, name, end
            if end > acked:
                break
        return found

    def named(self, place: int) -> tuple[str, int]:
        """The stream and the `seq` of a place; of one long forgotten the first that is known."""
        streams = self._with_own()
        first, name = max(((f, n) for f, n in streams if f <= place), default=streams[0])
        return name, max(place - first + 1, 1)

    def _with_own(self) -> tuple[tuple[int, str], ...]:
        """The streams, our own among them also before its first row."""
        own = (self._last + 1, self.stream)
        return self._streams if self._has_begun() else (*self._streams, own)

    def _has_begun(self) -> bool:
        return bool(self._streams) and self._streams[-1][1] == self.stream

    def append(self, entries: Sequence[Entry]) -> int:
        """Make readings durable, in order; returns the last place.

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
                    if not self._has_begun():  # before `_last`: else it were of the stream before
                        self._streams = self._read_streams()
                    self._last = last
                    return last

    def _append(self, entries: Sequence[Entry]) -> int:
        first, _ = self._with_own()[-1]
        if not self._has_begun():
            self._db.execute("DELETE FROM total")
            self._db.execute("INSERT INTO stream VALUES (?, ?)", (first, self.stream))
            self._forget_streams()
        place = self._last
        for entry in entries:
            place += 1
            reading = entry.reading
            if isinstance(reading, Pulse):
                reading = self._totalled(entry.name, reading)
            envelope = Envelope(
                stream=self.stream,
                seq=place - first + 1,
                boot=entry.boot,
                up_ms=entry.up_ms,
                at=entry.at,
                after=self._before() if place == first else msgspec.UNSET,
            )
            self._insert(
                place, KIND_OF[type(reading)], entry.name, encode_observation(envelope, reading)
            )
        self._set_meta("last", str(place))
        if entries and entries[-1].at is not None:
            self._set_meta("last_at", stamp(entries[-1].at))
        return place

    def _before(self) -> str | msgspec.UnsetType:
        """What stands before our stream, so that the hub sees whether something is missing."""
        if not self._last:
            return msgspec.UNSET
        stream, seq = self.named(self._last)
        return f"{stream}/{seq}"

    def _thin(self) -> int:
        """Put the oldest gauges behind `skip`, but the newest of each; returns how many."""
        places = [place for (place,) in self._db.execute(_OLDEST_GAUGES, (_THIN,))]
        if places:
            with self._transaction():
                self._db.executemany(
                    "UPDATE observation SET kind = 'skip', name = 'all', payload = x'' "
                    "WHERE place = ?",
                    [(place,) for place in places],
                )
                self._db.execute(_FOLLOWING_SKIPS, (places[0], places[-1]))
        return len(places)

    def after(self, place: int, limit: int, *, acked: int) -> list[Row]:
        """What is to be sent behind `place`, oldest first, at most `limit`."""
        with self._lock, _told("to read the outbox"), closing(self._db.cursor()) as cursor:
            _, _, end = self._turn(acked)
            cursor.execute(
                "SELECT place, kind, name, payload FROM observation "
                "WHERE place > ? AND place <= ? ORDER BY place LIMIT ?",
                (place, end, limit + 1),
            )
            found = cursor.fetchall()
            ends = [row[0] - 1 for row in found[1:]] + [end]
            return [
                Row(first, upto, kind, name, payload or self._skip(first, upto))
                for (first, kind, name, payload), upto in zip(found, ends, strict=False)
            ][:limit]

    def acknowledge(self, place: int) -> None:
        """Forget all up to `place`: the hub has it.

        This needs no fsync of its own: what comes back after a power cut is sent again and dropped.
        """
        with self._lock, _told("to shorten the outbox"):
            self._db.execute("PRAGMA synchronous = NORMAL")
            try:
                with self._transaction():
                    self._forget(place)
            finally:
                self._db.execute("PRAGMA synchronous = FULL")
            self._streams = self._read_streams()

    def _forget(self, place: int) -> None:
        kinds = "SELECT kind FROM observation WHERE place <= ? ORDER BY place DESC LIMIT 1"
        last = self._db.execute(kinds, (place,)).fetchone()
        self._db.execute("DELETE FROM observation WHERE place <= ?", (place,))
        if last == ("skip",) and self._oldest() > place + 1:  # of a skip the hub has a part
            self._insert(place + 1, "skip", "all", b"")
        self._forget_streams()

    def _forget_streams(self) -> None:
        """Those of which nothing is held, but for the newest."""
        self._db.execute(
            "DELETE FROM stream WHERE first < (SELECT max(first) FROM stream WHERE first <= ?)",
            (self._oldest(),),
        )

    def oldest(self) -> int:
        """The lowest place that is still held; the next one if none is."""
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
        (oldest,) = self._db.execute("SELECT min(place) FROM observation").fetchone()
        return int(oldest) if oldest is not None else self._last + 1

    def _skip(self, place: int, upto: int) -> bytes:
        stream, seq = self.named(place)
        envelope = Envelope(stream=stream, seq=seq, boot="", up_ms=0)
        return encode_observation(envelope, Skip(upto=seq + upto - place))

    def _totalled(self, name: str, pulse: Pulse) -> Pulse:
        (total,) = self._db.execute(
            "INSERT INTO total VALUES (?, ?, 1) "
            "ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
            (name, pulse.direction),
        ).fetchone()
        return msgspec.structs.replace(pulse, total=total)

    def _read_streams(self) -> tuple[tuple[int, str], ...]:
        return tuple(self._db.execute("SELECT first, name FROM stream ORDER BY first"))

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
        db.executescript(_OPENING)
        (version,) = db.execute("PRAGMA user_version").fetchone()
        for number, step in enumerate(_STEPS[version:], version + 1):
            db.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT")
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
