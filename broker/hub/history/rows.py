"""The rows of the journal: what a device said, without what the columns beside it say already.

Most payloads begin with stream, seq, boot, up_ms and at, as our own outbox writes them. Those are
kept as numbers, and `journal` is a view that puts each together again, byte for byte. Whatever is
written in another way is kept whole.
"""

import re
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

SCHEMA = """
CREATE TABLE source (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES stream (id), kind TEXT NOT NULL,
    name TEXT NOT NULL, boot TEXT NOT NULL, form INTEGER NOT NULL,
    UNIQUE (stream, kind, name, boot, form));
CREATE TABLE observation (
    id INTEGER PRIMARY KEY, source INTEGER NOT NULL REFERENCES source (id), seq INTEGER NOT NULL,
    received_ms INTEGER NOT NULL, late_ms INTEGER NOT NULL, up_ms INTEGER, rest NOT NULL,
    refused TEXT);
INSERT INTO source (stream, kind, name, boot, form)
    SELECT DISTINCT stream, kind, name, '', 0 FROM journal;
INSERT INTO observation
    SELECT journal.id, source.id, seq, received_ms, received_ms - at_ms, NULL, payload, refused
    FROM journal JOIN source USING (stream, kind, name) ORDER BY journal.id;
DROP TABLE journal;
CREATE VIEW journal AS SELECT
    id,
    (SELECT stream FROM source WHERE id = observation.source) AS stream,
    seq,
    (SELECT kind FROM source WHERE id = observation.source) AS kind,
    (SELECT name FROM source WHERE id = observation.source) AS name,
    received_ms - late_ms AS at_ms,
    received_ms,
    (SELECT CASE form WHEN 0 THEN rest ELSE CAST(
        '{"stream":"' || stream.name || '","seq":' || observation.seq
        || ',"boot":"' || source.boot || '","up_ms":' || observation.up_ms
        || ',"at":' || CASE form WHEN 2 THEN 'null' ELSE
            strftime('"%Y-%m-%dT%H:%M:%S', (observation.received_ms - late_ms) / 1000, 'unixepoch')
            || printf('.%03dZ"', (observation.received_ms - late_ms) % 1000) END
        || rest AS BLOB) END
        FROM source JOIN stream ON stream.id = source.stream WHERE source.id = observation.source
    ) AS payload,
    refused
    FROM observation;
"""
"""`form` says what `rest` is of a payload: 0 all, 1 what follows `at`, 2 what follows a null."""

_WHOLE, _DATED, _UNDATED = 0, 1, 2
_USUAL = re.compile(
    r'\{"stream":"([^"]*)","seq":([1-9][0-9]*),"boot":"([^"\\\0]*)",'
    r'"up_ms":(0|[1-9][0-9]{0,15}),"at":(?:null|"([^"]*)")([,}][^\0]*)'
)
_LAST_MS = 253_402_300_800_000  # the year 10000

Packed = tuple[str, int, int | None, str | bytes]
"""Boot, form, up_ms and rest."""


def packed(payload: bytes, stream: str, seq: int, at_ms: int) -> Packed:
    """A payload without what its row says."""
    try:
        found = _USUAL.fullmatch(payload.decode())
    except UnicodeDecodeError:
        found = None
    if found is None or found[1] != stream or found[2] != str(seq):
        return "", _WHOLE, None, payload
    boot, up_ms, at, rest = found.group(3, 4, 5, 6)
    if at is None:
        return boot, _UNDATED, int(up_ms), rest
    if not 0 <= at_ms < _LAST_MS or at != f"{_second(at_ms // 1000)}.{at_ms % 1000:03}Z":
        return "", _WHOLE, None, payload
    return boot, _DATED, int(up_ms), rest


@lru_cache(maxsize=64)
def _second(at_s: int) -> str:
    """As on the wire; a busy second has many observations."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


_KEY = "SELECT id FROM source WHERE stream = ? AND kind = ? AND name = ? AND boot = ? AND form = ?"
_SOURCE = "INSERT INTO source (stream, kind, name, boot, form) VALUES (?, ?, ?, ?, ?) RETURNING id"
_ROW = (
    "INSERT INTO observation (source, seq, received_ms, late_ms, up_ms, rest, refused) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)

Row = tuple[tuple[int, str], int, str, str, int, int, bytes, str | None]
"""Stream (its key and name), seq, kind, name, at_ms, received_ms, payload, refused."""

_Source = tuple[int, str, str, str, int]
"""Stream, kind, name, boot, form."""


def insert(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Write them behind all others, within the caller's transaction."""
    made, keys = [], dict[_Source, int]()
    for (stream, known_as), seq, kind, name, at_ms, received_ms, payload, refused in rows:
        boot, form, up_ms, rest = packed(payload, known_as, seq, at_ms)
        source = stream, kind, name, boot, form
        key = keys.get(source) or keys.setdefault(source, _key(db, source))
        made.append((key, seq, received_ms, received_ms - at_ms, up_ms, rest, refused))
    db.executemany(_ROW, made)


def change(db: sqlite3.Connection, row: int, payload: bytes) -> None:
    """Give a row another payload, within the caller's transaction."""
    stream, known_as, seq, kind, name, at_ms = db.execute(
        "SELECT stream.id, stream.name, journal.seq, kind, journal.name, journal.at_ms "
        "FROM journal JOIN stream ON stream.id = journal.stream WHERE journal.id = ?",
        (row,),
    ).fetchone()
    boot, form, up_ms, rest = packed(payload, known_as, seq, at_ms)
    key = _key(db, (stream, kind, name, boot, form))
    db.execute(
        "UPDATE observation SET source = ?, up_ms = ?, rest = ? WHERE id = ?",
        (key, up_ms, rest, row),
    )


def _key(db: sqlite3.Connection, source: _Source) -> int:
    found = db.execute(_KEY, source).fetchone() or db.execute(_SOURCE, source).fetchone()
    return int(found[0])
