"""Bodies that are rendered once a change, not once a request."""

import hashlib
from collections.abc import Callable, Hashable
from datetime import datetime

import msgspec

from signage.mirror import Mirror

Render = Callable[[datetime], tuple[bytes, datetime]]
"""Gets now; gives the body and until when it would come out the same if nothing new is heard."""


class Rendered(msgspec.Struct, frozen=True):
    """A body, a strong ETag and how long it holds."""

    body: bytes
    etag: str
    version: int
    hub_gone: bool
    good_until: datetime


class Cache:
    """One body a key, as long as the mirror has nothing new and nothing in it has run out."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._rendered: dict[Hashable, Rendered] = {}
        self.renderings = 0

    def __call__(self, key: Hashable, render: Render, now: datetime | None = None) -> Rendered:
        """The body of `key`, rendered now if it must be."""
        mirror = self._mirror
        now = now or mirror.clock.now()
        found = self._rendered.get(key)
        if (
            found is None
            or now >= found.good_until
            or (found.version, found.hub_gone) != (mirror.version, mirror.hub_gone)
        ):
            body, good_until = render(now)
            etag = hashlib.sha256(body).hexdigest()[:24]
            found = Rendered(body, etag, mirror.version, mirror.hub_gone, good_until)
            self._rendered[key] = found
            self.renderings += 1
        return found
