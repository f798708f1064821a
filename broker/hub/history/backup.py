"""A copy of the journal while the hub is at work, and the way back from one."""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from broker.hub.belief import Belief
from broker.hub.history.sqlite import VERSION, Journal, from_milliseconds, milliseconds
from models.errors import BadData, MachiaiError, Missing, Unavailable
from models.site import Site
from models.state.office import Office

_NOTE = """
CREATE TABLE IF NOT EXISTS backup (site TEXT NOT NULL, at_ms INTEGER NOT NULL, state TEXT NOT NULL);
DELETE FROM backup;
"""
_TABLES = {"stream", "journal", "snapshot"}
_STEPS = 1_000_000  # of SQLite's machine, between two looks at how far it has come


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """What was copied. `state` is the hash of the office that it holds, folded to its last row.

    `was` is that of when it was made, where that is another: the site file has changed, or we have.
    """

    path: Path
    size: int
    rows: int
    last: datetime | None
    state: str
    was: str | None = None
    aside: Path | None = None

    def __str__(self) -> str:
        last = "" if self.last is None else f" up to {self.last:%Y-%m-%d %H:%M:%S} UTC"
        held = f"{self.size / 1e6:.1f} MB, {self.rows} observations{last}"
        was = "" if self.was is None else f" (was {self.was[:16]} when it was made)"
        return f"{self.path}: {held}, state {self.state[:16]}{was}"


def state_hash(office: Office) -> str:
    """The same for offices that believe the same, in whatever order they came to it."""
    whole = msgspec.msgpack.decode(office.dump())
    return hashlib.sha256(msgspec.msgpack.encode(whole, order="deterministic")).hexdigest()


def back_up(site: Site, journal: Path, out: Path, now: datetime) -> Copy:
    """Copy a journal as it is at one moment, verify the copy and put it in its place.

    The hub goes on meanwhile. A copy holds no printed number of a ticket, but for those of who
    waits: behind the snapshot they are made up as `Retention` does after a day.

    Args:
        site: whose journal it is.
        journal: the hub's file.
        out: where the copy shall be; what is there is replaced when the new one is verified.
        now: when.

    Raises:
        Missing: there is no journal.
        BadData: it is damaged.
        Unavailable: the disk refuses.
    """
    if not journal.is_file():
        raise Missing(f"want a hub's journal, got no file - {journal}")
    part = out.with_name(f"{out.name}.part")
    with _refusing(f"want a backup at {out}"):
        out.parent.mkdir(parents=True, exist_ok=True)
        _vacuum(journal, part)
        try:
            made = Journal(part, site.history)
            with closing(made):
                made.blank()
                state = state_hash(Belief(site, made).office)
            with closing(sqlite3.connect(part, isolation_level=None)) as db:
                db.executescript("PRAGMA journal_mode = DELETE;" + _NOTE)
                note = (site.id, milliseconds(now), state)
                db.execute("INSERT INTO backup VALUES (?, ?, ?)", note)
                copy = _looked_at(db, part, state)
            _synced(part)
            part.replace(out)
            _synced(out.parent)
        finally:
            part.unlink(missing_ok=True)
    return msgspec.structs.replace(copy, path=out)


def restore(site: Site, journal: Path, file: Path, now: datetime) -> Copy:
    """Put a backup in the place of a journal, which is kept beside it under another name.

    Args:
        site: whose journal it is.
        journal: where the hub will look for it.
        file: a backup, or a journal that something else has copied whole.
        now: when.

    Raises:
        Missing: there is no such file.
        BadData: it is damaged, no journal, another office's or of a later version.
        Unavailable: a hub, or another, has the journal open; or the disk refuses.
    """
    if not file.is_file():
        raise Missing(f"want a backup, got no file - {file}")
    part = journal.with_name(f"{journal.name}.part")
    with _refusing(f"want a journal at {journal}"):
        journal.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file, part)
            with closing(sqlite3.connect(part, isolation_level=None)) as db:
                copy = _looked_at(db, file, "")
                noted = _noted(site, db, file)
            with closing(Journal(part, site.history)) as made:
                state = state_hash(Belief(site, made).office)
            owner = journal.parent.stat()
            if os.geteuid() == 0:
                os.chown(part, owner.st_uid, owner.st_gid)
            _synced(part)
            _let_go(journal)
            aside = _moved_aside(journal, now)
            part.replace(journal)
            _synced(journal.parent)
        finally:
            for path in _with_its_log(part):
                path.unlink(missing_ok=True)
    was = None if noted == state else noted
    return msgspec.structs.replace(copy, path=journal, state=state, was=was, aside=aside)


@contextmanager
def _refusing(want: str) -> Iterator[None]:
    try:
        yield
    except MachiaiError:
        raise
    except OSError as error:
        raise Unavailable(f"{want}, got: {error.strerror or error}") from None
    except sqlite3.Error as error:
        raise Unavailable(f"{want}, got: {error}") from None


def _vacuum(journal: Path, part: Path) -> None:
    """Write a whole copy, with progress; what is free in the journal is left out."""
    from tqdm import tqdm  # noqa: PLC0415

    part.unlink(missing_ok=True)
    size = journal.stat().st_size
    uri = f"{journal.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)) as db,
        tqdm(total=size, unit="B", unit_scale=True, desc="copy", disable=None) as bar,
    ):

        def look() -> None:
            bar.update(min(part.stat().st_size, size) - bar.n if part.exists() else 0)

        db.set_progress_handler(look, _STEPS)
        try:
            db.execute("VACUUM INTO ?", (str(part),))
        except sqlite3.DatabaseError as error:
            part.unlink(missing_ok=True)
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise BadData(f"want a journal that is whole, got: {error} - {journal}") from None


def _looked_at(db: sqlite3.Connection, path: Path, state: str) -> Copy:
    """What a file holds, if it is a whole journal of this version or an earlier one."""
    try:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
        (version,) = db.execute("PRAGMA user_version").fetchone()
        faults = [text for (text,) in db.execute("PRAGMA integrity_check(1)") if text != "ok"]
        if not tables >= _TABLES:
            raise BadData(f"want a hub's journal, got another database - {path}")
        if version > VERSION:
            raise BadData(f"want a journal of version {VERSION} at most, got {version} - {path}")
        if faults:
            raise BadData(f"want a journal that is whole, got: {faults[0]} - {path}")
        rows, last_ms = db.execute("SELECT count(*), max(received_ms) FROM journal").fetchone()
    except sqlite3.Error as error:
        raise BadData(f"want a hub's journal, got: {error} - {path}") from None
    last = None if last_ms is None else from_milliseconds(last_ms)
    return Copy(path=path, size=path.stat().st_size, rows=rows, last=last, state=state)


def _noted(site: Site, db: sqlite3.Connection, path: Path) -> str | None:
    """The hash that a backup says it has; a copy that something else made says nothing."""
    try:
        row = db.execute("SELECT site, state FROM backup").fetchone()
    except sqlite3.OperationalError:
        return None
    if row is None:
        return None
    if row[0] != site.id:
        raise BadData(f"want a backup of {site.id}, got one of {row[0]} - {path}")
    return str(row[1])


def _let_go(journal: Path) -> None:
    """Fold the log of writes into the file, which only who is alone with it can do.

    A file that is too damaged to open is nobody's; it is moved aside with its log.
    """
    if not journal.exists():
        return
    with closing(sqlite3.connect(journal, isolation_level=None, timeout=1)) as db:
        try:
            (mode,) = db.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            raise Unavailable(
                f"want the hub stopped, got: {error}: somebody has it open - {journal}"
            ) from None
        except sqlite3.DatabaseError:
            return
    if mode != "delete":
        raise Unavailable(f"want the hub stopped, got somebody who has it open - {journal}")


def _moved_aside(journal: Path, now: datetime) -> Path | None:
    if not journal.exists():
        return None
    aside = journal.with_name(f"{journal.stem}-before-{now:%Y%m%dT%H%M%S}Z{journal.suffix}")
    for path, target in zip(_with_its_log(journal), _with_its_log(aside), strict=True):
        if path.exists():
            path.replace(target)
    return aside


def _with_its_log(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]


def _synced(path: Path) -> None:
    """On the disk, whatever happens now."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
