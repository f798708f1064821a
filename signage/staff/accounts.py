"""Local accounts: a name, a role and a password, of which only an argon2 hash is kept."""

import re
import unicodedata
from datetime import datetime
from functools import cache

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from models.errors import BadUsage
from signage.staff.room import Role
from signage.staff.store import Store

SHORTEST, LONGEST = 12, 128
"""Characters of a password."""

_NAME = re.compile(r"\w[\w.\- ]{0,30}\w|\w")
_LEFT = 6  # characters that must remain of a password when all that is common is taken out
_DISTINCT = 5
_COMMON = (
    "administrator", "machiai", "password", "passwort", "passw", "pass", "welcome", "letmein",
    "qwertyuiop", "qwerty", "asdfghjkl", "asdf", "zxcvbnm", "zxcv", "1qaz", "2wsx", "3edc",
    "abcdefghijklmnopqrstuvwxyz", "abcdefg", "abcd", "abc", "iloveyou", "sunshine", "princess",
    "dragon", "monkey", "football", "baseball", "superman", "trustno", "master", "shadow", "hello",
    "admin", "root", "user", "guest", "test", "login", "secret", "changeme", "change", "default",
    "yakusho", "kuyakusho", "shiyakusho", "madoguchi", "yakuba", "shiyaku", "office", "staff",
    "sakura", "tokyo", "osaka", "japan", "nippon", "nihon", "arigato", "konnichiwa", "himitsu",
    "spring", "summer", "autumn", "winter", "january", "february", "march", "april", "june",
    "july", "august", "september", "october", "november", "december", "raspberry", "raspbian",
)  # fmt: skip
_LEET = str.maketrans("@4031!$57", "aaoeiisst")
_ENDS = re.compile(r"^[\W\d_]+|[\W\d_]+$")  # a year and a sign make nothing harder


class Account(msgspec.Struct, frozen=True):
    """Who may come in by a password."""

    name: str
    role: Role


class Accounts:
    """The accounts of one office. Its methods wait for the disk, and for argon2."""

    def __init__(self, store: Store) -> None:
        self._store = store
        _nobody()  # made now: else the first unknown name would take longer than a known one

    def add(self, name: str, role: Role, password: str, now: datetime) -> Account:
        """A new account.

        Raises:
            BadUsage: there is one of this name, or the name or the password will not do.
        """
        written = named(name)
        check(password, written)
        secret = _hasher().hash(_plain(password))
        with self._store.base() as base:
            made = base.execute(
                "INSERT OR IGNORE INTO account VALUES (?, ?, ?, ?, ?)",
                (_key(written), written, role, secret, now.timestamp()),
            )
            if not made.rowcount:
                raise BadUsage(f"want a new name, there is {written!r}")
        return Account(written, role)

    def every(self) -> list[Account]:
        """All of them, by name."""
        with self._store.base() as base:
            rows = base.execute("SELECT name, role FROM account ORDER BY key").fetchall()
        return [Account(*row) for row in rows]

    def remove(self, name: str) -> str:
        """End an account and its sessions; or what is kept of somebody who came by the city's.

        Returns:
            The name as it was kept.

        Raises:
            BadUsage: nobody has this name.
        """
        with self._store.base() as base:
            found = base.execute(
                "DELETE FROM account WHERE key = ? RETURNING name", (_key(name),)
            ).fetchall()
            found += base.execute(
                "DELETE FROM subject WHERE name = ? RETURNING name", (name,)
            ).fetchall()
            for (kept,) in found:
                base.execute("DELETE FROM session WHERE name = ?", (kept,))
        if not found:
            raise BadUsage(f"want the name of an account, got {name!r}")
        return str(found[0][0])

    def change(self, name: str, password: str, now: datetime) -> str:
        """Give an account another password; who is in by the old one is out.

        Returns:
            The name as it was kept.

        Raises:
            BadUsage: there is no such account, or the password will not do.
        """
        check(password, name)
        secret = _hasher().hash(_plain(password))
        with self._store.base() as base:
            found = base.execute(
                "UPDATE account SET secret = ?, since_s = ? WHERE key = ? RETURNING name",
                (secret, now.timestamp(), _key(name)),
            ).fetchone()
            if found is None:
                raise BadUsage(f"want the name of an account, got {name!r}")
            base.execute("DELETE FROM session WHERE name = ?", found)
        return str(found[0])

    def entered(self, name: str, password: str) -> Account | None:
        """Whose name and password these are; None takes as long as the right ones do."""
        with self._store.base() as base:
            row = base.execute(
                "SELECT name, role, secret FROM account WHERE key = ?", (_key(name),)
            ).fetchone()
        secret = _nobody() if row is None else row[2]
        try:
            _hasher().verify(secret, _plain(password[: 4 * LONGEST]))
        except (Argon2Error, InvalidHashError):
            return None
        if row is None:
            return None
        if _hasher().check_needs_rehash(secret):  # of an older argon2-cffi: as slow as the others
            with self._store.base() as base:
                base.execute(
                    "UPDATE account SET secret = ? WHERE secret = ?",
                    (_hasher().hash(_plain(password)), secret),
                )
        return Account(row[0], row[1])

    def subject(self, subject: str, name: str) -> str:
        """The name of somebody who comes by the city's account: always the one they had first.

        Raises:
            BadUsage: somebody else has this name.
        """
        with self._store.base() as base:
            base.execute("INSERT OR IGNORE INTO subject VALUES (?, ?)", (subject, name))
            row = base.execute("SELECT name FROM subject WHERE subject = ?", (subject,)).fetchone()
        if row is None:
            raise BadUsage(f"want a name of their own, got {name!r}, which is another's")
        return str(row[0])

    def kept(self, name: str) -> str:
        """A name as its account has it; one that nobody has as it was entered."""
        with self._store.base() as base:
            row = base.execute("SELECT name FROM account WHERE key = ?", (_key(name),)).fetchone()
        return _key(name) if row is None else str(row[0])

    def are_none(self) -> bool:
        """Whether nobody can come in by a password."""
        with self._store.base() as base:
            return base.execute("SELECT 1 FROM account LIMIT 1").fetchone() is None


def named(name: str) -> str:
    """A name as it is kept.

    Raises:
        BadUsage: it is not one.

    >>> named("ｈanako")
    'hanako'
    """
    written = unicodedata.normalize("NFKC", name).strip()
    if not _NAME.fullmatch(written):
        raise BadUsage(f"want a name of at most 32 letters, digits, `.`, `-` or `_`, got {name!r}")
    return written


def check(password: str, name: str) -> None:
    """Refuse what is guessed first. Source: NIST SP 800-63B, 3.1.1.2.

    Raises:
        BadUsage: it is too short, too long, or too common.
    """
    written = _plain(password)
    if not SHORTEST <= len(written) <= LONGEST:
        raise BadUsage(f"want a password of {SHORTEST} to {LONGEST} characters, got {len(written)}")
    if is_common(written, name):
        raise BadUsage("want a password that is harder to guess: a sentence of some words is good")


def is_common(password: str, name: str = "") -> bool:
    """Whether a password is little more than what everybody tries.

    >>> is_common("P@ssw0rd123456"), is_common("Hanako-2026!!", "hanako")
    (True, True)
    >>> is_common("みかんを三つ買って帰る日")
    False
    """
    core = _ENDS.sub("", _plain(password).lower())
    for written in (core, core.translate(_LEET)):
        rest = written
        for word in (*filter(None, [_key(name)]), *_COMMON):
            rest = rest.replace(word, "")
        rest = _ENDS.sub("", rest)
        if len(rest) < _LEFT or len(set(rest)) < _DISTINCT:
            return True
    return False


def _plain(password: str) -> str:
    """As it is hashed: however a keyboard composes its letters, it is the same."""
    return unicodedata.normalize("NFKC", password)


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


@cache
def _hasher() -> PasswordHasher:
    """Argon2id with 64 MiB, three passes. Source: RFC 9106, second recommended option."""
    return PasswordHasher()


@cache
def _nobody() -> str:
    """The hash that an unknown name is compared with."""
    return _hasher().hash("nobody")
