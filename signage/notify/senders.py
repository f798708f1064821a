"""How a notice leaves: one file a way, one line here."""

import importlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import msgspec

from models.errors import MachiaiError, Unavailable
from models.site import Site
from signage.notify.store import Kind

SENDERS = {
    "mail": "signage.notify.mail:Mail",  # text, so that an office without it needs no library
    "push": "signage.notify.push:Push",
    "line": "signage.notify.line:LineMessages",
}
"""By the name of its table in `[notify]`."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One notice as it is said. The same notice has the same `id`, however often it is tried."""

    id: str  # 32 characters of base64url, of which nobody reads who it is for
    kind: Kind
    to: str
    language: str
    subject: str
    text: str
    page: str  # what to open
    stop: str | None  # where one asks for no more of them
    ttl_s: float  # how long it makes sense


class Later(Unavailable):
    """It could not be sent now. Says what came, never for whom."""

    def __init__(self, why: str, *, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


class Refused(MachiaiError, ValueError):
    """It will never be taken. `is_gone`: nor will any other to this address."""

    def __init__(self, why: str, *, is_gone: bool = False) -> None:
        super().__init__(why)
        self.is_gone = is_gone


class Sender(Protocol):
    """One way. `key` is what a browser must have to subscribe; other ways have none."""

    key: str

    def check(self, written: str) -> str:
        """An address as it is kept.

        Raises:
            BadPayload: it is none, or not one that we send to.
        """

    async def send(self, letter: Letter, doubt: Callable[[], Awaitable[None]]) -> None:
        """Hand a letter over, and return when it is taken.

        Args:
            letter: what is said.
            doubt: awaited before the moment from which only the other side knows.

        Raises:
            Later: not now.
            Refused: never.
        """

    async def close(self) -> None:
        """Let connections go."""


class Heard(msgspec.Struct, frozen=True):
    """A text that somebody wrote in a chat, and where an answer goes."""

    user: str
    text: str
    reply: str


@runtime_checkable
class Chat(Sender, Protocol):
    """A way in which one also asks. `signature` is the header that says who calls."""

    signature: str

    def heard(self, body: bytes, signature: str) -> list[Heard]:
        """What the chat's service tells in one call.

        Raises:
            BadPayload: it is not that service who calls, or not in its form.
        """

    async def reply(self, to: Heard, text: str) -> None:
        """Answer in the chat; what is not taken is not tried again, for it is no notice."""


def senders_of(site: Site, folder: Path) -> dict[str, Sender]:
    """The ways that the site file names. Reads files: call it outside a loop.

    Raises:
        Missing: a secret that the site file names is not there.
    """
    made: dict[str, Sender] = {}
    for way, where in SENDERS.items():
        table = getattr(site.notify, way, None)
        if table is not None:
            module, _, name = where.partition(":")
            make: Any = getattr(importlib.import_module(module), name)
            made[way] = make(table, site, folder)
    return made
