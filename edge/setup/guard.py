"""Who may see the set-up page: whoever typed the code that stands on the terminal."""

import ipaddress
import secrets
import socket
import unicodedata

from models.errors import MachiaiError

TRIES = 5
"""After so many wrong codes the set-up ends."""

DIGITS = 8


class TooManyTries(MachiaiError, PermissionError):
    """Somebody guessed at the code."""

    exit_code = 77  # EX_NOPERM


class Guard:
    """A code that is good once, and the one session that it opens."""

    def __init__(self) -> None:
        self.code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        self.wrong = 0
        self._session: str | None = None

    @property
    def is_closed(self) -> bool:
        """Whether too many wrong codes came."""
        return self.wrong >= TRIES

    def enter(self, typed: str) -> str | None:
        """The session that this code opens; None if it is wrong, was used, or came too late."""
        digits = "".join(unicodedata.normalize("NFKC", typed).split()).replace("-", "")
        is_right = secrets.compare_digest(digits.encode(errors="replace"), self.code.encode())
        if self.is_closed or self._session is not None or not is_right:
            self.wrong += 1
            return None
        self._session = secrets.token_urlsafe(32)
        return self._session

    def knows(self, session: str | None) -> bool:
        """Whether a request with this cookie may see anything."""
        if self._session is None or session is None:
            return False
        return secrets.compare_digest(session.encode(errors="replace"), self._session.encode())


def is_ours(host: str) -> bool:
    """Whether a `Host` header means this machine by address or by its own name.

    A foreign name that leads here is a page elsewhere that wants to be read as ours.

    >>> is_ours("192.0.2.7:8088"), is_ours("[2001:db8::7]:8088"), is_ours("evil.example:8088")
    (True, True, False)
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    own = socket.gethostname().lower()
    if name.lower() in {"localhost", own, f"{own.partition('.')[0]}.local"}:
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
