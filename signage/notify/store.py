"""Who is to be told of which ticket: one SQLite file, from which an address really vanishes.

A holder's row lives until the ticket was called, the day has ended or the holder says stop; notices
that are still to be sent go with it. Nothing here reads the clock and nothing here is logged.
"""

import sqlite3
import threading
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from models.errors import Unavailable

Way = Literal["mail", "push", "line"]
Kind = Literal["confirm", "near", "now", "passed"]

MOST = 5000
"""Holders at a time; one more is refused."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS holder (
  token TEXT PRIMARY KEY, way TEXT NOT NULL, address TEXT NOT NULL, language TEXT NOT NULL,
  service TEXT NOT NULL, number TEXT NOT NULL, walk_s REAL NOT NULL, day TEXT NOT NULL,
  since_s REAL NOT NULL, asked_s REAL NOT NULL, confirmed INTEGER NOT NULL,
  UNIQUE (way, address, service, number)
) STRICT;
CREATE TABLE IF NOT EXISTS notice (
  token TEXT NOT NULL REFERENCES holder ON DELETE CASCADE, kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'sent')), until_s REAL NOT NULL,
  PRIMARY KEY (token, kind)
) STRICT, WITHOUT ROWID;
"""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked for what. Times are seconds since 1970; the address is read when it is needed."""

    token: str
    way: Way
    language: str
    service: str
    number: str
    walk_s: float
    day: str  # local date
    since_s: float  # calls up to then are of another ticket with this number
    asked_s: float
    confirmed: bool = False


class Notice(msgspec.Struct, frozen=True):
    """One notice to one holder; after `until_s` it makes no sense any more."""

    token: str
    kind: Kind
    state: str
    until_s: float


class Store:
    """The file. Its methods wait for the disk: call them in a thread.

    Raises:
        Unavailable: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            for pragma in (
                "journal_mode = WAL",
                "synchronous = FULL",
                "secure_delete = ON",
                "foreign_keys = ON",
                "temp_store = MEMORY",
            ):
                self._base.execute(f"PRAGMA {pragma}")
            self._base.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"want to keep notices, got: {error} - {path}") from None

    def close(self) -> None:
        """No more."""
        with self._lock:
            self._base.close()

    def ask(self, holder: Holder, address: str) -> str | None:
        """Keep a holder; returns the token, an older one if the same was asked before.

        None: there is no room.
        """
        with self._lock, self._base as base:
            known = base.execute(
                "SELECT token FROM holder WHERE way = ? AND address = ?"
                " AND service = ? AND number = ?",
                (holder.way, address, holder.service, holder.number),
            ).fetchone()
            if known is not None:
                return str(known[0])
            if base.execute("SELECT count(*) FROM holder").fetchone()[0] >= MOST:
                return None
            fields = msgspec.structs.asdict(holder) | {"address": address}
            names = ", ".join(fields)
            values = ", ".join(f":{name}" for name in fields)
            base.execute(f"INSERT INTO holder ({names}) VALUES ({values})", fields)  # noqa: S608  ours
            return holder.token

    def confirm(self, token: str) -> Holder | None:
        """The holder has shown that the address is theirs. None: no such holder."""
        with self._lock:
            self._base.execute("UPDATE holder SET confirmed = 1 WHERE token = ?", (token,))
        return self.holder(token)

    def holder(self, token: str) -> Holder | None:
        """The holder with this token."""
        return next(iter(self._holders("WHERE token = ?", token)), None)

    def holders(self) -> list[Holder]:
        """All that there are."""
        return self._holders("")

    def address(self, token: str) -> str | None:
        """Where to; None once it is forgotten."""
        with self._lock:
            found = self._base.execute("SELECT address FROM holder WHERE token = ?", (token,))
            row = found.fetchone()
        return None if row is None else str(row[0])

    def queue(self, notices: list[tuple[str, Kind, datetime]], state: str = "pending") -> None:
        """Notices that must go out, each until when; one that was there before is left alone."""
        with self._lock, self._base as base:
            base.execute("BEGIN")
            base.executemany(
                "INSERT OR IGNORE INTO notice SELECT token, ?, ?, ? FROM holder WHERE token = ?",
                [(kind, state, until.timestamp(), token) for token, kind, until in notices],
            )

    def notices(self) -> list[Notice]:
        """All of those who are still here."""
        with self._lock:
            rows = self._base.execute("SELECT token, kind, state, until_s FROM notice").fetchall()
        return [Notice(*row) for row in rows]

    def mark(self, token: str, kind: Kind, state: str) -> None:
        """`sending`: from here on nobody can know whether it went out, until it is `sent`."""
        with self._lock:
            self._base.execute(
                "UPDATE notice SET state = ? WHERE token = ? AND kind = ?", (state, token, kind)
            )

    def forget(self, tokens: list[str]) -> None:
        """Delete holders and their notices, so that the file does not hold them any more."""
        if not tokens:
            return
        with self._lock:
            with self._base as base:
                base.execute("BEGIN")
                base.executemany("DELETE FROM holder WHERE token = ?", [(t,) for t in tokens])
            self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _holders(self, where: str, *values: str) -> list[Holder]:
        names = Holder.__struct_fields__
        asked = f"SELECT {', '.join(names)} FROM holder {where}"  # noqa: S608  ours
        with self._lock:
            rows = self._base.execute(asked, values).fetchall()
        return [
            msgspec.convert(dict(zip(names, row, strict=True)), Holder, strict=False)
            for row in rows
        ]
