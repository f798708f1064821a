"""The file behind the door: accounts, sessions and the audit log. Nobody else may read it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import Unavailable

FILE = "staff.sqlite"
_PATIENCE_S = 5.0  # for `machiai staff` beside us
_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
  key TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, secret TEXT NOT NULL,
  since_s REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS subject (
  subject TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE IF NOT EXISTS session (
  hash TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT, language TEXT NOT NULL,
  since_s REAL NOT NULL, seen_s REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audit (
  id INTEGER PRIMARY KEY, at_s REAL NOT NULL, who TEXT NOT NULL, source TEXT NOT NULL,
  act TEXT NOT NULL, outcome TEXT NOT NULL, what TEXT NOT NULL,
  before TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS audit_who ON audit (who, at_s);
CREATE INDEX IF NOT EXISTS audit_at ON audit (at_s);
CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is not changed'); END;
"""


class Store:
    """The file. What asks it waits for the disk: do so in a thread.

    Raises:
        Unavailable: the file cannot be opened.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        self._lock = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.chmod(0o600)
            self._base = sqlite3.connect(
                path, check_same_thread=False, isolation_level=None, timeout=_PATIENCE_S
            )
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                self._base.execute(f"PRAGMA {pragma}")
            self._base.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"want to keep staff's accounts, got: {error} - {path}") from None

    @contextmanager
    def base(self) -> Iterator[sqlite3.Connection]:
        """One transaction, all of it or nothing.

        Raises:
            Unavailable: the disk refuses.
        """
        with self._lock:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                try:
                    yield self._base
                except BaseException:
                    self._base.execute("ROLLBACK")
                    raise
                self._base.execute("COMMIT")
            except sqlite3.Error as error:
                raise Unavailable(f"want staff's accounts, got: {error}") from None

    def close(self) -> None:
        """No more."""
        with self._lock:
            self._base.close()
