"""Who is in: a random token with each browser, and its hash here."""

import hashlib
import secrets
from datetime import datetime

import msgspec

from models.site import Staff
from signage.staff.room import Role
from signage.staff.store import Store

_BYTES = 32
_NOTED_S = 30.0  # so seldom is it written that somebody is still here


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One browser that is in."""

    hash: str
    name: str
    role: Role
    language: str
    is_local: bool


class Sessions:
    """The sessions of one office. Its methods wait for the disk."""

    def __init__(self, store: Store, staff: Staff) -> None:
        self._store = store
        self._idle_s = 60.0 * staff.idle_minutes
        self._longest_s = 60.0 * staff.longest_minutes
        self._ways = {True: staff.local, False: staff.oidc is not None}

    def begin(self, name: str, role: Role | None, language: str, now: datetime) -> str:
        """A new session; returns its token.

        Args:
            name: who it is.
            role: theirs; None is that of their local account, which can change.
            language: in which they read.
            now: the time.
        """
        token, now_s = secrets.token_urlsafe(_BYTES), now.timestamp()
        with self._store.base() as base:
            base.execute(
                "DELETE FROM session WHERE seen_s < ? OR since_s < ?",
                (now_s - self._idle_s, now_s - self._longest_s),
            )
            base.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)",
                (hashed(token), name, role, language, now_s, now_s),
            )
        return token

    def find(self, token: str, now: datetime) -> Session | None:
        """Whose token it is; None if it is nobody's, or has run out, or the account has gone."""
        key, now_s = hashed(token), now.timestamp()
        with self._store.base() as base:
            row = base.execute(
                "SELECT session.name, coalesce(session.role, account.role), language,"
                " session.role IS NULL, seen_s FROM session"
                " LEFT JOIN account ON session.role IS NULL AND account.name = session.name"
                " WHERE hash = ? AND seen_s > ? AND session.since_s > ?",
                (key, now_s - self._idle_s, now_s - self._longest_s),
            ).fetchone()
            if row is None or row[1] is None or not self._ways[bool(row[3])]:
                return None
            if abs(now_s - row[4]) > _NOTED_S:
                base.execute("UPDATE session SET seen_s = ? WHERE hash = ?", (now_s, key))
        name, role, language, is_local, _ = row
        return Session(hash=key, name=name, role=role, language=language, is_local=bool(is_local))

    def speak(self, session: Session, language: str) -> None:
        """From now on in this language."""
        with self._store.base() as base:
            base.execute("UPDATE session SET language = ? WHERE hash = ?", (language, session.hash))

    def end(self, token: str) -> None:
        """This browser is out."""
        with self._store.base() as base:
            base.execute("DELETE FROM session WHERE hash = ?", (hashed(token),))

    def end_all(self, name: str) -> None:
        """All browsers of somebody are out."""
        with self._store.base() as base:
            base.execute("DELETE FROM session WHERE name = ?", (name,))


def hashed(token: str) -> str:
    """What is kept of a token. It is random: no salt is needed, and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def form_token(token: str) -> str:
    """What each form of a session has in it; from it nobody comes to the session's own."""
    return hashlib.sha256(f"form {token}".encode()).hexdigest()
