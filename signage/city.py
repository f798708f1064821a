"""Several offices heard over one connection, and told together."""

import asyncio
import uuid
from collections.abc import Sequence

from models.errors import BadSite
from signage.mirror import Mirror

CALM_S = 5.0
"""What tells of all offices changes no more often, in true seconds: each has news each second."""

_TAKEN = ("api", "for", "static")


class City:
    """The mirrors of several offices, with a version that grows while any has something new."""

    def __init__(self, mirrors: Sequence[Mirror]) -> None:
        """Take one of each office.

        Raises:
            BadSite: two offices of one id, or one that an address of the web process begins with.
        """
        ids = [mirror.site.id for mirror in mirrors]
        for i, name in enumerate(ids):
            if name in ids[:i]:
                raise BadSite(f"want each site once, got {name!r} again - at `$.site.id`")
            if name in _TAKEN:
                raise BadSite(f"want another id than {name!r}, it is taken - at `$.site.id`")
        self.mirrors = tuple(mirrors)
        self.clock = self.mirrors[0].clock
        self.version = 0
        self._by_site = {mirror.site.id: mirror for mirror in self.mirrors}
        self._boot = uuid.uuid4().hex[:8]
        self._bell = asyncio.Event()
        self._seen = self._versions()
        self._rung_s = self._true_s() - CALM_S

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """What a session must subscribe to."""
        return tuple(topic for mirror in self.mirrors for topic in mirror.subscriptions)

    @property
    def tag(self) -> str:
        """The version, as an event id that no earlier process has given."""
        return f"{self._boot}-{self.version}"

    @property
    def hub_gone(self) -> bool:
        """Whether no hub at all can be heard."""
        return all(mirror.hub_gone for mirror in self.mirrors)

    def apply(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001  the session's callback
        """Hand one message to the office that it is of."""
        levels = topic.split("/", 3)
        mirror = self._by_site.get(levels[2]) if len(levels) > len(("machiai", "v1")) else None
        if mirror is not None:
            mirror.apply(topic, payload, retain)

    def connection(self, up: bool) -> None:  # noqa: FBT001  the session's callback
        """The broker is there or is not."""
        for mirror in self.mirrors:
            mirror.connection(up)

    def watch(self) -> None:
        """Called each second: notice what is new, and hubs that are silent."""
        for mirror in self.mirrors:
            mirror.watch()
        seen = self._versions()
        if seen != self._seen and self._true_s() - self._rung_s >= CALM_S:
            self._seen, self._rung_s = seen, self._true_s()
            self.version += 1
            self._bell.set()
            self._bell = asyncio.Event()

    async def changed(self, since: int) -> int:
        """Wait until the version is another than `since`, and say which."""
        while self.version == since:
            await self._bell.wait()
        return self.version

    def _versions(self) -> int:
        return sum(mirror.version for mirror in self.mirrors)

    def _true_s(self) -> float:
        return self.clock.monotonic() / self.clock.speed
