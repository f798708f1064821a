"""Bodies that are rendered once a change, not once a request."""

import hashlib
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Protocol

import msgspec

from broker.clock import Clock

Render = Callable[[datetime], tuple[bytes, datetime]]
"""Gets now; gives the body and until when it would come out the same if nothing new is heard."""


class Rendered(msgspec.Struct, frozen=True):
    """A body, a strong ETag and how long it holds."""

    body: bytes
    etag: str
    version: int
    hub_gone: bool
    good_until: datetime


class Source(Protocol):
    """What bodies are made of: the mirror of one office, or of all that are served here."""

    clock: Clock

    @property
    def version(self) -> int:
        """Another number after each change."""

    @property
    def tag(self) -> str:
        """The version, as an event id that no earlier process has given."""

    @property
    def hub_gone(self) -> bool:
        """Whether nothing can be new because nobody is there to say it."""

    async def changed(self, since: int) -> int:
        """Wait until the version is another than `since`, and say which."""


class Cache:
    """One body a key, as long as its source has nothing new and nothing in it has run out."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._rendered: dict[Hashable, Rendered] = {}
        self.renderings = 0

    def __call__(self, key: Hashable, render: Render, now: datetime | None = None) -> Rendered:
        """The body of `key`, rendered now if it must be."""
        source = self._source
        now = now or source.clock.now()
        found = self._rendered.get(key)
        if (
            found is None
            or now >= found.good_until
            or (found.version, found.hub_gone) != (source.version, source.hub_gone)
        ):
            body, good_until = render(now)
            etag = hashlib.sha256(body).hexdigest()[:24]
            found = Rendered(body, etag, source.version, source.hub_gone, good_until)
            self._rendered[key] = found
            self.renderings += 1
        return found
