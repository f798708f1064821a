"""The folder of an authority: its keys under a pass phrase, and an index of all that it signed.

The index is one SQLite file. A step is one transaction, which is also the lock: a process that is
killed leaves either all of it or nothing, and no certificate is told that the index does not hold.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from broker.pki import certificates
from models.errors import BadRequest, BadUsage, MachiaiError, Missing, Unavailable
from models.site import Site

INDEX, TRUSTED, LIST = "index.sqlite", "ca.pem", "crl.pem"

RENEW_DAYS = 60
"""A certificate that has fewer left is made anew."""

SHORTEST_PHRASE = 12

STOLEN, REPLACED = "stolen", "replaced"

AskPhrase = Callable[[], str]
"""Asked only where a key is needed."""

_WAIT_S = 60  # for other processes that sign
_TABLES = (
    """CREATE TABLE IF NOT EXISTS authority (
        number INTEGER PRIMARY KEY, pem BLOB NOT NULL, is_trusted INTEGER NOT NULL DEFAULT 1,
        list_number INTEGER NOT NULL DEFAULT 0, list BLOB
    ) STRICT""",
    """CREATE TABLE IF NOT EXISTS certificate (
        row INTEGER PRIMARY KEY, serial TEXT NOT NULL UNIQUE, authority INTEGER NOT NULL,
        name TEXT NOT NULL, key TEXT NOT NULL, ends TEXT NOT NULL, pem BLOB NOT NULL,
        revoked TEXT, why TEXT
    ) STRICT""",
)


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that was given."""

    name: str
    serial: str
    authority: int
    ends: datetime
    why: str | None
    """Why it is revoked; None while it is not."""
    is_newest: bool
    """Whether its name got none later."""


class Authority:
    """One office's, or one city's. Nothing here waits for the network; all of it for the disk."""

    def __init__(self, folder: Path, ask: AskPhrase) -> None:
        self.folder = folder
        self._ask = ask

    def begin(self, now: datetime) -> None:
        """Make the folder and its first authority.

        Raises:
            BadUsage: there is one already, or the pass phrase is too short.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"want a folder at {self.folder}, got: {error.strerror}") from None
        with self._index(is_new=True) as db:
            if _trusted(db):
                raise BadUsage(f"want a folder without an authority, got one - {self.folder}")
            if (self.folder / TRUSTED).exists():
                raise BadUsage(
                    f"want the index that belongs to {TRUSTED}, got none - {self.folder}"
                )
            self._add(db, 1, now)

    def roll(self, now: datetime) -> bool:
        """Have another authority, which signs from now on; both are trusted until `retire`.

        Returns:
            Whether it was made now: a roll-over that has begun is not begun again.
        """
        with self._index() as db:
            numbers = [number for number, _ in _trusted(db)]
            if len(numbers) == 1:
                self._add(db, numbers[0] + 1, now)
            return len(numbers) == 1

    def retire(self, now: datetime) -> int:
        """Trust the newest authority alone; how many were trusted beside it.

        Raises:
            BadRequest: somebody has no certificate of the newest yet.
        """
        with self._index() as db:
            newest = _trusted(db)[-1][0]
            late = [
                one.name
                for one in _issued(db)
                if one.is_newest and one.why is None and one.ends > now and one.authority != newest
            ]
            if late:
                raise BadRequest(
                    f"want certificates of the new authority for {', '.join(sorted(late))}:"
                    " run the playbook while they are on, or revoke them"
                )
            done = db.execute(
                "UPDATE authority SET is_trusted = 0 WHERE is_trusted AND number != ?", [newest]
            )
            return done.rowcount

    def sign(
        self,
        sites: Sequence[Site],
        name: str,
        request: bytes,
        now: datetime,
        *,
        is_held_only: bool = False,
    ) -> tuple[bytes, bool]:
        """The certificate for this name, in PEM, and whether it is new.

        The same request again gives the same certificate while that holds: a play that was cut
        off is simply run again.

        Args:
            sites: the offices, whose names alone are signed.
            name: who asks, as whoever runs this knows, not as the request says.
            request: in PEM.
            now: the time.
            is_held_only: sign nothing.

        Raises:
            Missing: it has none, where nothing is to be signed.
            BadRequest: no site has this name, or the request is not for it alone, or its key is
                another's or was stolen.
        """
        known = certificates.known(sites)
        if name not in known:
            raise BadRequest(f"want a name of the site file, got {name!r}")
        asked, hosts = certificates.request(request, name), known[name]
        key_hash = _hash(asked)
        with self._index() as db:
            number, by = _trusted(db)[-1]
            for other, why in db.execute(
                "SELECT name, why FROM certificate WHERE key = ?", [key_hash]
            ):
                if other != name or why == STOLEN:
                    whose = "that was stolen" if why == STOLEN else f"of {other}"
                    raise BadRequest(f"want a key of its own for {name}, got one {whose}")
            held = db.execute(
                "SELECT pem FROM certificate WHERE key = ? AND authority = ? AND revoked IS NULL"
                " AND ends > ? ORDER BY row DESC LIMIT 1",
                [key_hash, number, _text(now + timedelta(days=RENEW_DAYS))],
            ).fetchone()
            if held and certificates.hosts_of(x509.load_pem_x509_certificate(held[0])) == hosts:
                return held[0], False
            if is_held_only:
                raise Missing(f"want a certificate that holds for {name}, got none")
            if by.not_valid_after_utc < now + timedelta(days=certificates.DAYS):
                raise BadRequest("want an authority that outlives what it signs: roll it over")
            made = certificates.certificate(asked, name, hosts, self._signer(number, by), now)
            pem = made.public_bytes(serialization.Encoding.PEM)
            db.execute(
                "INSERT INTO certificate (serial, authority, name, key, ends, pem)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    f"{made.serial_number:x}",
                    number,
                    name,
                    key_hash,
                    _text(made.not_valid_after_utc),
                    pem,
                ],
            )
        return pem, True

    def revoke(self, name: str, now: datetime, *, is_old_only: bool = False) -> int:
        """Revoke all certificates of a name, or all but its newest; how many that were.

        Raises:
            Missing: this name never got one.
        """
        with self._index() as db:
            its = [one for one in _issued(db) if one.name == name]
            if not its:
                raise Missing(f"want a name that has a certificate, got {name!r}")
            gone = [one for one in its if one.why is None and not (is_old_only and one.is_newest)]
            for one in gone:
                db.execute(
                    "UPDATE certificate SET revoked = ?, why = ? WHERE serial = ?",
                    [_text(now), REPLACED if is_old_only else STOLEN, one.serial],
                )
            for number, _ in _trusted(db):
                if any(one.authority == number for one in gone):
                    self._write_list(db, number, now)
        return len(gone)

    def renew_list(self, now: datetime) -> None:
        """Write the list of the revoked anew; it ends ten years from now."""
        with self._index() as db:
            for number, _ in _trusted(db):
                self._write_list(db, number, now)

    def issued(self) -> list[Issued]:
        """All certificates that were given, oldest first."""
        with self._index() as db:
            return _issued(db)

    def lists(self) -> list[tuple[int, datetime]]:
        """The numbers of the trusted authorities' lists, and when each ends."""
        with self._index() as db:
            made = db.execute("SELECT list_number, list FROM authority WHERE is_trusted").fetchall()
        ends = [x509.load_pem_x509_crl(pem).next_update_utc for _, pem in made]
        return [(number, end) for (number, _), end in zip(made, ends, strict=True) if end]

    @contextlib.contextmanager
    def _index(self, *, is_new: bool = False) -> Iterator[sqlite3.Connection]:
        """The index, locked; what was done is kept if nothing was raised. Then the files follow."""
        path = self.folder / INDEX
        if not is_new and not path.exists():
            raise Missing(
                f"want an authority, got none at {self.folder}: machiai pki init makes it"
            )
        try:
            with contextlib.closing(
                sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
            ) as db:
                path.chmod(0o600)
                db.execute("PRAGMA synchronous = EXTRA")
                db.execute("BEGIN IMMEDIATE")
                with db:
                    for table in _TABLES:
                        db.execute(table)
                    yield db
                db.execute("BEGIN IMMEDIATE")
                with db:
                    self._tell(db)
        except MachiaiError:
            raise
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"want the index {path}, got: {error}") from None

    def _tell(self, db: sqlite3.Connection) -> None:
        """Bring the two files that machines need to what the index says."""
        trusted = db.execute(
            "SELECT pem, list FROM authority WHERE is_trusted ORDER BY number DESC"
        ).fetchall()
        for name, at in ((TRUSTED, 0), (LIST, 1)):
            content = b"".join(row[at] for row in trusted)
            path = self.folder / name
            if content and (not path.exists() or path.read_bytes() != content):
                write(path, content, 0o644)

    def _add(self, db: sqlite3.Connection, number: int, now: datetime) -> None:
        """Another authority. Its key is on the disk before the index speaks of it."""
        phrase = self._ask()
        if len(phrase) < SHORTEST_PHRASE:
            raise BadUsage(
                f"want a pass phrase of {SHORTEST_PHRASE} signs or more, got {len(phrase)}"
            )
        key = ec.generate_private_key(ec.SECP256R1())
        locked = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(phrase.encode()),
        )
        write(self._key_path(number), locked, 0o600)
        pem = certificates.authority(number, key, now).public_bytes(serialization.Encoding.PEM)
        db.execute("INSERT INTO authority (number, pem) VALUES (?, ?)", [number, pem])
        self._write_list(db, number, now, key)

    def _write_list(
        self,
        db: sqlite3.Connection,
        authority: int,
        now: datetime,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> None:
        pem, number = db.execute(
            "SELECT pem, list_number + 1 FROM authority WHERE number = ?", [authority]
        ).fetchone()
        rows = db.execute(
            "SELECT serial, revoked FROM certificate WHERE authority = ? AND revoked IS NOT NULL",
            [authority],
        )
        revoked = [(int(serial, 16), datetime.fromisoformat(since)) for serial, since in rows]
        by = x509.load_pem_x509_certificate(pem)
        signer = certificates.Signer(by, key) if key else self._signer(authority, by)
        made = certificates.revoked(revoked, number, signer, now)
        db.execute(
            "UPDATE authority SET list_number = ?, list = ? WHERE number = ?",
            [number, made.public_bytes(serialization.Encoding.PEM), authority],
        )

    def _signer(self, number: int, by: x509.Certificate) -> certificates.Signer:
        path, phrase = self._key_path(number), self._ask().encode()
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), phrase)
        except OSError as error:
            raise Missing(f"want the authority's key, got: {error.strerror} - {path}") from None
        except (ValueError, TypeError):
            raise BadUsage(f"want the pass phrase of {path}, got another") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != by.public_key():
            raise BadUsage(f"want the key of authority {number}, got another - {path}")
        return certificates.Signer(by, key)

    def _key_path(self, number: int) -> Path:
        return self.folder / f"ca-{number}.key"


def write(path: Path, content: bytes, mode: int) -> None:
    """Put a file in its place, whole or not at all, also when the power is cut."""
    beside = path.with_name(f".{path.name}.new")
    with open(beside, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _trusted(db: sqlite3.Connection) -> list[tuple[int, x509.Certificate]]:
    """The authorities, the one that signs last."""
    rows = db.execute("SELECT number, pem FROM authority WHERE is_trusted ORDER BY number")
    return [(number, x509.load_pem_x509_certificate(pem)) for number, pem in rows]


def _issued(db: sqlite3.Connection) -> list[Issued]:
    rows = db.execute(
        "SELECT name, serial, authority, ends, why,"
        " row = max(row) OVER (PARTITION BY name) FROM certificate ORDER BY row"
    )
    return [
        Issued(
            name=name,
            serial=serial,
            authority=authority,
            ends=datetime.fromisoformat(ends),
            why=why,
            is_newest=bool(is_newest),
        )
        for name, serial, authority, ends, why, is_newest in rows
    ]


def _hash(asked: x509.CertificateSigningRequest) -> str:
    """Of a public key: which it is."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        asked.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return digest.finalize().hex()


def _text(moment: datetime) -> str:
    """As it stands in the index; such texts stand in order of time."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")
