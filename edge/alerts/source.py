"""A place where alerts are published, and who can read what lies there."""

from datetime import datetime
from typing import NamedTuple, Protocol

from models.contract.observations import PostNotice
from models.errors import BadPayload


class Document(NamedTuple):
    """What came, and where from."""

    where: str
    body: bytes


class Reader(Protocol):
    """Knows one format, and what it has heard."""

    def wants(self, address: str, now: datetime) -> bool:
        """Whether what a list names is worth fetching."""

    def take(self, body: bytes, now: datetime) -> None:
        """One more document.

        Raises:
            BadPayload: it is none that counts.
        """

    def standing(self, now: datetime) -> dict[str, PostNotice]:
        """The notices that hold, by their id."""

    def saved(self) -> bytes:
        """All that was heard, as JSON."""

    def load(self, saved: bytes) -> None:
        """Hear it again.

        Raises:
            MsgspecError: it is none of ours.
        """


class Source(Protocol):
    """A place where alerts are published."""

    where: str

    async def changed(self, reader: Reader, now: datetime) -> list[Document | BadPayload]:
        """What is new since the last time, and what cannot be had for a reason.

        Raises:
            SensorFailed: the place itself is gone.
        """

    def done(self, document: Document) -> None:
        """It was taken, or refused for good."""
