"""The journal as a log for `machiai replay`. Only read, so the hub may be at work meanwhile."""

import gzip
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, cast

import msgspec

from broker.hub.history.retention import Numbers
from broker.hub.history.sqlite import from_milliseconds
from models.contract import topics
from models.contract.codec import stamp
from models.errors import Missing, Unavailable

_ALL = """
SELECT device, kind, journal.name, journal.at_ms, journal.received_ms, payload
FROM journal JOIN stream ON stream.id = journal.stream
WHERE refused IS NULL AND kind != 'skip' ORDER BY journal.id
"""


def export(site: str, journal: Path, where: str) -> None:
    """Write the journal's observations as JSON lines, with progress.

    Args:
        site: the office's id.
        journal: the hub's file.
        where: a file, compressed if its name ends in .gz, or `-` for standard output.

    Raises:
        Missing: there is no journal.
        Unavailable: it cannot be read, or the log cannot be written.
    """
    from tqdm import tqdm  # noqa: PLC0415

    with closing(_opened(journal)) as db:
        try:
            (rows,) = db.execute("SELECT count(*) FROM journal").fetchone()
            with _written(where) as file:
                for text in tqdm(_lines(db, site), total=rows, unit="line", disable=None):
                    file.write(text)
        except sqlite3.Error as error:
            raise Unavailable(f"want to read {journal}, got: {error}") from None


def _lines(db: sqlite3.Connection, site: str) -> Iterator[bytes]:
    """What was folded, dated as the hub dated it; the numbers of tickets are made up."""
    numbers = Numbers()
    for device, kind, name, at_ms, received_ms, payload in db.execute(_ALL):
        kept = numbers.blanked(payload, name, at_ms) if kind == "ticket" else payload
        dated = {"at": stamp(from_milliseconds(min(at_ms, received_ms)))}
        line = {
            "topic": topics.observation(site, device, kind, name),
            "received_at": stamp(from_milliseconds(received_ms)),
            "payload": msgspec.json.decode(kept) | dated,
        }
        yield msgspec.json.encode(line) + b"\n"


def _opened(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise Missing(f"want a hub's journal, got no file - {path}")
    try:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise Unavailable(f"want to read {path}, got: {error}") from None


@contextmanager
def _written(where: str) -> Iterator[IO[bytes]]:
    if where == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with Path(where).open("wb") as file:
            if where.endswith(".gz"):
                with gzip.GzipFile(fileobj=file, mode="wb") as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield file
    except OSError as error:
        raise Unavailable(f"want to write {where}, got: {error.strerror or error}") from None
